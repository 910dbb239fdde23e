/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of svf-check-ops share. */
#ifndef SVF_TESTS_OPS_H
#define SVF_TESTS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/ops.h"

/* Counts a case; prints the first failures. `at` is an index or a length that says where it
 * failed. */
void ops_expect(bool ok, const svf_ops_kernel *kernel, const char *what, size_t at, double got,
                double want);

bool ops_same(float x, float y); /* bits, any NaN being like any other */

/* Expects x to be within `error` of the number wanted. */
void ops_close(const svf_ops_kernel *kernel, const char *what, size_t at, double got, double want,
               double error);

/* Expects the bits of n elements. */
void ops_equal(const svf_ops_kernel *kernel, const char *what, const float *got, const float *want,
               size_t n);

/* The arrays of one call. */
typedef struct ops_rows {
  float *a, *b, *c, *y;
  size_t n;
} ops_rows;

/* The ways to call the operations, in place too. */
typedef struct ops_form {
  const char *name;
  void (*run)(const svf_ops_kernel *kernel, const ops_rows *rows);
  size_t a_rows; /* a has a_rows * n elements */
  size_t moved;  /* elements per n that a call reads and writes, each row counted once each way */
} ops_form;

enum { OPS_FORMS = 19, OPS_Y_LEAST = 2 /* elements of y */ };
extern const ops_form ops_forms[OPS_FORMS];

void ops_exp(void);                              /* ref/exp.h */
void ops_accuracy(const svf_ops_kernel *kernel); /* against double precision */
void ops_special(const svf_ops_kernel *kernel);
void ops_back(const svf_ops_kernel *kernel); /* the gradients: both of these */
void ops_bench(const svf_ops_kernel *kernel);

#endif
