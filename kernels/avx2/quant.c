/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT quant
#define SVF_UNIT_ISA avx2
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/vec.h"

SVF_TARGET_AVX2

SVF_INLINE __m256 v_min_avx2(__m256 x, __m256 y) { return _mm256_min_ps(x, y); }

SVF_INLINE void v_low_bytes_avx2(int8_t *p, __m256 v)
{
  const __m256i low = _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0xff));
  const __m256i words = _mm256_packus_epi32(low, low), bytes = _mm256_packus_epi16(words, words);
  const __m256i joined =
      _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
  _mm_storel_epi64((__m128i *)(void *)p, _mm256_castsi256_si128(joined));
}

#include "kernels/quant_vec.h"

QUANT_UNIT(SVF_ISA_AVX2, VEC_NEEDS)

SVF_TARGET_END
#include "kernels/unit_end.h"
