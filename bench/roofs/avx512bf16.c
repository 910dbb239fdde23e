/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx512f,avx512bf16")

/* 16 independent chains, as for FMAs. */
double roof_bf16_avx512(size_t steps)
{
  enum { CHAINS = 16 };
  __m512 sum[CHAINS];
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) sum[i] = _mm512_set1_ps((float)i);
  for (size_t s = 0; s < steps; ++s) {
    _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i)
    {
      __asm__("vdpbf16ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum[i]) : "v"(a), "v"(b));
    }
  }
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) __asm__ volatile("" ::"v"(sum[i]));
  return 2.0 * 32 * CHAINS * (double)steps;
}

SVF_TARGET_END
