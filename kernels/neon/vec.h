/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of Armv8-A Advanced SIMD. 5 rows x 1 panel: 20 sums, 4 weight vectors and
 * 5 registers with four steps of a row of A each, from which FMLA takes its scalar by element: 21
 * loads feed 80 FMLAs. A sixth row would not leave room for the weights. */
#ifndef SVF_KERNELS_NEON_VEC_H
#define SVF_KERNELS_NEON_VEC_H

#include <arm_neon.h>
#include <stdint.h>

#include <svf/cpu.h>

#include "kernels/exp.h"

#define SVF_INLINE static inline __attribute__((always_inline))

typedef float32x4_t vec;
enum { LANES = 4 };

SVF_INLINE vec v_zero(void) { return vdupq_n_f32(0); }
SVF_INLINE vec v_load(const float *p) { return vld1q_f32(p); }
SVF_INLINE void v_store(float *p, vec v) { vst1q_f32(p, v); }
SVF_INLINE vec v_add(vec x, vec y) { return vaddq_f32(x, y); }
SVF_INLINE vec v_sub(vec x, vec y) { return vsubq_f32(x, y); }
SVF_INLINE vec v_mul(vec x, vec y) { return vmulq_f32(x, y); }
SVF_INLINE vec v_dup(float x) { return vdupq_n_f32(x); }
SVF_INLINE vec v_fma(vec x, vec y, vec sum) { return vfmaq_f32(sum, x, y); }
SVF_INLINE vec v_abs(vec v) { return vabsq_f32(v); }
SVF_INLINE vec v_div(vec x, vec y) { return vdivq_f32(x, y); }
SVF_INLINE vec v_sqrt(vec v) { return vsqrtq_f32(v); }
SVF_INLINE void v_prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }

SVF_INLINE vec v_widen(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

SVF_INLINE void v_narrow(uint16_t *p, vec v)
{
  vst1_u16(p, vshrn_n_u32(vreinterpretq_u32_f32(v), 16));
}

SVF_INLINE uint32x4_t load_pairs(const uint16_t *p) { return vreinterpretq_u32_u16(vld1q_u16(p)); }

SVF_INLINE vec v_even(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vshlq_n_u32(load_pairs(p), 16));
}

SVF_INLINE vec v_odd(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vandq_u32(load_pairs(p), vdupq_n_u32(0xffff0000u)));
}

/* Rounded as integers: FPCR does not matter and denormals are kept. */
SVF_INLINE vec v_bf16(vec v)
{
  const uint32x4_t x = vreinterpretq_u32_f32(v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(x, 16), vdupq_n_u32(1));
  const uint32x4_t up = vaddq_u32(x, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(x, vdupq_n_u32(0x400000));
  const uint32x4_t y = vbslq_u32(vceqq_f32(v, v), up, quiet);
  return vreinterpretq_f32_u32(vandq_u32(y, vdupq_n_u32(0xffff0000u)));
}

SVF_INLINE vec v_finite(vec v, vec w)
{
  const uint32x4_t finite = vceqq_f32(vsubq_f32(v, v), vdupq_n_f32(0));
  return vreinterpretq_f32_u32(vandq_u32(finite, vreinterpretq_u32_f32(w)));
}

SVF_INLINE vec v_where_less(vec x, vec y, vec a, vec b) { return vbslq_f32(vcltq_f32(x, y), a, b); }

/* Not FMAX, which orders zeros and keeps a NaN. */
SVF_INLINE vec v_max(vec x, vec y) { return v_where_less(y, x, x, y); }

SVF_INLINE vec v_pow2(vec t)
{
  const uint32x4_t shifted = vshlq_n_u32(vreinterpretq_u32_f32(t), EXP_SHIFT);
  return vreinterpretq_f32_u32(vaddq_u32(shifted, vdupq_n_u32(EXP_ONE)));
}

typedef float32x4_t a_row;

SVF_INLINE a_row a_load(const float *a, int count)
{
  if (count == 4) return vld1q_f32(a);
  return count == 2 ? vcombine_f32(vld1_f32(a), vdup_n_f32(0)) : vld1q_dup_f32(a);
}

typedef struct a_value {
  a_row x;
  int lane;
} a_value;
SVF_INLINE a_value a_at(a_row x, int s) { return (a_value){x, s}; }

/* In assembly, so that a sum stays in its register: gcc rotates them, with moves at the seams. */
#define FMLA(lane) __asm__("fmla %0.4s, %1.4s, %2.s[" #lane "]" : "+w"(sum) : "w"(b), "w"(y.x))

SVF_INLINE vec a_fma(a_value y, vec b, vec sum)
{
  switch (y.lane) {
    case 0: FMLA(0); break;
    case 1: FMLA(1); break;
    case 2: FMLA(2); break;
    default: FMLA(3); break;
  }
  return sum;
}

/* The tiles, and the table of them. */
/* clang-format off */
#define SVF_FMA_TILES \
  SVF_FMA_TILE(1, 4) \
  SVF_FMA_TILE(1, 1) \
  SVF_FMA_TILE(2, 2) \
  SVF_FMA_TILE(2, 1) SVF_FMA_TILE(3, 2) SVF_FMA_TILE(3, 1) SVF_FMA_TILE(4, 1) SVF_FMA_TILE(5, 1)

#define SVF_FMA_ROWS \
  [1] = {4, {[1] = tile_1x1, [4] = tile_1x4}}, [2] = {2, {[1] = tile_2x1, [2] = tile_2x2}}, \
  [3] = {2, {[1] = tile_3x1, [2] = tile_3x2}}, [4] = {1, {[1] = tile_4x1}}, \
  [5] = {1, {[1] = tile_5x1}},
/* clang-format on */

#define SVF_FMA_NEEDS (SVF_CPU_NEON)

#endif
