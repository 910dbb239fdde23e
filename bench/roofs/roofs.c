/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/roofs/roofs.h"

#include <stdint.h>

#include "bench/clock.h"
#include "bench/memory.h"
#if defined(__x86_64__)
#include "bench/roofs/cpu.h"
#endif

enum { TRIES = 2, PEAK_TRIES = 6 }; /* the first may have to start the threads */

enum { VECTORS = 1000000, TILES = 150000 }; /* steps that take a few milliseconds */

static const peak peaks[] = {
#if defined(__x86_64__)
    {"fma-avx2", SVF_ISA_AVX2, false, 0, cpu_avx2_fma, roof_fma_avx2, VECTORS},
    {"vpmaddwd-avx2", SVF_ISA_AVX2, true, 0, cpu_avx2_fma, roof_int16_avx2, VECTORS},
    {"fma-avx512", SVF_ISA_AVX512, false, 0, cpu_avx512, roof_fma_avx512, VECTORS},
    {"vdpbf16ps", SVF_ISA_AVX512BF16, false, 8, cpu_avx512_bf16, roof_bf16_avx512, VECTORS},
    {"vpdpbusd", SVF_ISA_AVX512, true, 8, cpu_avx512_vnni, roof_int8_vnni, VECTORS},
    {"vpdpwssd", SVF_ISA_AVX512, true, 15, cpu_avx512_vnni, roof_int16_vnni, VECTORS},
    {"vpmaddwd", SVF_ISA_AVX512, true, 0, cpu_avx512, roof_int16_avx512, VECTORS},
    {"tdpbf16ps", SVF_ISA_AMX, false, 8, cpu_amx_bf16, roof_bf16_amx, TILES},
    {"tdpbssd", SVF_ISA_AMX, true, 0, cpu_amx_int8, roof_int8_amx, TILES},
#endif
    {0},
};

size_t peak_count(void) { return sizeof peaks / sizeof *peaks - 1; }

const peak *peak_at(size_t i) { return &peaks[i]; }

const peak *peak_of(svf_isa isa, svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  if (svf_format_get_traits(format, &t) != SVF_OK) return NULL;
  for (const peak *p = peaks; p->name; ++p) {
    const bool computes =
        p->integer == t.integer && (p->x_precision == 0 || p->x_precision == t.x_precision);
    if (p->isa == isa && computes && p->runs()) return p;
  }
  return NULL;
}

static double flops_once(const peak *p, int threads)
{
  double flops = 0;
  const double start = clock_now();
#pragma omp parallel num_threads(threads) reduction(+ : flops)
  flops += p->fn(p->steps);
  return flops / (clock_now() - start);
}

double peak_measure(const peak *p, size_t threads)
{
  double best = 0;
  for (int i = 0; i < PEAK_TRIES; ++i) {
    const double flops = flops_once(p, (int)threads);
    if (flops > best) best = flops;
  }
  return best;
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

/* Each try reads another region of 1 GiB, so that no cache helps. */
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

roofs roofs_measure(const peak *p, size_t threads)
{
  static int turn;
  roofs best = {.flops = p ? peak_measure(p, threads) : 0};
  for (int i = 0; i < TRIES; ++i) {
    for (size_t streams = 1; streams <= 4; streams *= 2) {
      const double bytes = bytes_once((int)threads, streams, turn++);
      if (bytes > best.bytes) best.bytes = bytes;
    }
  }
  return best;
}
