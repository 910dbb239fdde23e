/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CONVERT_ESTIMATE_H
#define SVF_CONVERT_ESTIMATE_H

#include <svf/svd.h>

/* Factors of W [m][n]: u [m][rank], sigma [k] and vt [k][n]; the leading `rank` of k are kept. */
typedef struct svf_factors {
  float *u, *sigma, *vt;
  size_t k, rank;
} svf_factors;

/* What they are worth. Multiplying out takes a third of the time of the SVD itself; here the
 * Frobenius norms are estimated by what 32 random vectors of +-1 become, always the same ones, in
 * double precision: |E|_F^2 is the mean of |E x|^2 (M. F. Hutchinson, 1990). For errors of
 * rounding, which have no direction, that is right within a few per cent. On a team of OpenMP
 * threads, whose number changes no bit. MEMORY. */
svf_status svf_estimate(const float *w, size_t m, size_t n, const svf_factors *f, size_t threads,
                        svf_svd_report *report);

#endif
