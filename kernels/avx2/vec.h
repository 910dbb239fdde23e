/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors and tile shapes of AVX2 + FMA. 6 rows x 1 panel: 12 sums, 2 weight vectors and 2
 * broadcasts fill the 16 registers; 8 loads feed 12 FMAs. */
#ifndef SVF_KERNELS_AVX2_VEC_H
#define SVF_KERNELS_AVX2_VEC_H

#include <immintrin.h>

#include "kernels/unit.h"

#define SVF_TARGET_AVX2 SVF_TARGET_BEGIN("avx2,fma")
#define VEC_NEEDS_avx2 (SVF_CPU_AVX2 | SVF_CPU_FMA)

SVF_TARGET_AVX2

typedef __m256 vec_avx2;
enum { LANES_avx2 = 8 };

SVF_INLINE __m256 v_zero_avx2(void) { return _mm256_setzero_ps(); }
SVF_INLINE __m256 v_load_avx2(const float *p) { return _mm256_loadu_ps(p); }
SVF_INLINE void v_store_avx2(float *p, __m256 v) { _mm256_storeu_ps(p, v); }
SVF_INLINE __m256 v_add_avx2(__m256 x, __m256 y) { return _mm256_add_ps(x, y); }
SVF_INLINE __m256 v_sub_avx2(__m256 x, __m256 y) { return _mm256_sub_ps(x, y); }
SVF_INLINE __m256 v_mul_avx2(__m256 x, __m256 y) { return _mm256_mul_ps(x, y); }
SVF_INLINE __m256 v_dup_avx2(float x) { return _mm256_set1_ps(x); }
SVF_INLINE __m256 v_fma_avx2(__m256 x, __m256 y, __m256 sum) { return _mm256_fmadd_ps(x, y, sum); }
SVF_INLINE __m256 v_abs_avx2(__m256 v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
SVF_INLINE __m256 v_div_avx2(__m256 x, __m256 y) { return _mm256_div_ps(x, y); }
SVF_INLINE __m256 v_sqrt_avx2(__m256 v) { return _mm256_sqrt_ps(v); }
SVF_INLINE __m256 v_max_avx2(__m256 x, __m256 y) { return _mm256_max_ps(x, y); }
SVF_INLINE void v_prefetch_avx2(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T1); }

SVF_INLINE __m256 v_widen_avx2(const uint16_t *p)
{
  const __m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

SVF_INLINE void v_narrow_avx2(uint16_t *p, __m256 v)
{
  const __m256i y = _mm256_srli_epi32(_mm256_castps_si256(v), 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(y, y), 0x08);
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(packed));
}

SVF_INLINE __m256 v_even_avx2(const uint16_t *p)
{
  const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
  return _mm256_castsi256_ps(_mm256_slli_epi32(x, 16));
}

SVF_INLINE __m256 v_odd_avx2(const uint16_t *p)
{
  /* The mask stays in memory: a register for it would cost a sum its own. */
  static const _Alignas(32) uint16_t mask[2 * LANES_avx2] = {
      0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff};
  __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
  __asm__("vpand {%1, %0, %0|%0, %0, %1}" : "+x"(x) : "m"(*(const __m256i *)(const void *)mask));
  return _mm256_castsi256_ps(x);
}

/* Rounded as integers: MXCSR does not matter and denormals are kept. */
SVF_INLINE __m256 v_bf16_avx2(__m256 v)
{
  const __m256i x = _mm256_castps_si256(v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(x, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(x, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(x, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
  const __m256i y = _mm256_blendv_epi8(up, quiet, nan);
  return _mm256_castsi256_ps(_mm256_and_si256(y, _mm256_set1_epi32((int)0xffff0000u)));
}

SVF_INLINE __m256 v_finite_avx2(__m256 v, __m256 w)
{
  const __m256 finite = _mm256_cmp_ps(_mm256_sub_ps(v, v), _mm256_setzero_ps(), _CMP_EQ_OQ);
  return _mm256_and_ps(finite, w);
}

SVF_INLINE __m256 v_where_less_avx2(__m256 x, __m256 y, __m256 a, __m256 b)
{
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}

SVF_INLINE __m256 v_pow2_avx2(__m256 t)
{
  const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(t), EXP_SHIFT);
  return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(EXP_ONE)));
}

/* A is broadcast from memory. */
typedef const float *a_row_avx2;

SVF_INLINE a_row_avx2 a_load_avx2(const float *a, int count)
{
  (void)count;
  return a;
}

typedef vec_avx2 a_value_avx2;
SVF_INLINE a_value_avx2 a_at_avx2(a_row_avx2 x, int s) { return _mm256_broadcast_ss(x + s); }

/* In assembly, so that a sum stays in its register: compilers rotate them, and spill at the
 * seams. */
SVF_INLINE __m256 a_fma_avx2(a_value_avx2 y, __m256 b, __m256 sum)
{
  __asm__("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+x"(sum) : "x"(y), "x"(b));
  return sum;
}

SVF_TARGET_END

/* Tiles of fp32 FMAs: of each height the widest one comes first. */
enum { FMA_ROWS_AVX2 = 6 };
#define FMA_SIZE_AVX2 "6x16"
/* clang-format off */
#define FMA_SHAPES_AVX2(full, tile, format) \
  full(format, 1, 4) tile(format, 1, 1)     \
  full(format, 2, 2) tile(format, 2, 1)     \
  full(format, 3, 2) tile(format, 3, 1)     \
  full(format, 4, 1)                        \
  full(format, 5, 1)                        \
  full(format, 6, 1)
/* clang-format on */

#endif
