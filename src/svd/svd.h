/* SPDX-License-Identifier: Apache-2.0
 *
 * The SVD of one matrix by LAPACK's sgesdd, which leaves the larger factor in W's own memory.
 * At its peak there are about m*n + 6*min(m, n)^2 floats, W and the factors among them: as
 * measured, 3.2 times a matrix of 11:4, 4 times one of 2:1, and 7 times a square one, of
 * which 6 are touched. */
#ifndef SVF_SVD_SVD_H
#define SVF_SVD_SVD_H

#include <svf/factorize.h>

/* All of a decomposition: u [m][k], sigma [k], vt [k][n], k = min(m, n). */
typedef struct svf_svd_factors {
  float *u, *sigma, *vt;
  size_t k;
} svf_svd_factors;

/* Whether LAPACK can index such a matrix. OVERFLOW. */
svf_status svf_svd_check(size_t m, size_t n);

/* Decompose W [m][n], contiguous and from malloc. It is this function's from now on: it is freed,
 * or becomes a factor. *f is to be freed also after an error. Errors as svf_factorize. */
svf_status svf_svd(float *w, size_t m, size_t n, svf_svd_factors *f);
void svf_svd_free(svf_svd_factors *f);

/* What the leading `rank` of factors of W are worth; u is [m][rank] here. svf_factorize multiplies
 * out, which takes a third of the time of the SVD itself; here the Frobenius norms are estimated by
 * what 32 random vectors of +-1 become, always the same ones, in double precision: |E|_F^2 is the
 * mean of |E x|^2 (M. F. Hutchinson, 1990). For errors of rounding, which have no direction, that
 * is right within a few per cent. MEMORY. */
svf_status svf_svd_measure(const float *w, size_t m, size_t n, const svf_svd_factors *f,
                           size_t rank, svf_factor_report *report);

#endif
