/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer from a real matrix: a tensor of a safetensors file, factorised. */
#ifndef SVF_BENCH_WEIGHTS_H
#define SVF_BENCH_WEIGHTS_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/contender.h"

typedef struct weights {
  layer layer;           /* the factors below */
  float *u, *vt, *sigma; /* [m][r], [r][n], [r] */
  float *w;              /* [m][n] */
} weights;

/* Read tensor `name` (two dimensions, F32, F16 or BF16) of `path` and factorise it at `rank`, 0:
 * min(m, n); says on stderr how well. False after a message on stderr. */
bool weights_load(weights *out, const char *path, const char *name, size_t rank);

/* Every kernel that this CPU runs against the dense product X W^T in double precision: a table on
 * `to`. What it shows beyond fp32's own error is the rank that was left out. */
void weights_accuracy(const weights *w, size_t rows, FILE *to);

void weights_free(weights *w);

#endif
