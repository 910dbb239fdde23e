/* SPDX-License-Identifier: Apache-2.0
 *
 * The SVD of a bidiagonal matrix by divide and conquer, in less memory than LAPACK's sbdsdc: each
 * half by LAPACK, what joins them by secular.h. */
#ifndef SVF_DECOMPOSE_BIDIAGONAL_H
#define SVF_DECOMPOSE_BIDIAGONAL_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

/* B [n][n] has the diagonal d[n] and e[n-1] above it, or below. B = U diag(d) VT, d descending
 * then; U and VT are column-major. Allocates about 3/4 n^2 floats. Errors: MEMORY, NUMERIC. */
svf_status svf_bidiagonal_svd(size_t n, bool lower, float *d, float *e, float *u, size_t ldu,
                              float *vt, size_t ldvt);

#endif
