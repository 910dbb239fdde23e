/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers and tile shapes of AVX2; see int_tile.h. 4 rows x 1 panel: 8 sums, 2 vectors
 * of weights, 2 of what is shifted out of them, a broadcast and a product. */
#ifndef SVF_KERNELS_AVX2_IVEC_H
#define SVF_KERNELS_AVX2_IVEC_H

#include "kernels/avx2/vec.h"

typedef __m256i ivec;

SVF_INLINE ivec i_zero(void) { return _mm256_setzero_si256(); }
SVF_INLINE ivec i_load(const char *p)
{
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
SVF_INLINE ivec i_dup(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return _mm256_set1_epi32(x);
}
SVF_INLINE ivec i_add(ivec x, ivec y) { return _mm256_add_epi32(x, y); }
SVF_INLINE ivec i_shl16(ivec x, int n) { return _mm256_slli_epi16(x, n); }
SVF_INLINE ivec i_sar16(ivec x, int n) { return _mm256_srai_epi16(x, n); }
SVF_INLINE vec i_to_f32(ivec x) { return _mm256_cvtepi32_ps(x); }
SVF_INLINE ivec i_round(vec v) { return _mm256_cvtps_epi32(v); }
SVF_INLINE ivec i_bits(vec v) { return _mm256_castps_si256(v); }
SVF_INLINE ivec i_max(ivec x, ivec y) { return _mm256_max_epi32(x, y); }

SVF_INLINE int32_t i_most(ivec x)
{
  __m128i h = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

SVF_INLINE int32_t i_total(ivec x)
{
  __m128i h = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

SVF_INLINE void i_store_pairs(char *p, const ivec *x)
{
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  const __m256i y = _mm256_permute4x64_epi64(_mm256_packs_epi32(x[0], x[1]), 0xd8);
  _mm256_storeu_si256((__m256i *)(void *)p, _mm256_shuffle_epi8(y, order));
}

enum { INT_ROWS = 4 };
#define INT_TILE_NAME "4x16"
/* clang-format off */
#define SVF_INT_TILES(tile) tile(1, 2) tile(1, 1) tile(2, 1) tile(3, 1) tile(4, 1)

#define SVF_INT_ROWS(f) \
  [1] = {2, {[1] = f##_1x1, [2] = f##_1x2}}, [2] = {1, {[1] = f##_2x1}}, \
  [3] = {1, {[1] = f##_3x1}}, [4] = {1, {[1] = f##_4x1}},
/* clang-format on */

#endif
