/* SPDX-License-Identifier: Apache-2.0
 *
 * The singular value decomposition of one matrix, W = U diag(sigma) V^T (library svf_svd, the only
 * one that needs LAPACK and OpenBLAS). svf_model_decompose (svf/convert.h) takes such a function:
 * svf_svd, or one of your own. */
#ifndef SVF_SVD_H
#define SVF_SVD_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How good a decomposition is, computed in double precision. Its owner sets size to sizeof. */
typedef struct svf_svd_report {
  size_t size;
  double residual;        /* ||W - U diag(sigma) V^T||_F / ||W||_F; 0 for W = 0 */
  double dropped;         /* sqrt(sum of the squared singular values that were dropped) / ||W||_F:
                             the residual that truncation alone explains */
  double orthogonality_u; /* ||U^T U - I||_F / sqrt(rank) */
  double orthogonality_v; /* ||V^T V - I||_F / sqrt(rank) */
} svf_svd_report;

/* One decomposition. Set to zero first, except size = sizeof. All memory is the caller's.
 *
 * It can work in place: if w points to the larger factor (u if m > n, otherwise vt), that factor
 * overwrites W, and no copy of W is made. Then rank must be min(m, n), w_stride n, and report
 * NULL. */
typedef struct svf_svd_args {
  size_t size;
  size_t m, n;            /* of W */
  const float *w;         /* [m][n], row-major: element (i, j) at w + i*w_stride + j */
  size_t w_stride;        /* in elements, >= n */
  size_t rank;            /* keep this many of the largest singular values, 1..min(m, n) */
  size_t threads;         /* of OpenBLAS that may be used; 0: as many as it is set to */
  float *u;               /* out [m][rank], row-major, contiguous: orthonormal columns */
  float *sigma;           /* out [rank], descending */
  float *vt;              /* out [rank][n], row-major, contiguous: orthonormal rows */
  svf_svd_report *report; /* out, or NULL to skip its computation (three more GEMMs) */
} svf_svd_args;

/* Decomposes W, also in place. The function chooses its errors, and sets a message by
 * svf_set_message. It is called on several threads at once (svf/convert.h). */
typedef svf_status svf_svd_fn(const svf_svd_args *args);

/* Decompose W by LAPACK's divide-and-conquer SVD in fp32 (sgesdd). The outputs are what
 * svf_linear_source takes. The sign of each pair of singular vectors is fixed: the element of
 * largest magnitude in the column of U (the first, if several are equal) is positive. So the same W
 * gives the same factors up to the last bits, which depend on the LAPACK, the CPU and the number of
 * threads.
 *
 * Allocates about 5 to 6*min(m,n)^2 floats, and m*n + min(m,n)^2 more if rank < min(m,n). After
 * these are freed, a report takes twice the space of vt, and rank^2 doubles. With W and its factors
 * the peak in place was measured as 3.2*m*n floats where m:n is 11:4, and 7*m*n where W is square.
 *
 * Errors: NULL, VERSION, ARGUMENT (dimensions, rank, stride, or a rule for work in place),
 * OVERFLOW, MEMORY, NUMERIC (NaN or Inf in W, or no convergence). On error the outputs are
 * unspecified. Thread-safe, but OpenBLAS has one number of threads for the whole process. While
 * calls run that choose one (args->threads > 0), it is that of the latest call; afterwards it is
 * what it was before. Where memory for OpenBLAS's buffer is lacking, a call waits for another one
 * to end, and fails with MEMORY if none runs.
 *
 * OpenBLAS starts its threads when it is loaded, one per processor, whether they are used or not,
 * and may not survive it if a limit refuses them. A program that wants none sets
 * OPENBLAS_NUM_THREADS=1 in the environment before the library is loaded: before it starts, or
 * before it calls dlopen. The library never touches the environment. With args->threads = 1 all
 * work is done on the calling thread. */
SVF_API svf_status svf_svd(const svf_svd_args *args);

#ifdef __cplusplus
}
#endif
#endif
