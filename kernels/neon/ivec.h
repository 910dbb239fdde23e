/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers of Armv8-A; see int_lines.h and int_tile.h. */
#ifndef SVF_KERNELS_NEON_IVEC_H
#define SVF_KERNELS_NEON_IVEC_H

#include "kernels/neon/vec.h"

typedef int32x4_t ivec_neon;

SVF_INLINE int32x4_t i_zero_neon(void) { return vdupq_n_s32(0); }
SVF_INLINE int32x4_t i_load_neon(const char *p)
{
  return vreinterpretq_s32_s8(vld1q_s8((const int8_t *)p));
}
SVF_INLINE int32x4_t i_dup_neon(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return vdupq_n_s32(x);
}
SVF_INLINE int32x4_t i_add_neon(int32x4_t x, int32x4_t y) { return vaddq_s32(x, y); }
SVF_INLINE float32x4_t i_to_f32_neon(int32x4_t x) { return vcvtq_f32_s32(x); }
SVF_INLINE int32x4_t i_round_neon(float32x4_t v) { return vcvtnq_s32_f32(v); }
SVF_INLINE int32x4_t i_bits_neon(float32x4_t v) { return vreinterpretq_s32_f32(v); }
SVF_INLINE int32x4_t i_max_neon(int32x4_t x, int32x4_t y) { return vmaxq_s32(x, y); }
SVF_INLINE int32_t i_most_neon(int32x4_t x) { return vmaxvq_s32(x); }
SVF_INLINE int32_t i_total_neon(int32x4_t x) { return vaddvq_s32(x); }

/* 8 int32 as int16. */
SVF_INLINE int16x8_t i_narrow_neon(const int32x4_t *x)
{
  return vcombine_s16(vmovn_s32(x[0]), vmovn_s32(x[1]));
}

SVF_INLINE void i_store_quads_neon(char *p, const int32x4_t *x)
{
  vst1q_s8((int8_t *)p, vcombine_s8(vmovn_s16(i_narrow_neon(x)), vmovn_s16(i_narrow_neon(x + 2))));
}

SVF_INLINE int32x4_t i_high_neon(int32x4_t x)
{
  return vshrq_n_s32(vaddq_s32(x, vdupq_n_s32(64)), 7);
}
SVF_INLINE int32x4_t i_low_neon(int32x4_t x, int32x4_t high)
{
  return vsubq_s32(x, vshlq_n_s32(high, 7));
}

SVF_INLINE int32x4_t i_shl16_neon(int32x4_t x, const int n)
{
  return vreinterpretq_s32_s16(vshlq_s16(vreinterpretq_s16_s32(x), vdupq_n_s16((int16_t)n)));
}
SVF_INLINE int32x4_t i_sar16_neon(int32x4_t x, const int n)
{
  return vreinterpretq_s32_s16(vshlq_s16(vreinterpretq_s16_s32(x), vdupq_n_s16((int16_t)-n)));
}

SVF_INLINE void i_store_pairs_neon(char *p, const int32x4_t *x)
{
  static const uint8_t order[16] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  int8_t *to = (int8_t *)p;
  for (int i = 0; i < 2; ++i) {
    const int8x16_t y = vreinterpretq_s8_s16(i_narrow_neon(x + 2 * i));
    vst1q_s8(to + 16 * i, vqtbl1q_s8(y, vld1q_u8(order)));
  }
}

SVF_INLINE int32x4_t i_low4_neon(int32x4_t x)
{
  return vreinterpretq_s32_s8(vshlq_n_s8(vreinterpretq_s8_s32(x), 4));
}
SVF_INLINE int32x4_t i_high4_neon(int32x4_t x)
{
  return vandq_s32(x, vdupq_n_s32((int32_t)0xf0f0f0f0));
}
SVF_INLINE int32x4_t i_join_neon(int32x4_t high, int32x4_t low)
{
  return vaddq_s32(vshlq_n_s32(high, 7), low);
}
SVF_INLINE int32x4_t i_sar4_neon(int32x4_t x) { return vshrq_n_s32(x, 4); }

#endif
