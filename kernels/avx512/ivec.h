/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of integers and tile shapes of AVX-512; see int_tile.h. 8 rows x 3 panels: 24 sums, 3
 * lines of weights, 3 of what is shifted out of them, a broadcast. */
#ifndef SVF_KERNELS_AVX512_IVEC_H
#define SVF_KERNELS_AVX512_IVEC_H

#include "kernels/avx512/vec.h"

SVF_TARGET_AVX512

typedef __m512i ivec_avx512;

SVF_INLINE __m512i i_zero_avx512(void) { return _mm512_setzero_si512(); }
SVF_INLINE __m512i i_load_avx512(const char *p) { return _mm512_loadu_si512(p); }
SVF_INLINE __m512i i_dup_avx512(const char *p)
{
  int32_t x;
  __builtin_memcpy(&x, p, sizeof x);
  return _mm512_set1_epi32(x);
}
SVF_INLINE __m512i i_add_avx512(__m512i x, __m512i y) { return _mm512_add_epi32(x, y); }
/* gcc and clang disagree on the type of the intrinsics' shift. */
typedef int16_t halves_avx512 __attribute__((vector_size(64)));
SVF_INLINE __m512i i_shl16_avx512(__m512i x, int n) { return (__m512i)((halves_avx512)x << n); }
SVF_INLINE __m512i i_sar16_avx512(__m512i x, int n) { return (__m512i)((halves_avx512)x >> n); }
SVF_INLINE __m512 i_to_f32_avx512(__m512i x) { return _mm512_cvtepi32_ps(x); }
SVF_INLINE __m512i i_round_avx512(__m512 v)
{
  return _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
SVF_INLINE __m512i i_bits_avx512(__m512 v) { return _mm512_castps_si512(v); }
SVF_INLINE __m512i i_max_avx512(__m512i x, __m512i y) { return _mm512_max_epi32(x, y); }
SVF_INLINE int32_t i_most_avx512(__m512i x) { return _mm512_reduce_max_epi32(x); }
SVF_INLINE int32_t i_total_avx512(__m512i x) { return _mm512_reduce_add_epi32(x); }

SVF_INLINE __m512i i_sub_avx512(__m512i x, __m512i y) { return _mm512_sub_epi32(x, y); }
SVF_INLINE __m512i i_high_avx512(__m512i x)
{
  return _mm512_srai_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(64)), 7);
}
SVF_INLINE __m512i i_low_avx512(__m512i x, __m512i high)
{
  return _mm512_sub_epi32(x, _mm512_slli_epi32(high, 7));
}
SVF_INLINE __m512i i_join_avx512(__m512i high, __m512i low)
{
  return _mm512_add_epi32(_mm512_slli_epi32(high, 7), low);
}

SVF_INLINE void i_store_pairs_avx512(char *p, const __m512i *x)
{
  const __m256i order = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  _mm256_storeu_si256((__m256i *)(void *)p,
                      _mm256_shuffle_epi8(_mm512_cvtepi32_epi16(x[0]), order));
}

SVF_INLINE void i_store_quads_avx512(char *p, const __m512i *x)
{
  _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x[0]));
}

SVF_INLINE __m512i i_flip_avx512(__m512i x)
{
  return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80));
}

SVF_INLINE __m512i i_dup8_avx512(char n) { return _mm512_set1_epi8(n); }

/* (x ^ 8) & 15. */
SVF_INLINE __m512i i_low4u_avx512(__m512i x)
{
  enum { XOR_AND = 0x28 };
  return _mm512_ternarylogic_epi32(x, i_dup8_avx512(8), i_dup8_avx512(15), XOR_AND);
}
SVF_INLINE __m512i i_high4u_avx512(__m512i x) { return i_low4u_avx512(_mm512_srli_epi16(x, 4)); }

SVF_TARGET_END

/* Tiles of integers: of each height the widest one comes first. */
enum { INT_ROWS_AVX512 = 8 };
#define INT_SIZE_AVX512 "8x48"
/* clang-format off */
#define INT_SHAPES_AVX512(full, tile, format)              \
  full(format, 1, 4) tile(format, 1, 1)                    \
  full(format, 2, 4) tile(format, 2, 1)                    \
  full(format, 3, 4) tile(format, 3, 1)                    \
  full(format, 4, 4) tile(format, 4, 2) tile(format, 4, 1) \
  full(format, 5, 4) tile(format, 5, 2) tile(format, 5, 1) \
  full(format, 6, 4) tile(format, 6, 2) tile(format, 6, 1) \
  full(format, 7, 3) tile(format, 7, 2) tile(format, 7, 1) \
  full(format, 8, 3) tile(format, 8, 2) tile(format, 8, 1)
/* clang-format on */

#endif
