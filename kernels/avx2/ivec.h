/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers and tile shapes of AVX2; see int_tile.h. 4 rows x 1 panel: 8 sums, 2 vectors
 * of weights, 2 of what is shifted out of them, a broadcast and a product. */
#ifndef SVF_KERNELS_AVX2_IVEC_H
#define SVF_KERNELS_AVX2_IVEC_H

#include "kernels/avx2/vec.h"

SVF_TARGET_AVX2

typedef __m256i ivec_avx2;

SVF_INLINE __m256i i_zero_avx2(void) { return _mm256_setzero_si256(); }
SVF_INLINE __m256i i_load_avx2(const char *p)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
SVF_INLINE __m256i i_dup_avx2(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return _mm256_set1_epi32(x);
}
SVF_INLINE __m256i i_add_avx2(__m256i x, __m256i y) { return _mm256_add_epi32(x, y); }
SVF_INLINE __m256i i_shl16_avx2(__m256i x, int n) { return _mm256_slli_epi16(x, n); }
SVF_INLINE __m256i i_sar16_avx2(__m256i x, int n) { return _mm256_srai_epi16(x, n); }
SVF_INLINE __m256 i_to_f32_avx2(__m256i x) { return _mm256_cvtepi32_ps(x); }
SVF_INLINE __m256i i_round_avx2(__m256 v)
{
  return _mm256_cvtps_epi32(_mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
SVF_INLINE __m256i i_bits_avx2(__m256 v) { return _mm256_castps_si256(v); }
SVF_INLINE __m256i i_max_avx2(__m256i x, __m256i y) { return _mm256_max_epi32(x, y); }

SVF_INLINE int32_t i_most_avx2(__m256i x)
{
  __m128i h = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

SVF_INLINE int32_t i_total_avx2(__m256i x)
{
  __m128i h = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

SVF_INLINE void i_store_pairs_avx2(char *p, const __m256i *x)
{
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  const __m256i y = _mm256_permute4x64_epi64(_mm256_packs_epi32(x[0], x[1]), 0xd8);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm256_shuffle_epi8(y, order));
}

SVF_INLINE void i_store_quads_avx2(char *p, const __m256i *x)
{
  const __m256i y = _mm256_permute4x64_epi64(_mm256_packs_epi32(x[0], x[1]), 0xd8);
  _mm_storeu_si128((__m128i *)(void *)p,
                   _mm_packs_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)));
}

SVF_INLINE __m256i i_flip_avx2(__m256i x)
{
  return _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
}

SVF_TARGET_END

/* Tiles of integers: of each height the widest one comes first. */
enum { INT_ROWS_AVX2 = 4 };
#define INT_SIZE_AVX2 "4x16"
/* clang-format off */
#define INT_SHAPES_AVX2(full, tile, format) \
  full(format, 1, 2) tile(format, 1, 1)     \
  full(format, 2, 1)                        \
  full(format, 3, 1)                        \
  full(format, 4, 1)
/* clang-format on */

#endif
