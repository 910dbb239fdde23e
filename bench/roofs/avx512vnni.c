/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512vnni")

/* VPDPBUSD: 16 sums of four products of bytes. 16 independent chains, as for FMAs. */
double roof_vnni_avx512(size_t steps)
{
  enum { CHAINS = 16 };
  __m512i sum[CHAINS];
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-1);
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) sum[i] = _mm512_set1_epi32(i);
  for (size_t s = 0; s < steps; ++s) {
    _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i)
    {
      sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
    }
  }
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) __asm__ volatile("" ::"v"(sum[i]));
  return 2.0 * 64 * CHAINS * (double)steps;
}

SVF_TARGET_END
