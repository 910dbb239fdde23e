/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX-512 without VNNI: products of pairs by VPMADDWD. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

/* In assembly, so that a sum stays in its register. */
SVF_INLINE ivec i_pairs(ivec a, ivec w, ivec sum)
{
  ivec x;
  __asm__("vpmaddwd {%3, %2, %1|%1, %2, %3}\n\tvpaddd {%1, %0, %0|%0, %0, %1}"
          : "+v"(sum), "=&v"(x)
          : "v"(a), "v"(w));
  return sum;
}

#include "kernels/int_tile.h"

INT_KERNELS(avx512, SVF_ISA_AVX512, SVF_FMA_NEEDS)

SVF_TARGET_END
