/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BENCH_OPTIONS_H
#define SVF_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/types.h>

#include "bench/models.h"

enum { ROWS_LIST_MAX = 32, SHAPE_LIST_MAX = 32, NUMBER_MOST = 1 << 24 };

typedef struct options {
  shape shapes[SHAPE_LIST_MAX];
  size_t shape_count;
  size_t rows[ROWS_LIST_MAX];
  size_t rows_count;
  svf_isa isa; /* never AUTO */
  svf_format format;
  size_t threads, experts;
  double cold_bytes;            /* the copies of the weights take at least so many; 0 when warm */
  double seconds;               /* of measuring per row of output, about */
  const char *weights, *tensor; /* a real matrix: file and name, or NULL */
  size_t rank;                  /* at which to factorise it; 0: full */
  const char *peers;            /* comma-separated names, or NULL for all */
  bool help;
} options;

/* Google Benchmark's flags must have been taken out of argv before. False after a message on
 * stderr. */
bool options_parse(int argc, char **argv, options *o);

void options_help(void);

#endif
