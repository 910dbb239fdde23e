/* SPDX-License-Identifier: Apache-2.0
 *
 * What svf_svd is made of. At its peak a decomposition in place takes about m*n + 6*min(m, n)^2
 * floats, W and the factors among them: as measured, 3.2 times a matrix of 11:4, 4 times one of
 * 2:1, and 7 times a square one, of which 6 are touched. */
#ifndef SVF_SVD_SVD_H
#define SVF_SVD_SVD_H

#include <svf/svd.h>

/* OVERFLOW, unless LAPACK can index an m x n matrix. */
svf_status svf_lapack_check(size_t m, size_t n);

/* All k = min(m, n) singular values of the W [m][n] that stands, contiguous, in the larger factor's
 * place: vt [k][n] if n >= m, else u [m][k]. Errors: MEMORY, NUMERIC. */
svf_status svf_lapack_svd(size_t m, size_t n, float *u, float *sigma, float *vt);

/* All of a report except `dropped`, by multiplying out. `power`: ||W||_F^2. MEMORY. */
svf_status svf_svd_measure(const svf_svd_args *args, double power, svf_svd_report *report);

#endif
