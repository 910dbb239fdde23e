/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/ops.h"

#include <math.h>

#include "src/core/dispatch.h"

double svf_log_sum_exp(const float *x, size_t n)
{
  float max;
  const float sum = svf_dispatch_ops()->sum_exp(x, n, &max);
  return (double)max + log((double)sum);
}
