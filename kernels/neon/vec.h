/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of Armv8-A Advanced SIMD. 5 rows x 1 panel: 20 sums, 4 weight vectors and
 * 5 registers with four steps of a row of A each, from which FMLA takes its scalar by element: 21
 * loads feed 80 FMLAs. A sixth row would not leave room for the weights. */
#ifndef SVF_KERNELS_NEON_VEC_H
#define SVF_KERNELS_NEON_VEC_H

#include <arm_neon.h>

#include "kernels/unit.h"

#define VEC_NEEDS_neon SVF_CPU_NEON

typedef float32x4_t vec_neon;
enum { LANES_neon = 4 };

SVF_INLINE float32x4_t v_zero_neon(void) { return vdupq_n_f32(0); }
SVF_INLINE float32x4_t v_load_neon(const float *p) { return vld1q_f32(p); }
SVF_INLINE void v_store_neon(float *p, float32x4_t v) { vst1q_f32(p, v); }
SVF_INLINE float32x4_t v_add_neon(float32x4_t x, float32x4_t y) { return vaddq_f32(x, y); }
SVF_INLINE float32x4_t v_sub_neon(float32x4_t x, float32x4_t y) { return vsubq_f32(x, y); }
SVF_INLINE float32x4_t v_mul_neon(float32x4_t x, float32x4_t y) { return vmulq_f32(x, y); }
SVF_INLINE float32x4_t v_dup_neon(float x) { return vdupq_n_f32(x); }
SVF_INLINE float32x4_t v_fma_neon(float32x4_t x, float32x4_t y, float32x4_t sum)
{
  return vfmaq_f32(sum, x, y);
}
SVF_INLINE float32x4_t v_abs_neon(float32x4_t v) { return vabsq_f32(v); }
SVF_INLINE float32x4_t v_div_neon(float32x4_t x, float32x4_t y) { return vdivq_f32(x, y); }
SVF_INLINE float32x4_t v_sqrt_neon(float32x4_t v) { return vsqrtq_f32(v); }
SVF_INLINE void v_prefetch_neon(const void *p) { __builtin_prefetch(p, 0, 2); }

SVF_INLINE float32x4_t v_widen_neon(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

SVF_INLINE void v_narrow_neon(uint16_t *p, float32x4_t v)
{
  vst1_u16(p, vshrn_n_u32(vreinterpretq_u32_f32(v), 16));
}

SVF_INLINE uint32x4_t load_pairs_neon(const uint16_t *p)
{
  return vreinterpretq_u32_u16(vld1q_u16(p));
}

SVF_INLINE float32x4_t v_even_neon(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vshlq_n_u32(load_pairs_neon(p), 16));
}

SVF_INLINE float32x4_t v_odd_neon(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vandq_u32(load_pairs_neon(p), vdupq_n_u32(0xffff0000u)));
}

/* Rounded as integers: FPCR does not matter and denormals are kept. */
SVF_INLINE float32x4_t v_bf16_neon(float32x4_t v)
{
  const uint32x4_t x = vreinterpretq_u32_f32(v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(x, 16), vdupq_n_u32(1));
  const uint32x4_t up = vaddq_u32(x, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(x, vdupq_n_u32(0x400000));
  const uint32x4_t y = vbslq_u32(vceqq_f32(v, v), up, quiet);
  return vreinterpretq_f32_u32(vandq_u32(y, vdupq_n_u32(0xffff0000u)));
}

SVF_INLINE float32x4_t v_finite_neon(float32x4_t v, float32x4_t w)
{
  const uint32x4_t finite = vceqq_f32(vsubq_f32(v, v), vdupq_n_f32(0));
  return vreinterpretq_f32_u32(vandq_u32(finite, vreinterpretq_u32_f32(w)));
}

SVF_INLINE float32x4_t v_where_less_neon(float32x4_t x, float32x4_t y, float32x4_t a, float32x4_t b)
{
  return vbslq_f32(vcltq_f32(x, y), a, b);
}

/* FMAX would not do: it orders zeros and keeps a NaN. */
SVF_INLINE float32x4_t v_max_neon(float32x4_t x, float32x4_t y)
{
  return v_where_less_neon(y, x, x, y);
}

SVF_INLINE float32x4_t v_pow2_neon(float32x4_t t)
{
  const uint32x4_t shifted = vshlq_n_u32(vreinterpretq_u32_f32(t), EXP_SHIFT);
  return vreinterpretq_f32_u32(vaddq_u32(shifted, vdupq_n_u32(EXP_ONE)));
}

typedef float32x4_t a_row_neon;

SVF_INLINE a_row_neon a_load_neon(const float *a, int count)
{
  if (count == 4) return vld1q_f32(a);
  return count == 2 ? vcombine_f32(vld1_f32(a), vdup_n_f32(0)) : vld1q_dup_f32(a);
}

typedef struct a_value_neon {
  a_row_neon x;
  int lane;
} a_value_neon;
SVF_INLINE a_value_neon a_at_neon(a_row_neon x, int s) { return (a_value_neon){x, s}; }

/* In assembly, so that a sum stays in its register: gcc rotates them, with moves at the seams. */
#define FMLA(lane) __asm__("fmla %0.4s, %1.4s, %2.s[" #lane "]" : "+w"(sum) : "w"(b), "w"(y.x))

SVF_INLINE float32x4_t a_fma_neon(a_value_neon y, float32x4_t b, float32x4_t sum)
{
  switch (y.lane) {
    case 0: FMLA(0); break;
    case 1: FMLA(1); break;
    case 2: FMLA(2); break;
    default: FMLA(3); break;
  }
  return sum;
}

#undef FMLA

/* Tiles of fp32 FMAs: of each height the widest one comes first. */
enum { FMA_ROWS_NEON = 5 };
#define FMA_SIZE_NEON "5x16"
/* clang-format off */
#define FMA_SHAPES_NEON(full, tile, format) \
  full(format, 1, 4) tile(format, 1, 1)     \
  full(format, 2, 2) tile(format, 2, 1)     \
  full(format, 3, 2) tile(format, 3, 1)     \
  full(format, 4, 1)                        \
  full(format, 5, 1)
/* clang-format on */

#endif
