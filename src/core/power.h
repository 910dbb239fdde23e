/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of squares, of which Frobenius norms and shares of the spectrum are made. */
#ifndef SVF_CORE_POWER_H
#define SVF_CORE_POWER_H

#include <stddef.h>

static inline double svf_square(double x) { return x * x; }

/* ||x||_F^2 of x [rows][columns], summed row by row. */
static inline double svf_power(const float *x, size_t rows, size_t columns, size_t stride)
{
  double sum = 0;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; ++j) sum += svf_square((double)x[i * stride + j]);
  }
  return sum;
}

#endif
