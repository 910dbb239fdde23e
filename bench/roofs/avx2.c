/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("avx2,fma")

/* 12 independent chains: what two ports of latency 4 or 5 need, within 16 registers. */
double roof_fma_avx2(size_t steps)
{
  enum { CHAINS = 12 };
  __m256 sum[CHAINS];
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) sum[i] = _mm256_set1_ps((float)i);
  for (size_t s = 0; s < steps; ++s) {
    _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i)
    {
      sum[i] = _mm256_fmadd_ps(sum[i], a, b);
    }
  }
  _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) __asm__ volatile("" ::"x"(sum[i]));
  return 2.0 * 8 * CHAINS * (double)steps;
}

SVF_TARGET_END
