/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposition of one matrix, W = U diag(sigma) V^T (library svf_model, which needs LAPACK). */
#ifndef SVF_FACTORIZE_H
#define SVF_FACTORIZE_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How good a decomposition is; all in double precision. */
typedef struct svf_factor_report {
  double residual;        /* ||W - U diag(sigma) V^T||_F / ||W||_F; 0 for W = 0 */
  double dropped;         /* sqrt(sum of the squared singular values that were dropped) / ||W||_F:
                             the residual that truncation alone explains */
  double orthogonality_u; /* ||U^T U - I||_F / sqrt(rank) */
  double orthogonality_v; /* ||V^T V - I||_F / sqrt(rank) */
} svf_factor_report;

/* Decompose W [m][n], row-major, element (i,j) at w + i*w_stride + j, by LAPACK's
 * divide-and-conquer SVD in fp32 (sgesdd) and keep the `rank` largest singular values, 1 <= rank <=
 * min(m,n).
 *
 *   u      out [m][rank], row-major, contiguous: orthonormal columns
 *   sigma  out [rank], descending
 *   vt     out [rank][n], row-major, contiguous: orthonormal rows
 *   report out, or NULL to skip its computation (three more GEMMs)
 *
 * Outputs are the caller's and are what svf_linear_source takes. The sign of each pair of singular
 * vectors is fixed so that the element of largest magnitude in the column of U (the first of
 * equals) is positive: the same W gives the same factors, up to the last bits, which depend on the
 * LAPACK, its CPU and its number of threads. Allocates about m*n + 6*min(m,n)^2 floats
 * (as measured: 3.2*m*n where W is 11:4, but 7*m*n where it is square); after that a report takes
 * twice the space of vt and rank^2 doubles. Errors: NULL, ARGUMENT (dimensions, rank, stride),
 * OVERFLOW, MEMORY, NUMERIC (NaN or Inf in W, or no convergence); outputs are then unspecified.
 * Thread-safe as far as the LAPACK is. */
SVF_API svf_status svf_factorize(const float *w, size_t m, size_t n, size_t w_stride, size_t rank,
                                 float *u, float *sigma, float *vt, svf_factor_report *report);

#ifdef __cplusplus
}
#endif
#endif
