/* SPDX-License-Identifier: Apache-2.0
 *
 * --bench: one thread, warm; times are not asserted. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include <svf/cpu.h>

#include "tests/kernels/ops.h"
#include "tests/kernels/rng.h"
#include "tests/kernels/timer.h"

enum { MOST = 2048 };

/* Nanoseconds per n, the best of many calls. */
static double time_of(const svf_ops_kernel *kernel, const ops_form *form, size_t n)
{
  static float all[5 * MOST], fresh[5 * MOST];
  const ops_rows rows = {all, all + 2 * MOST, all + 3 * MOST, all + 4 * MOST, n};
  enum { CALLS = 20 };
  uint64_t state = 3;
  for (size_t i = 0; i < 2 * MOST; ++i) fresh[i] = 8 * random_float(&state);
  for (size_t i = 2 * MOST; i < 5 * MOST; ++i) fresh[i] = random_float(&state);
  double best = 1e9;
  const double stop = now() + 0.1;
  do {
    memcpy(all, fresh, sizeof all); /* what works in place must not run away */
    const double start = now();
    for (int i = 0; i < CALLS; ++i) form->run(kernel, &rows);
    const double seconds = (now() - start) / CALLS;
    if (seconds < best) best = seconds;
  } while (now() < stop);
  return 1e9 * best / (double)n;
}

void ops_bench(const svf_ops_kernel *kernel)
{
  static const size_t sizes[] = {64, MOST};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    for (int f = 0; f < OPS_FORMS; ++f) {
      const double ns = time_of(kernel, &ops_forms[f], sizes[s]);
      const double ref = time_of(&svf_ops_ref, &ops_forms[f], sizes[s]);
      printf("%-8s %-28s n %4zu: %7.3f ns per element, %6.1f GB/s, %6.1f times ref\n",
             svf_isa_name(kernel->isa), ops_forms[f].name, sizes[s], ns,
             (double)(ops_forms[f].moved * sizeof(float)) / ns, ref / ns);
    }
  }
}
