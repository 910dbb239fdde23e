/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX2: products of pairs by VPMADDWD. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx2,fma")

#include "kernels/avx2/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

SVF_INLINE ivec i_pairs(ivec a, ivec w, ivec sum)
{
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, w));
}

#include "kernels/int_tile.h"

INT_KERNELS(avx2, SVF_ISA_AVX2, SVF_FMA_NEEDS)

SVF_TARGET_END
