/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bench/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *bench_alloc(size_t bytes)
{
  const size_t rounded = (bytes / HUGE_PAGE + 1) * HUGE_PAGE;
  void *p = aligned_alloc(HUGE_PAGE, rounded);
  if (!p) {
    fprintf(stderr, "svf_matmul: no memory for %zu bytes\n", rounded);
    exit(1);
  }
  madvise(p, rounded, MADV_HUGEPAGE);
  memset(p, 0, rounded);
  return p;
}

float *bench_random(size_t count, uint64_t seed)
{
  float *p = bench_alloc(count * sizeof *p);
  uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (size_t i = 0; i < count; ++i) {
    x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    p[i] = (float)(x >> 40) / 8388608.0f - 1.0f;
  }
  return p;
}
