/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT quant
#define SVF_UNIT_ISA neon
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/vec.h"

/* FMIN would not do: it orders zeros and keeps a NaN. */
SVF_INLINE float32x4_t v_min_neon(float32x4_t x, float32x4_t y)
{
  return v_where_less_neon(x, y, x, y);
}

SVF_INLINE void v_low_bytes_neon(int8_t *p, float32x4_t v)
{
  const uint16x4_t words = vmovn_u32(vreinterpretq_u32_f32(v));
  const uint8x8_t bytes = vmovn_u16(vcombine_u16(words, words));
  const uint32_t joined = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
  memcpy(p, &joined, sizeof joined);
}

#include "kernels/quant_vec.h"

QUANT_UNIT(SVF_ISA_NEON, VEC_NEEDS)

#include "kernels/unit_end.h"
