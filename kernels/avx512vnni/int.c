/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AVX-512 VNNI: pairs by VPDPWSSD, quads by VPDPBUSD. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 1
#define INT_QUADS 1

/* In assembly, so that a sum stays in its register. */
SVF_INLINE ivec i_pairs(ivec a, ivec w, ivec sum)
{
  __asm__("vpdpwssd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(w));
  return sum;
}

SVF_INLINE ivec i_quads(ivec a, ivec w, ivec sum)
{
  __asm__("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(w), "v"(a));
  return sum;
}

SVF_INLINE ivec i_flip(ivec x) { return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80)); }

SVF_INLINE ivec i_dup8(char n) { return _mm512_set1_epi8(n); }

/* (x ^ 8) & 15. */
SVF_INLINE ivec i_low4u(ivec x)
{
  enum { XOR_AND = 0x28 };
  return _mm512_ternarylogic_epi32(x, i_dup8(8), i_dup8(15), XOR_AND);
}
SVF_INLINE ivec i_high4u(ivec x) { return i_low4u(_mm512_srli_epi16(x, 4)); }

#include "kernels/int_tile.h"

INT_KERNELS(avx512vnni, SVF_ISA_AVX512, SVF_FMA_NEEDS | SVF_CPU_AVX512VNNI)

SVF_TARGET_END
