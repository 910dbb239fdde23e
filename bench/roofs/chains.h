/* SPDX-License-Identifier: Apache-2.0
 *
 * The roof of an instruction on vector registers, whatever its type: independent chains of it, more
 * than its latency times the ports that have it. */
#ifndef SVF_BENCH_ROOFS_CHAINS_H
#define SVF_BENCH_ROOFS_CHAINS_H

#include <immintrin.h>

#include "bench/roofs/roofs.h"

#define ROOF_UNROLL _Pragma("GCC unroll 16")

/* `start` sets a chain `sum` of type `vec` from i, `step` is one instruction on it that does `ops`
 * operations. */
#define ROOF_CHAINS(name, chains, vec, start, step, ops)                                \
  double name(size_t steps)                                                             \
  {                                                                                     \
    vec sums[chains];                                                                   \
    ROOF_UNROLL for (int i = 0; i < (chains); ++i) sums[i] = (start);                   \
    for (size_t s = 0; s < steps; ++s) {                                                \
      ROOF_UNROLL for (int i = 0; i < (chains); ++i)                                    \
      {                                                                                 \
        vec sum = sums[i];                                                              \
        step;                                                                           \
        sums[i] = sum;                                                                  \
      }                                                                                 \
    }                                                                                   \
    ROOF_UNROLL for (int i = 0; i < (chains); ++i) __asm__ volatile("" ::"v"(sums[i])); \
    return 1.0 * (ops) * (chains) * (double)steps;                                      \
  }

#endif
