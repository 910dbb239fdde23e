/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/roofs/chains.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512bf16")

ROOF_CHAINS(roof_bf16_avx512, 16, __m512, _mm512_set1_ps((float)i),
            __asm__("vdpbf16ps {%1, %1, %0|%0, %1, %1}"
                    : "+v"(sum)
                    : "v"(_mm512_set1_ps(1e-3f))),
            2 * 32)

SVF_TARGET_END
