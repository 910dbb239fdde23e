/* SPDX-License-Identifier: Apache-2.0
 *
 * --bench: a new kernel's speed in seconds, one thread, warm. bench/svf_matmul measures
 * properly. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"
#include "tests/kernels/timer.h"

static float *random_array(size_t count, uint64_t *state)
{
  float *p = malloc(count * sizeof *p);
  if (!p) abort();
  for (size_t i = 0; i < count; ++i) p[i] = random_float(state);
  return p;
}

void bench_kernel(svf_isa isa, svf_format format)
{
  enum { SIZE = 512 };
  static const size_t rows[] = {1, 8, 64, 512};
  uint64_t state = 1;
  float *u = random_array(SIZE * SIZE, &state), *vt = random_array(SIZE * SIZE, &state);
  float *x = random_array(SIZE * SIZE, &state), *y = random_array(SIZE * SIZE, &state);
  float *sigma = random_array(SIZE, &state);
  const svf_linear_source source = {.size = sizeof source,
                                    .format = format,
                                    .m = SIZE,
                                    .n = SIZE,
                                    .r = SIZE,
                                    .u = u,
                                    .u_stride = SIZE,
                                    .vt = vt,
                                    .vt_stride = SIZE,
                                    .sigma = sigma};
  size_t bytes, workspace_bytes;
  if (svf_linear_bytes(&source, &bytes) != SVF_OK) abort();
  void *block = aligned_alloc(64, bytes);
  if (!block || svf_linear_pack(&source, block, bytes) != SVF_OK) abort();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const svf_matmul_args a = {.size = sizeof a,
                               .linear = block,
                               .rows = rows[i],
                               .x = x,
                               .x_stride = SIZE,
                               .y = y,
                               .y_stride = SIZE,
                               .isa = isa};
    if (svf_matmul_workspace(&a, 1, &workspace_bytes) != SVF_OK) abort();
    void *workspace = aligned_alloc(64, workspace_bytes);
    if (!workspace) abort();
    double best = 1e9;
    const double stop = now() + 0.2;
    do {
      const double start = now();
      if (svf_matmul(&a, 1, workspace, workspace_bytes) != SVF_OK) abort();
      const double seconds = now() - start;
      if (seconds < best) best = seconds;
    } while (now() < stop);
    printf("%-8s %-10s 512^3 rows %3zu: %8.1f us, %6.1f GFLOP/s, %5.1f GB/s of weights\n",
           svf_isa_name(isa), svf_format_name(format), rows[i], 1e6 * best,
           4e-9 * (double)rows[i] * SIZE * SIZE / best, 1e-9 * (double)bytes / best);
    free(workspace);
  }
  free(u);
  free(vt);
  free(x);
  free(y);
  free(sigma);
  free(block);
}
