/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BENCH_OPTIONS_H
#define SVF_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/types.h>

#include "bench/flags.h"
#include "bench/models.h"

enum {
  ROWS_LIST_MAX = 32,
  SHAPE_LIST_MAX = 32,
  FORMAT_LIST_MAX = 32,
  NUMBER_MAX = 1 << 24,   /* of any dimension */
  SECONDS_MAX = 3600,     /* of measuring */
  THREADS_PER_CPU_MAX = 4 /* as many as svf_matmul starts */
};

struct options {
  shape shapes[SHAPE_LIST_MAX];
  size_t shape_count;
  size_t rows[ROWS_LIST_MAX];
  size_t rows_count;
  svf_format formats[FORMAT_LIST_MAX];
  size_t format_count;
  svf_isa isa; /* never AUTO */
  size_t threads;
  size_t experts[ROWS_LIST_MAX]; /* distinct gain vectors in a batch */
  size_t experts_count;
  size_t group;                 /* weights per scale, where a format has a choice */
  double cold_bytes;            /* least size of all copies of the weights; 0 when warm */
  double seconds;               /* of measuring per row of output, about */
  const char *weights, *tensor; /* a real matrix: file and name, or NULL */
  size_t rank;                  /* at which to factorise it; 0: full */
  char peers[64];               /* comma-separated names */
  bool all_peers;               /* they are not the user's choice */
  bool isa_given, help;
};

/* Google Benchmark's flags must have been taken out of argv before. False after a message on
 * stderr. Leaves space for one more shape if weights are given. */
bool options_parse(int argc, char **argv, options *o);

void options_help(void);

#endif
