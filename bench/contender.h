/* SPDX-License-Identifier: Apache-2.0
 *
 * One interface for everything that is measured: the library and its peers. All do the same work,
 * Y = ((X V) * D) U^T from fp32 X to fp32 Y, in the format asked for if they have it, on the same
 * data, with the same number of threads, each with its weights in the layout that it likes best,
 * prepared outside of the measured time. */
#ifndef SVF_BENCH_CONTENDER_H
#define SVF_BENCH_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/svf.h>

typedef struct layer {
  size_t m, n, r;
  const float *u, *vt, *sigma; /* [m][r], [r][n], [r] */
} layer;

typedef struct batch {
  size_t rows, experts;
  const float *x;            /* [rows][n] */
  const float *const *gains; /* [rows], pointers to r gains each */
  const float *const *first; /* [rows], all pointing to the gains of the first row */
  const float
      *dense_gains; /* [rows][r], the same values as gains; the first serves if experts = 1 */
  float *y;         /* [rows][m] */
} batch;

typedef struct setup {
  const layer *layer;
  size_t copies; /* of the weights, to rotate over */
  size_t threads;
  svf_isa isa; /* never AUTO */
  svf_format format;
} setup;

typedef struct contender {
  const char *name; /* "svf", "onednn", ... */
  /* Third part of a row's name: the ISA that serves the format, or a version. */
  const char *(*variant)(svf_isa isa, svf_format format);
  /* What it computes in when svf computes in `format`: the second part. */
  const char *(*computes)(svf_format format);
  void *(*create)(const setup *s);
  /* Get ready for a number of rows; false if this contender cannot. */
  bool (*prepare)(void *self, const batch *b);
  /* One call, on copy number `copy` of the weights. */
  void (*run)(void *self, size_t copy);
  void (*destroy)(void *self);
  bool other_work; /* computes something else than svf does, on purpose */
} contender;

/* contender_svf_one: svf with the first row's gains for every row. */
extern const contender contender_svf, contender_svf_one, contender_onednn, contender_openblas,
    contender_merge;

#endif
