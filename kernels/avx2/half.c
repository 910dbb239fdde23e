/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/target.h"

#include <immintrin.h>
#include <stdint.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx2,fma,f16c")

#include "kernels/avx2/vec.h"

/* F16C takes the rounding from its operand and keeps denormals whatever MXCSR says. */
SVF_INLINE vec v_widen_f16(const uint16_t *p)
{
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

SVF_INLINE void v_narrow_f16(uint16_t *p, vec v)
{
  _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

#include "kernels/half_vec.h"

SVF_CONVERT(avx2, SVF_ISA_AVX2, SVF_FMA_NEEDS | SVF_CPU_F16C);

SVF_TARGET_END
