/* SPDX-License-Identifier: Apache-2.0
 *
 * 16 chains: twice what two ports of latency 4 need. */
#include "bench/roofs/chains.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512bw")

/* In assembly: the compiler would fold constants. */
ROOF_CHAINS(roof_fma_avx512, 16, __m512, _mm512_set1_ps((float)i),
            __asm__("vfmadd231ps {%1, %1, %0|%0, %1, %1}"
                    : "+v"(sum)
                    : "v"(_mm512_set1_ps(1e-3f))),
            2 * 16)

/* VPMADDWD and the addition that it takes. */
ROOF_CHAINS(roof_int16_avx512, 16, __m512i, _mm512_set1_epi32(i),
            __asm__("vpmaddwd {%1, %0, %0|%0, %0, %1}\n\tvpaddd {%1, %0, %0|%0, %0, %1}"
                    : "+v"(sum)
                    : "v"(_mm512_set1_epi32(3))),
            2 * 32)

SVF_TARGET_END
