/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/roofs/roofs.h"

#include <stdint.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/memory.h"
#include <svf/cpu.h>

enum { TRIES = 2 };

typedef double fma_fn(size_t steps);

/* By the instruction that the kernels of an ISA multiply with. */
static fma_fn *fma_of(svf_isa isa)
{
#if defined(__x86_64__)
  if (isa == SVF_ISA_AVX512BF16) return roof_bf16_avx512;
  if (isa == SVF_ISA_AMX) return roof_bf16_amx;
  if (isa == SVF_ISA_AVX2) return roof_fma_avx2;
  if (isa == SVF_ISA_AVX512) return roof_fma_avx512;
#endif
  (void)isa;
  return NULL;
}

static double flops_once(fma_fn *fma, int threads)
{
  const size_t steps = 1000000; /* a few milliseconds */
  double flops = 0;
  const double start = clock_now();
#pragma omp parallel num_threads(threads) reduction(+ : flops)
  flops += fma(steps);
  return flops / (clock_now() - start);
}

/* Every line is loaded and summed, in `streams` sequences side by side, each prefetched one page
 * ahead, which hardware prefetchers do not cross. Memory is fastest with a few streams. */
static uint64_t read_all(const uint64_t *p, size_t words, size_t streams)
{
  enum { LINE = 8, AHEAD = 512 };
  const size_t length = words / streams / LINE * LINE;
  uint64_t sum[LINE] = {0};
  for (size_t i = 0; i < length; i += LINE) {
    for (size_t s = 0; s < streams; ++s) {
      const uint64_t *line = p + s * length + i;
      __builtin_prefetch(line + AHEAD, 0, 2);
      for (int j = 0; j < LINE; ++j) sum[j] += line[j];
    }
  }
  for (int j = 1; j < LINE; ++j) sum[0] += sum[j];
  return sum[0];
}

/* Each try reads another part of 1 GiB, so that no cache helps. */
static double bytes_once(int threads, size_t streams, int try)
{
  enum { PART = 256 << 20 };
  static char *buffer;
  if (!buffer) buffer = bench_alloc((size_t)PART * 4);
  const uint64_t *p = (const uint64_t *)(const void *)(buffer + (size_t)PART * (size_t)(try % 4));
  const size_t words = PART / sizeof *p / (size_t)threads / 16 * 16;
  uint64_t sum = 0;
  const double start = clock_now();
#pragma omp parallel for num_threads(threads) reduction(+ : sum) schedule(static, 1)
  for (int i = 0; i < threads; ++i) sum += read_all(p + (size_t)i * words, words, streams);
  const double seconds = clock_now() - start;
  __asm__ volatile("" ::"r"(sum));
  return (double)(words * sizeof *p * (size_t)threads) / seconds;
}

roofs roofs_measure(svf_isa isa, svf_format format, size_t threads)
{
  static int turn;
  roofs best = {0};
  fma_fn *fma = fma_of(svf_isa_serving(isa, format));
  for (int i = 0; i < TRIES; ++i) {
    const double flops = fma ? flops_once(fma, (int)threads) : 0;
    if (flops > best.flops) best.flops = flops;
    for (size_t streams = 1; streams <= 4; streams *= 2) {
      const double bytes = bytes_once((int)threads, streams, turn++);
      if (bytes > best.bytes) best.bytes = bytes;
    }
  }
  return best;
}
