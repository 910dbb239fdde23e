/* SPDX-License-Identifier: Apache-2.0
 *
 * A layer to quantise: factors, activations, an expert, and what all of them amount to in double
 * precision. */
#ifndef SVF_BENCH_QUANT_LAYER_H
#define SVF_BENCH_QUANT_LAYER_H

#include <stdbool.h>
#include <stddef.h>

/* Base model and expert. */
enum { GAINS = 2 };

typedef struct quant_layer {
  const char *spectrum;
  size_t m, n, r, rows;
  float *u, *vt;       /* [m][r], [r][n]; orthonormal */
  float *gains[GAINS]; /* [r]: sigma, and an expert's */
  float *x;            /* [rows][n] */
  double *w[GAINS];    /* [m][n]: U diag(gains) V^T */
  double *y[GAINS];    /* [rows][m]: X W^T */
} quant_layer;

/* Factors of a random matrix, without gains; or of a tensor, with sigma. False after a message. */
bool quant_layer_random(quant_layer *l, size_t m, size_t n, size_t r);
bool quant_layer_load(quant_layer *l, const char *path, const char *tensor, size_t rank);

/* Singular values, activations and an expert for spectrum i of those there are, and the products;
 * the factors stay. The tensor's own singular values for QUANT_OWN. */
enum { QUANT_OWN = -1 };
void quant_layer_fill(quant_layer *l, int spectrum, size_t rows);
int quant_spectra(void);

void quant_layer_free(quant_layer *l);

/* U diag(gains) V^T of an m x n layer of rank r, [m][n]; x W^T, [rows][m]. */
void quant_dense(size_t m, size_t n, size_t r, const float *u, const float *vt, const float *gains,
                 double *w);
void quant_product(size_t m, size_t n, size_t rows, const float *x, const double *w, double *y);

#endif
