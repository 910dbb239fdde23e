/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers and tile shapes of AVX-512; see int_tile.h. 8 rows x 3 panels: 24 sums, 3
 * lines of weights, 3 of what is shifted out of them, a broadcast. */
#ifndef SVF_KERNELS_AVX512_IVEC_H
#define SVF_KERNELS_AVX512_IVEC_H

#include "kernels/avx512/vec.h"

typedef __m512i ivec;

SVF_INLINE ivec i_zero(void) { return _mm512_setzero_si512(); }
SVF_INLINE ivec i_load(const char *p) { return _mm512_loadu_si512(p); }
SVF_INLINE ivec i_dup(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return _mm512_set1_epi32(x);
}
SVF_INLINE ivec i_add(ivec x, ivec y) { return _mm512_add_epi32(x, y); }
/* gcc and clang disagree on the type of the intrinsics' shift. */
typedef int16_t halves __attribute__((vector_size(64)));
SVF_INLINE ivec i_shl16(ivec x, int n) { return (ivec)((halves)x << n); }
SVF_INLINE ivec i_sar16(ivec x, int n) { return (ivec)((halves)x >> n); }
SVF_INLINE vec i_to_f32(ivec x) { return _mm512_cvtepi32_ps(x); }
SVF_INLINE ivec i_round(vec v) { return _mm512_cvtps_epi32(v); }
SVF_INLINE ivec i_bits(vec v) { return _mm512_castps_si512(v); }
SVF_INLINE ivec i_max(ivec x, ivec y) { return _mm512_max_epi32(x, y); }
SVF_INLINE int32_t i_most(ivec x) { return _mm512_reduce_max_epi32(x); }
SVF_INLINE int32_t i_total(ivec x) { return _mm512_reduce_add_epi32(x); }

SVF_INLINE ivec i_sub(ivec x, ivec y) { return _mm512_sub_epi32(x, y); }
SVF_INLINE ivec i_high(ivec x)
{
  return _mm512_srai_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(64)), 7);
}
SVF_INLINE ivec i_low(ivec x, ivec high) { return _mm512_sub_epi32(x, _mm512_slli_epi32(high, 7)); }
SVF_INLINE ivec i_join(ivec high, ivec low)
{
  return _mm512_add_epi32(_mm512_slli_epi32(high, 7), low);
}

SVF_INLINE void i_store_pairs(char *p, const ivec *x)
{
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  _mm256_storeu_si256((__m256i *)(void *)p,
                      _mm256_shuffle_epi8(_mm512_cvtepi32_epi16(x[0]), order));
}

SVF_INLINE void i_store_quads(char *p, const ivec *x)
{
  _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x[0]));
}

enum { INT_ROWS = 8 };
#define INT_TILE_NAME "8x48"
/* clang-format off */
#define SVF_INT_TILES(tile) \
  tile(1, 4) tile(1, 1) tile(2, 4) tile(2, 1) tile(3, 4) tile(3, 1) tile(4, 4) tile(4, 2) \
  tile(4, 1) tile(5, 4) tile(5, 2) tile(5, 1) tile(6, 4) tile(6, 2) tile(6, 1) tile(7, 3) \
  tile(7, 2) tile(7, 1) tile(8, 3) tile(8, 2) tile(8, 1)

#define SVF_INT_ROWS(f) \
  [1] = {4, {[1] = f##_1x1, [4] = f##_1x4}}, \
  [2] = {4, {[1] = f##_2x1, [4] = f##_2x4}}, \
  [3] = {4, {[1] = f##_3x1, [4] = f##_3x4}}, \
  [4] = {4, {[1] = f##_4x1, [2] = f##_4x2, [4] = f##_4x4}}, \
  [5] = {4, {[1] = f##_5x1, [2] = f##_5x2, [4] = f##_5x4}}, \
  [6] = {4, {[1] = f##_6x1, [2] = f##_6x2, [4] = f##_6x4}}, \
  [7] = {3, {[1] = f##_7x1, [2] = f##_7x2, [3] = f##_7x3}}, \
  [8] = {3, {[1] = f##_8x1, [2] = f##_8x2, [3] = f##_8x3}},
/* clang-format on */

#endif
