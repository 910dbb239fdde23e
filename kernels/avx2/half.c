/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT half
#define SVF_UNIT_ISA avx2
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/vec.h"

SVF_TARGET_BEGIN("avx2,fma,f16c")

/* F16C takes the rounding from its operand and keeps denormals whatever MXCSR says. */
SVF_INLINE __m256 v_widen_f16_avx2(const uint16_t *p)
{
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

SVF_INLINE void v_narrow_f16_avx2(uint16_t *p, __m256 v)
{
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

#include "kernels/half_vec.h"

HALF_UNIT(SVF_ISA_AVX2, VEC_NEEDS | SVF_CPU_F16C)

SVF_TARGET_END
#include "kernels/unit_end.h"
