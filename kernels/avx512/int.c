/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX-512 without VNNI: products of pairs by VPMADDWD. */
#define SVF_UNIT int
#define SVF_UNIT_ISA avx512
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/ivec.h"

SVF_TARGET_AVX512

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

/* In assembly, so that a sum stays in its register. */
SVF_INLINE __m512i i_pairs_avx512(__m512i a, __m512i w, __m512i sum)
{
  __m512i x;
  __asm__("vpmaddwd {%3, %2, %1|%1, %2, %3}\n\tvpaddd {%1, %0, %0|%0, %0, %1}"
          : "+v"(sum), "=&v"(x)
          : "v"(a), "v"(w));
  return sum;
}

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_AVX512, VEC_NEEDS, AVX512)

SVF_TARGET_END
#include "kernels/unit_end.h"
