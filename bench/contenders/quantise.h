/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BENCH_CONTENDERS_QUANTISE_H
#define SVF_BENCH_CONTENDERS_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

/* Row by row, symmetric: q[i][j] = x[i][j] / scale[i] to nearest, scale[i] = largest |x[i][j]| /
 * 127. Both matrices contiguous, values finite. In parallel over rows. */
void quantise_rows(const float *x, size_t rows, size_t columns, int8_t *q, float *scale);

/* x[i][j] *= scale[i]. */
void scale_rows(float *x, size_t rows, size_t columns, const float *scale);

#endif
