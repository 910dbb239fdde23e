/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX2 with AVX-VNNI: pairs by VPDPWSSD, quads by VPDPBUSD. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avxvnni,avx2,fma")

#include "kernels/avx2/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 1

SVF_INLINE ivec i_pairs(ivec a, ivec w, ivec sum) { return _mm256_dpwssd_avx_epi32(sum, a, w); }

SVF_INLINE ivec i_quads(ivec a, ivec w, ivec sum) { return _mm256_dpbusd_avx_epi32(sum, w, a); }

SVF_INLINE ivec i_flip(ivec x) { return _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80)); }

SVF_INLINE void i_store_quads(char *p, const ivec *x)
{
  const __m256i y = _mm256_permute4x64_epi64(_mm256_packs_epi32(x[0], x[1]), 0xd8);
  _mm_storeu_si128((__m128i *)(void *)p,
                   _mm_packs_epi16(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)));
}

#include "kernels/int_tile.h"

INT_KERNELS(avxvnni, SVF_ISA_AVX2, SVF_FMA_NEEDS | SVF_CPU_AVXVNNI)

SVF_TARGET_END
