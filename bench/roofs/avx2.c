/* SPDX-License-Identifier: Apache-2.0
 *
 * 12 chains: what two ports of latency 4 or 5 need, within 16 registers. */
#include "bench/roofs/chains.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx2,fma")

/* In assembly: the compiler would fold constants. */
ROOF_CHAINS(roof_fma_avx2, 12, __m256, _mm256_set1_ps((float)i),
            __asm__("vfmadd231ps {%1, %1, %0|%0, %1, %1}"
                    : "+x"(sum)
                    : "x"(_mm256_set1_ps(1e-3f))),
            2 * 8)

/* VPMADDWD and the addition that it takes. */
ROOF_CHAINS(roof_int16_avx2, 12, __m256i, _mm256_set1_epi32(i),
            __asm__("vpmaddwd {%1, %0, %0|%0, %0, %1}\n\tvpaddd {%1, %0, %0|%0, %0, %1}"
                    : "+x"(sum)
                    : "x"(_mm256_set1_epi32(3))),
            2 * 16)

SVF_TARGET_END
