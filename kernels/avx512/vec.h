/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of AVX-512 (F, BW, DQ, VL). 8 rows x 3 panels: 24 sums, 3 weight vectors
 * and a broadcast of 32 registers; 11 loads feed 24 FMAs. 9 x 3 has fewer loads per FMA and is no
 * faster, 14 x 2 is slower by 5 %. Few rows take more panels abreast, so that the chains of FMAs
 * still cover their latency. */
#ifndef SVF_KERNELS_AVX512_VEC_H
#define SVF_KERNELS_AVX512_VEC_H

#include <immintrin.h>

#include "kernels/unit.h"

#define SVF_TARGET_AVX512 SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#define VEC_NEEDS_avx512                                                                     \
  (SVF_CPU_AVX512F | SVF_CPU_AVX512BW | SVF_CPU_AVX512DQ | SVF_CPU_AVX512VL | SVF_CPU_AVX2 | \
   SVF_CPU_FMA)

SVF_TARGET_AVX512

typedef __m512 vec_avx512;
enum { LANES_avx512 = 16 };

SVF_INLINE __m512 v_zero_avx512(void) { return _mm512_setzero_ps(); }
SVF_INLINE __m512 v_load_avx512(const float *p) { return _mm512_loadu_ps(p); }
SVF_INLINE void v_store_avx512(float *p, __m512 v) { _mm512_storeu_ps(p, v); }
SVF_INLINE __m512 v_add_avx512(__m512 x, __m512 y) { return _mm512_add_ps(x, y); }
SVF_INLINE __m512 v_sub_avx512(__m512 x, __m512 y) { return _mm512_sub_ps(x, y); }
SVF_INLINE __m512 v_mul_avx512(__m512 x, __m512 y) { return _mm512_mul_ps(x, y); }
SVF_INLINE __m512 v_dup_avx512(float x) { return _mm512_set1_ps(x); }
SVF_INLINE __m512 v_fma_avx512(__m512 x, __m512 y, __m512 sum)
{
  return _mm512_fmadd_ps(x, y, sum);
}
SVF_INLINE __m512 v_abs_avx512(__m512 v) { return _mm512_abs_ps(v); }
SVF_INLINE __m512 v_div_avx512(__m512 x, __m512 y) { return _mm512_div_ps(x, y); }
SVF_INLINE __m512 v_sqrt_avx512(__m512 v) { return _mm512_sqrt_ps(v); }
SVF_INLINE __m512 v_max_avx512(__m512 x, __m512 y) { return _mm512_max_ps(x, y); }
SVF_INLINE void v_prefetch_avx512(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }
SVF_INLINE void v_prefetch_l1_avx512(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }

SVF_INLINE __m512 v_widen_avx512(const uint16_t *p)
{
  const __m512i x = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

SVF_INLINE void v_narrow_avx512(uint16_t *p, __m512 v)
{
  const __m512i y = _mm512_srli_epi32(_mm512_castps_si512(v), 16);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(y));
}

SVF_INLINE __m512 v_even_avx512(const uint16_t *p)
{
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}

SVF_INLINE __m512 v_odd_avx512(const uint16_t *p)
{
  const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), high));
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
SVF_INLINE __m512 v_bf16_avx512(__m512 v)
{
  const __m512i x = _mm512_castps_si512(v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(x, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(x, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(x, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
  const __m512i high = _mm512_set1_epi32((int)0xffff0000u);
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_mask_mov_epi32(up, nan, quiet), high));
}

SVF_INLINE __m512 v_finite_avx512(__m512 v, __m512 w)
{
  enum { NAN_OR_INF = 0x99 };
  return _mm512_maskz_mov_ps((__mmask16)~_mm512_fpclass_ps_mask(v, NAN_OR_INF), w);
}

SVF_INLINE __m512 v_where_less_avx512(__m512 x, __m512 y, __m512 a, __m512 b)
{
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}

SVF_INLINE __m512 v_pow2_avx512(__m512 t)
{
  const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(t), EXP_SHIFT);
  return _mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(EXP_ONE)));
}

/* A is broadcast from memory. */
typedef const float *a_row_avx512;

SVF_INLINE a_row_avx512 a_load_avx512(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec_avx512 a_value_avx512;
SVF_INLINE a_value_avx512 a_at_avx512(a_row_avx512 x, int s) { return _mm512_set1_ps(x[s]); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the
 * seams. */
SVF_INLINE __m512 a_fma_avx512(a_value_avx512 y, __m512 b, __m512 sum)
{
  __asm__("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(y), "v"(b));
  return sum;
}

SVF_TARGET_END

/* Tiles of fp32 FMAs: of each height the widest one comes first. */
enum { FMA_ROWS_AVX512 = 8 };
#define FMA_SIZE_AVX512 "8x48"
/* clang-format off */
#define FMA_SHAPES_AVX512(full, tile, format)              \
  full(format, 1, 4) tile(format, 1, 1)                    \
  full(format, 2, 8) tile(format, 2, 4) tile(format, 2, 1) \
  full(format, 3, 6) tile(format, 3, 2) tile(format, 3, 1) \
  full(format, 4, 4) tile(format, 4, 2) tile(format, 4, 1) \
  full(format, 5, 4) tile(format, 5, 2) tile(format, 5, 1) \
  full(format, 6, 4) tile(format, 6, 2) tile(format, 6, 1) \
  full(format, 7, 3) tile(format, 7, 2) tile(format, 7, 1) \
  full(format, 8, 3) tile(format, 8, 2) tile(format, 8, 1)
/* clang-format on */

#endif
