/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT quant
#define SVF_UNIT_ISA avx512
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"

SVF_TARGET_AVX512

SVF_INLINE __m512 v_min_avx512(__m512 x, __m512 y) { return _mm512_min_ps(x, y); }

SVF_INLINE void v_low_bytes_avx512(int8_t *p, __m512 v)
{
  _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_castps_si512(v)));
}

#include "kernels/quant_vec.h"

QUANT_UNIT(SVF_ISA_AVX512, VEC_NEEDS)

SVF_TARGET_END
#include "kernels/unit_end.h"
