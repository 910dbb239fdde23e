/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/target.h"

#include <immintrin.h>
#include <stdint.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/vec.h"

SVF_INLINE vec v_widen_f16(const uint16_t *p)
{
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

SVF_INLINE void v_narrow_f16(uint16_t *p, vec v)
{
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

#include "kernels/half_vec.h"

SVF_CONVERT(avx512, SVF_ISA_AVX512, SVF_FMA_NEEDS);

SVF_TARGET_END
