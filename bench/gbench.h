/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of Google Benchmark that this bench uses, for C. Times are measured by the caller
 * (manual time), one iteration a row, so that a row's time may be the median of interleaved rounds;
 * filters, repetitions, JSON and the console work as everywhere. */
#ifndef SVF_BENCH_GBENCH_H
#define SVF_BENCH_GBENCH_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gbench_counter {
  const char *name;
  double value;
} gbench_counter;

enum { GBENCH_COUNTERS = 12 };

typedef struct gbench_result {
  double seconds;
  gbench_counter counter[GBENCH_COUNTERS];
  size_t counters;
  char label[96];
} gbench_result;

/* Fill in *result; false skips the row with the message in error[0..bytes). */
typedef bool gbench_fn(void *context, gbench_result *result, char *error, size_t bytes);

/* Take Google Benchmark's flags out of argv. False if one of them is unknown. */
bool gbench_init(int *argc, char **argv);

void gbench_context(const char *key, const char *value);
void gbench_register(const char *name, gbench_fn *fn, void *context);

/* Run what the filter selects; returns the number of rows that it selected. `console`: rows for
 * people, on standard output, with the counters GFLOP/s, GB/s and of_roof; else what
 * --benchmark_format says. */
size_t gbench_run(bool console);
void gbench_shutdown(void);

#ifdef __cplusplus
}
#endif
#endif
