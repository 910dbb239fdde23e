/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to store a layer in few bits, and what each of them loses. */
#ifndef SVF_BENCH_QUANT_WAYS_H
#define SVF_BENCH_QUANT_WAYS_H

#include "bench/quant/layer.h"

/* Relative squared errors against double precision; NAN where there is none. */
typedef struct quant_result {
  char name[48];
  size_t bytes;          /* of the whole layer */
  double bits;           /* per weight that is stored: of U and V, or of W */
  double planned;        /* of W, as svf_quant_plan predicts it */
  double frobenius;      /* of W */
  double y, y_delta;     /* of Y and of expert - base, with exact activations */
  double run, run_delta; /* the same as computed, with the activations' own rounding */
} quant_result;

enum { QUANT_WAYS_MAX = 24 };

/* All ways; returns how many. */
size_t quant_compare(const quant_layer *l, quant_result *results);

#endif
