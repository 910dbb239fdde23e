/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of AVX2 + FMA. 6 rows x 1 panel: 12 sums, 2 weight vectors and 2
 * broadcasts fill the 16 registers; 8 loads feed 12 FMAs. */
#ifndef SVF_KERNELS_AVX2_VEC_H
#define SVF_KERNELS_AVX2_VEC_H

#include <immintrin.h>
#include <stdint.h>

#include <svf/cpu.h>

#include "kernels/exp.h"

#define SVF_INLINE static inline __attribute__((always_inline))

typedef __m256 vec;
enum { LANES = 8 };
#define V_ODD 0xffff0000u /* of two bf16 the second */

SVF_INLINE vec v_zero(void) { return _mm256_setzero_ps(); }
SVF_INLINE vec v_load(const float *p) { return _mm256_loadu_ps(p); }
SVF_INLINE void v_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
SVF_INLINE vec v_add(vec x, vec y) { return _mm256_add_ps(x, y); }
SVF_INLINE vec v_sub(vec x, vec y) { return _mm256_sub_ps(x, y); }
SVF_INLINE vec v_mul(vec x, vec y) { return _mm256_mul_ps(x, y); }
SVF_INLINE vec v_dup(float x) { return _mm256_set1_ps(x); }
SVF_INLINE vec v_fma(vec x, vec y, vec sum) { return _mm256_fmadd_ps(x, y, sum); }
SVF_INLINE vec v_abs(vec v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
SVF_INLINE vec v_div(vec x, vec y) { return _mm256_div_ps(x, y); }
SVF_INLINE vec v_sqrt(vec v) { return _mm256_sqrt_ps(v); }
SVF_INLINE vec v_max(vec x, vec y) { return _mm256_max_ps(x, y); }
SVF_INLINE void v_prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

SVF_INLINE vec v_widen(const uint16_t *p)
{
  const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

SVF_INLINE void v_narrow(uint16_t *p, vec v)
{
  const __m256i y = _mm256_srli_epi32(_mm256_castps_si256(v), 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(y, y), 0x08);
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(packed));
}

SVF_INLINE vec v_even(const uint16_t *p)
{
  const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

SVF_INLINE vec v_odd(const uint16_t *p)
{
  /* The mask stays in memory: a register for it would cost a sum its own. */
  static const _Alignas(32)
      uint32_t mask[LANES] = {V_ODD, V_ODD, V_ODD, V_ODD, V_ODD, V_ODD, V_ODD, V_ODD};
  __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
  __asm__("vpand {%1, %0, %0|%0, %0, %1}" : "+x"(x) : "m"(*(const __m256i *)(const void *)mask));
  return _mm256_castsi256_ps(x);
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
SVF_INLINE vec v_bf16(vec v)
{
  const __m256i x = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i y = _mm256_blendv_epi8(up, quiet, nan);
  return _mm256_castsi256_ps(_mm256_and_si256(y, _mm256_set1_epi32((int)0xffff0000u)));
}

SVF_INLINE vec v_finite(vec v, vec w)
{
  const __m256 finite = _mm256_cmp_ps(_mm256_sub_ps(v, v), _mm256_setzero_ps(), _CMP_EQ_OQ);
  return _mm256_and_ps(finite, w);
}

SVF_INLINE vec v_where_less(vec x, vec y, vec a, vec b)
{
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}

SVF_INLINE vec v_pow2(vec t)
{
  const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(t), EXP_SHIFT);
  return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(EXP_ONE)));
}

/* A is broadcast from memory. */
typedef const float *a_row;

SVF_INLINE a_row a_load(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec a_value;
SVF_INLINE a_value a_at(a_row x, int s) { return _mm256_broadcast_ss(x + s); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the
 * seams. */
SVF_INLINE vec a_fma(a_value y, vec b, vec sum)
{
  __asm__("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+x"(sum) : "x"(y), "x"(b));
  return sum;
}

/* The tiles, and the table of them. */
/* clang-format off */
#define SVF_FMA_TILES \
  SVF_FMA_TILE(1, 4) \
  SVF_FMA_TILE(1, 1) \
  SVF_FMA_TILE(2, 2) \
  SVF_FMA_TILE(2, 1) \
  SVF_FMA_TILE(3, 2) SVF_FMA_TILE(3, 1) SVF_FMA_TILE(4, 1) SVF_FMA_TILE(5, 1) SVF_FMA_TILE(6, 1)

#define SVF_FMA_ROWS \
  [1] = {4, {[1] = tile_1x1, [4] = tile_1x4}}, [2] = {2, {[1] = tile_2x1, [2] = tile_2x2}}, \
  [3] = {2, {[1] = tile_3x1, [2] = tile_3x2}}, [4] = {1, {[1] = tile_4x1}}, \
  [5] = {1, {[1] = tile_5x1}}, [6] = {1, {[1] = tile_6x1}},
/* clang-format on */

#define SVF_FMA_NEEDS (SVF_CPU_AVX2 | SVF_CPU_FMA)

#endif
