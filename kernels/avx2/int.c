/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX2: products of pairs by VPMADDWD. */
#define SVF_UNIT int
#define SVF_UNIT_ISA avx2
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/ivec.h"

SVF_TARGET_AVX2

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

SVF_INLINE __m256i i_pairs_avx2(__m256i a, __m256i w, __m256i sum)
{
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, w));
}

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_AVX2, VEC_NEEDS, AVX2)

SVF_TARGET_END
#include "kernels/unit_end.h"
