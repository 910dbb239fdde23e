/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CONVERT_ESTIMATE_H
#define SVF_CONVERT_ESTIMATE_H

#include <svf/svd.h>

/* Factors of W [m][n]: u [m][rank], sigma [k] and vt [k][n]; of the k singular values the leading
 * `rank` are kept. */
typedef struct svf_factors {
  float *u, *sigma, *vt;
  size_t k, rank;
} svf_factors;

/* Measure the residual and the orthogonality of factors. Multiplying them out would take a third of
 * the time of the SVD itself; instead the Frobenius norms are estimated in double precision from
 * the products with 32 random vectors of +-1, always the same ones: |E|_F^2 is the mean of |E x|^2
 * (M. F. Hutchinson, 1990). For rounding errors, which have no direction, the estimate is right
 * within a few per cent. Errors: MEMORY. */
svf_status svf_estimate(const float *w, size_t m, size_t n, const svf_factors *f,
                        svf_svd_report *report);

/* The bytes that svf_estimate allocates. */
size_t svf_estimate_bytes(size_t m, size_t n);

#endif
