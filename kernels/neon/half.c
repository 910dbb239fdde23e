/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT half
#define SVF_UNIT_ISA neon
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/vec.h"

SVF_INLINE float32x4_t v_widen_f16_neon(const uint16_t *p)
{
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

SVF_INLINE void v_narrow_f16_neon(uint16_t *p, float32x4_t v)
{
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

#include "kernels/half_vec.h"

HALF_UNIT(SVF_ISA_NEON, VEC_NEEDS)

#include "kernels/unit_end.h"
