/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers of Armv8-A; see int_lines.h and int_tile.h. */
#ifndef SVF_KERNELS_NEON_IVEC_H
#define SVF_KERNELS_NEON_IVEC_H

#include "kernels/neon/vec.h"

typedef int32x4_t ivec;

SVF_INLINE ivec i_zero(void) { return vdupq_n_s32(0); }
SVF_INLINE ivec i_load(const char *p) { return vreinterpretq_s32_s8(vld1q_s8((const int8_t *)p)); }
SVF_INLINE ivec i_dup(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return vdupq_n_s32(x);
}
SVF_INLINE ivec i_add(ivec x, ivec y) { return vaddq_s32(x, y); }
SVF_INLINE vec i_to_f32(ivec x) { return vcvtq_f32_s32(x); }
SVF_INLINE ivec i_round(vec v) { return vcvtnq_s32_f32(v); }
SVF_INLINE ivec i_bits(vec v) { return vreinterpretq_s32_f32(v); }
SVF_INLINE ivec i_max(ivec x, ivec y) { return vmaxq_s32(x, y); }
SVF_INLINE int32_t i_most(ivec x) { return vmaxvq_s32(x); }
SVF_INLINE int32_t i_total(ivec x) { return vaddvq_s32(x); }

/* 8 int32 as int16. */
SVF_INLINE int16x8_t i_narrow(const ivec *x)
{
  return vcombine_s16(vmovn_s32(x[0]), vmovn_s32(x[1]));
}

SVF_INLINE void i_store_quads(char *p, const ivec *x)
{
  vst1q_s8((int8_t *)p, vcombine_s8(vmovn_s16(i_narrow(x)), vmovn_s16(i_narrow(x + 2))));
}

SVF_INLINE ivec i_high(ivec x) { return vshrq_n_s32(vaddq_s32(x, vdupq_n_s32(64)), 7); }
SVF_INLINE ivec i_low(ivec x, ivec high) { return vsubq_s32(x, vshlq_n_s32(high, 7)); }

#endif
