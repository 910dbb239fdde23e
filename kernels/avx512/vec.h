/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of AVX-512 (F, BW, DQ, VL). 8 rows x 3 panels: 24 sums, 3 weight vectors
 * and a broadcast of 32 registers; 11 loads feed 24 FMAs. 9 x 3 has fewer loads per FMA and is no
 * faster, 14 x 2 is slower by 5 %. Few rows take more panels abreast, so that the chains of FMAs
 * still cover their latency. */
#ifndef SVF_KERNELS_AVX512_VEC_H
#define SVF_KERNELS_AVX512_VEC_H

#include <immintrin.h>
#include <stdint.h>

#include <svf/cpu.h>

#include "kernels/exp.h"

#define SVF_INLINE static inline __attribute__((always_inline))

typedef __m512 vec;
enum { LANES = 16 };

SVF_INLINE vec v_zero(void) { return _mm512_setzero_ps(); }
SVF_INLINE vec v_load(const float *p) { return _mm512_loadu_ps(p); }
SVF_INLINE void v_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
SVF_INLINE vec v_add(vec x, vec y) { return _mm512_add_ps(x, y); }
SVF_INLINE vec v_sub(vec x, vec y) { return _mm512_sub_ps(x, y); }
SVF_INLINE vec v_mul(vec x, vec y) { return _mm512_mul_ps(x, y); }
SVF_INLINE vec v_dup(float x) { return _mm512_set1_ps(x); }
SVF_INLINE vec v_fma(vec x, vec y, vec sum) { return _mm512_fmadd_ps(x, y, sum); }
SVF_INLINE vec v_abs(vec v) { return _mm512_abs_ps(v); }
SVF_INLINE vec v_div(vec x, vec y) { return _mm512_div_ps(x, y); }
SVF_INLINE vec v_sqrt(vec v) { return _mm512_sqrt_ps(v); }
SVF_INLINE vec v_max(vec x, vec y) { return _mm512_max_ps(x, y); }
SVF_INLINE void v_prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }
SVF_INLINE void v_prefetch_l1(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }

SVF_INLINE vec v_widen(const uint16_t *p)
{
  const __m512i x = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

SVF_INLINE void v_narrow(uint16_t *p, vec v)
{
  const __m512i y = _mm512_srli_epi32(_mm512_castps_si512(v), 16);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(y));
}

SVF_INLINE vec v_even(const uint16_t *p)
{
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}

SVF_INLINE vec v_odd(const uint16_t *p)
{
  const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), high));
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
SVF_INLINE vec v_bf16(vec v)
{
  const __m512i x = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_mask_mov_epi32(up, nan, quiet), high));
}

SVF_INLINE vec v_finite(vec v, vec w)
{
  enum { NAN_OR_INF = 0x99 };
  return _mm512_maskz_mov_ps((__mmask16)~_mm512_fpclass_ps_mask(v, NAN_OR_INF), w);
}

SVF_INLINE vec v_where_less(vec x, vec y, vec a, vec b)
{
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}

SVF_INLINE vec v_pow2(vec t)
{
  const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(t), EXP_SHIFT);
  return _mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(EXP_ONE)));
}

/* A is broadcast from memory. */
typedef const float *a_row;

SVF_INLINE a_row a_load(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec a_value;
SVF_INLINE a_value a_at(a_row x, int s) { return _mm512_set1_ps(x[s]); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the
 * seams. */
SVF_INLINE vec a_fma(a_value y, vec b, vec sum)
{
  __asm__("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(y), "v"(b));
  return sum;
}

/* The tiles, and the table of them. */
/* clang-format off */
#define SVF_FMA_TILES \
  SVF_FMA_TILE(1, 4) \
  SVF_FMA_TILE(1, 1) \
  SVF_FMA_TILE(2, 8) \
  SVF_FMA_TILE(2, 4) \
  SVF_FMA_TILE(2, 1) \
  SVF_FMA_TILE(3, 6) SVF_FMA_TILE(3, 2) SVF_FMA_TILE(3, 1) SVF_FMA_TILE(4, 4) SVF_FMA_TILE(4, 2) \
      SVF_FMA_TILE(4, 1) SVF_FMA_TILE(5, 4) SVF_FMA_TILE(5, 2) SVF_FMA_TILE(5, 1) \
          SVF_FMA_TILE(6, 4) SVF_FMA_TILE(6, 2) SVF_FMA_TILE(6, 1) SVF_FMA_TILE(7, 3) \
              SVF_FMA_TILE(7, 2) SVF_FMA_TILE(7, 1) SVF_FMA_TILE(8, 3) SVF_FMA_TILE(8, 2) \
                  SVF_FMA_TILE(8, 1)

#define SVF_FMA_ROWS \
  [1] = {4, {[1] = tile_1x1, [4] = tile_1x4}}, \
  [2] = {8, {[1] = tile_2x1, [4] = tile_2x4, [8] = tile_2x8}}, \
  [3] = {6, {[1] = tile_3x1, [2] = tile_3x2, [6] = tile_3x6}}, \
  [4] = {4, {[1] = tile_4x1, [2] = tile_4x2, [4] = tile_4x4}}, \
  [5] = {4, {[1] = tile_5x1, [2] = tile_5x2, [4] = tile_5x4}}, \
  [6] = {4, {[1] = tile_6x1, [2] = tile_6x2, [4] = tile_6x4}}, \
  [7] = {3, {[1] = tile_7x1, [2] = tile_7x2, [3] = tile_7x3}}, \
  [8] = {3, {[1] = tile_8x1, [2] = tile_8x2, [3] = tile_8x3}},
/* clang-format on */

#define SVF_FMA_NEEDS                                                                        \
  (SVF_CPU_AVX512F | SVF_CPU_AVX512BW | SVF_CPU_AVX512DQ | SVF_CPU_AVX512VL | SVF_CPU_AVX2 | \
   SVF_CPU_FMA)

#endif
