/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX2 with AVX-VNNI: pairs by VPDPWSSD, quads by VPDPBUSD. */
#define SVF_UNIT int
#define SVF_UNIT_ISA avxvnni
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/ivec.h"

SVF_TARGET_BEGIN("avxvnni,avx2,fma")

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 1

SVF_INLINE __m256i i_pairs_avxvnni(__m256i a, __m256i w, __m256i sum)
{
  return _mm256_dpwssd_avx_epi32(sum, a, w);
}

SVF_INLINE __m256i i_quads_avxvnni(__m256i a, __m256i w, __m256i sum)
{
  return _mm256_dpbusd_avx_epi32(sum, w, a);
}

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_AVX2, VEC_NEEDS | SVF_CPU_AVXVNNI, AVX2)

SVF_TARGET_END
#include "kernels/unit_end.h"
