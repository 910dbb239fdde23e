/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/roofs/chains.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512vnni")

/* 16 sums of four products of bytes. */
ROOF_CHAINS(roof_int8_vnni, 16, __m512i, _mm512_set1_epi32(i),
            __asm__("vpdpbusd {%1, %1, %0|%0, %1, %1}"
                    : "+v"(sum)
                    : "v"(_mm512_set1_epi8(3))),
            2 * 64)

/* 16 sums of two products of int16. */
ROOF_CHAINS(roof_int16_vnni, 16, __m512i, _mm512_set1_epi32(i),
            __asm__("vpdpwssd {%1, %1, %0|%0, %1, %1}"
                    : "+v"(sum)
                    : "v"(_mm512_set1_epi8(3))),
            2 * 32)

SVF_TARGET_END
