/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of svf_matmul with everything around it: operands in guarded buffers, the expected
 * result, and the ways to carry it out. */
#ifndef SVF_TESTS_PROBLEM_H
#define SVF_TESTS_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/svf.h>

#include "tests/kernels/guard.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/rng.h"

enum { EXPERTS = 3 };

typedef enum values {
  VALUES_RANDOM,  /* uniform */
  VALUES_INTEGER, /* small integers, sums below 2^24 */
  VALUES_SPREAD,  /* magnitudes from 2^-40 to 2^40 */
  VALUES_CANCEL,  /* pairs that cancel but for the last bits */
  VALUES_SPECIAL, /* NaN, Inf, denormals, -0 among random ones */
  VALUES_LOWEST   /* 1, and every integer weight the lowest that its bits hold, which no packing
                     writes: the largest sums there are */
} values;

typedef struct spec {
  svf_format format;
  svf_quant quant;
  svf_isa isa;          /* whose order of sums is expected; 0: the chain of FMAs */
  size_t m, n, r, rows; /* r = 0: a dense layer */
  values kind;
  svf_dtype x_type, y_type, u_type, vt_type;
  ptrdiff_t x_pad, y_pad;              /* stride = width + pad */
  bool x_backward, y_backward, x_same; /* negative strides; x stride 0 */
  size_t factor_pad;
  bool transposed;              /* U and V^T are stored column after column */
  bool bias, accumulate, gains; /* gains: a random mix of experts and NULL, else all NULL */
  bool keep;                    /* T before its gains, in rows as far apart as those of Y */
  bool at_end;                  /* buffers end (else begin) at an inaccessible page */
} spec;

typedef struct problem {
  spec s;
  guard u, vt, sigma, expert[EXPERTS], row_gains, x, bias, y, t0_guard, block, workspace;
  svf_matmul_args args;
  float *du, *dvt, *dx, *old; /* dense fp32, for the oracle */
  const float **dense_gains;
  uint16_t *y_start; /* lowest address of Y's span, as bytes below */
  size_t y_span;     /* bytes from the first to the last element of Y */
  void *expected;    /* dense, in Y's type */
  float *t0_start;   /* lowest address of t0's span */
  size_t t0_span;    /* floats */
  float *t0;         /* dense: what is expected */
} problem;

/* Build from a spec; draws from *state. The expected result is that of the chain oracle. */
void problem_make(problem *p, const spec *s, uint64_t *state);
void problem_free(problem *p);

/* Operands as the oracles want them. */
oracle_input problem_oracle(const problem *p);

typedef enum way {
  WAY_SERIAL, /* svf_matmul with one thread */
  WAY_OPENMP, /* svf_matmul with `nth` threads */
  WAY_SHARES, /* svf_matmul_plan, shares in a shuffled order */
  WAY_POOL,   /* svf_matmul_pool on pthreads */
  WAY_GROUP   /* between two calls on the same X, with shares in a shuffled order */
} way;

/* Reset Y, fill the workspace with NaN, carry the call out. Exits the test on an error status. */
void problem_run(problem *p, svf_isa isa, way how, size_t nth, uint64_t *state);

/* Y and t0 against the expected bits (NaN equals NaN), and that nothing between rows was touched.
 * Returns false after describing the first difference in text[0..bytes). */
bool problem_matches(const problem *p, char *text, size_t bytes);

/* Y[row][i] widened. */
float problem_y(const problem *p, size_t row, size_t i);

void spec_describe(const spec *s, char *text, size_t bytes);

#endif
