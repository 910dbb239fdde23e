/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that svf_svd is made of. At its peak a decomposition in place takes about m*n +
 * 6*min(m, n)^2 floats, including W and the factors. Measured, that is 3.2 times W where m:n is
 * 11:4, 4 times where it is 2:1, and 7 times a square W, of which 6 are touched. */
#ifndef SVF_SVD_SVD_H
#define SVF_SVD_SVD_H

#include <stdbool.h>

#include <svf/svd.h>

/* A call of OpenBLAS, while it runs. */
typedef struct svf_openblas_call {
  bool is_first; /* to need its buffer */
  bool chose;    /* a number of threads */
} svf_openblas_call;

/* Begins a call of OpenBLAS on that number of its threads; 0: as many as it is set to. While calls
 * run that chose a number, it is that of the latest one; after the last it is what it was before
 * the first. Waits where memory is lacking that another call has. Thread-safe. Errors: MEMORY, and
 * then the call has not begun. */
svf_status svf_openblas_begin(size_t threads, svf_openblas_call *call);
void svf_openblas_end(const svf_openblas_call *call);

/* Checks that LAPACK can index an m x n matrix. Errors: OVERFLOW. */
svf_status svf_lapack_check(size_t m, size_t n);

/* All k = min(m, n) singular values of W [m][n], and their factors u [m][k] and vt [k][n]. On entry
 * W is, contiguous, in the place of the larger factor: vt if n >= m, otherwise u. Errors: MEMORY,
 * NUMERIC. */
svf_status svf_lapack_svd(size_t m, size_t n, float *u, float *sigma, float *vt);

/* Fills a report, except `dropped`, by multiplying the factors out; `power` is ||W||_F^2. Errors:
 * MEMORY. */
svf_status svf_svd_measure(const svf_svd_args *args, double power, svf_svd_report *report);

#endif
