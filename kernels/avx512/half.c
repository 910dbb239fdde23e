/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT half
#define SVF_UNIT_ISA avx512
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"

SVF_TARGET_AVX512

SVF_INLINE __m512 v_widen_f16_avx512(const uint16_t *p)
{
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

SVF_INLINE void v_narrow_f16_avx512(uint16_t *p, __m512 v)
{
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

#include "kernels/half_vec.h"

HALF_UNIT(SVF_ISA_AVX512, VEC_NEEDS)

SVF_TARGET_END
#include "kernels/unit_end.h"
