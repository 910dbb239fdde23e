/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX-512 VNNI: pairs by VPDPWSSD, quads by VPDPBUSD. */
#define SVF_UNIT int
#define SVF_UNIT_ISA avx512vnni
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/ivec.h"

SVF_TARGET_BEGIN("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 1
#define INT_QUADS 1

/* In assembly, so that a sum stays in its register. */
SVF_INLINE __m512i i_pairs_avx512vnni(__m512i a, __m512i w, __m512i sum)
{
  __asm__("vpdpwssd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(w));
  return sum;
}

SVF_INLINE __m512i i_quads_avx512vnni(__m512i a, __m512i w, __m512i sum)
{
  __asm__("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(w), "v"(a));
  return sum;
}

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_AVX512, VEC_NEEDS | SVF_CPU_AVX512VNNI, AVX512)

SVF_TARGET_END
#include "kernels/unit_end.h"
