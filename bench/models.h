/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of the linear layers of one transformer layer, by model name. */
#ifndef SVF_BENCH_MODELS_H
#define SVF_BENCH_MODELS_H

#include <stddef.h>

typedef struct shape {
  char name[64];               /* "q", "k", ...; layers of equal shape are joined: "q,o" */
  size_t m, n, r;              /* out, in, rank */
  const float *u, *vt, *sigma; /* its factors, [m][r], [r][n], [r]; NULL: made up */
} shape;

enum { SHAPES_MAX = 8 };

/* Distinct shapes of a model at full rank, min(m, n); 0 if the name is unknown. */
size_t model_shapes(const char *model, shape out[SHAPES_MAX]);

/* The known names, separated by commas. */
void model_names(char *text, size_t bytes);

#endif
