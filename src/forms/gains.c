/* SPDX-License-Identifier: Apache-2.0
 *
 * Gains. A product of two fp32 is exact in double, so the relative error of both sums and of c is
 * at most r * 2^-53, far less than half a unit in the last place of an fp32. Where the exact result
 * is an fp32, it comes out. */
#include <svf/gains.h>

#include <float.h>
#include <math.h>

#include "src/core/status.h"

static svf_status check_inputs(const float *sigma, const float *z, size_t r)
{
  for (size_t i = 0; i < r; ++i) {
    if (!isfinite(sigma[i]) || sigma[i] < 0) {
      return svf_fail(SVF_ERR_NUMERIC, "sigma[%zu] is %g; singular values are finite and not < 0",
                      i, (double)sigma[i]);
    }
    if (!isfinite(z[i])) return svf_fail(SVF_ERR_NUMERIC, "z[%zu] is %g", i, (double)z[i]);
  }
  return SVF_OK;
}

static svf_status normaliser(const float *sigma, const float *z, size_t r, double *c)
{
  double base = 0, sum = 0, size = 0;
  for (size_t i = 0; i < r; ++i) {
    const double term = (double)sigma[i] * (double)z[i];
    base += (double)sigma[i];
    sum += term;
    size += fabs(term);
  }
  *c = 1;
  if (base == 0) return SVF_OK; /* W = 0, whatever c */
  if (fabs(sum) <= (double)r * DBL_EPSILON * size) {
    return svf_fail(SVF_ERR_NUMERIC,
                    "the sum of sigma*z is %g of terms that add up to %g in magnitude: it cannot "
                    "be normalised",
                    sum, size);
  }
  *c = base / sum;
  return SVF_OK;
}

static svf_status find_c(const float *sigma, size_t r, const float *z, bool normalise, double *c)
{
  if (r == 0) return svf_fail(SVF_ERR_ARGUMENT, "r is 0; a rank is at least 1");
  *c = 1;
  const svf_status status = check_inputs(sigma, z, r);
  return status == SVF_OK && normalise ? normaliser(sigma, z, r, c) : status;
}

svf_status svf_gains(const float *sigma, size_t r, const float *z, bool normalise, float *gains)
{
  if (!sigma || !z || !gains) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", !sigma ? "sigma" : !z ? "z" : "gains");
  }
  double c;
  const svf_status status = find_c(sigma, r, z, normalise, &c);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < r; ++i) {
    const double d = c * ((double)sigma[i] * (double)z[i]);
    gains[i] = (float)d;
    if (!isfinite(gains[i])) {
      return svf_fail(SVF_ERR_NUMERIC, "gains[%zu] is %g, beyond what an fp32 holds", i, d);
    }
  }
  return SVF_OK;
}

/* --- Gradients -------------------------------------------------------------------------------- */

/* sum(sigma z dgains) / sum(sigma z), which normalised gains take off; 0 if sigma is all 0, since
 * then c does not depend on z. */
static double mean_gradient(const float *sigma, const float *z, const float *dgains, size_t r)
{
  double sum = 0, weighted = 0, base = 0;
  for (size_t i = 0; i < r; ++i) {
    const double term = (double)sigma[i] * (double)z[i];
    base += (double)sigma[i];
    sum += term;
    weighted += term * (double)dgains[i];
  }
  return base > 0 ? weighted / sum : 0;
}

svf_status svf_gains_gradient(const float *sigma, size_t r, const float *z, bool normalise,
                              const float *dgains, float *dz)
{
  if (!sigma || !z || !dgains || !dz) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL",
                    !sigma    ? "sigma"
                    : !z      ? "z"
                    : !dgains ? "dgains"
                              : "dz");
  }
  double c;
  const svf_status status = find_c(sigma, r, z, normalise, &c);
  if (status != SVF_OK) return status;
  const double mean = normalise ? mean_gradient(sigma, z, dgains, r) : 0;
  for (size_t i = 0; i < r; ++i) {
    const double d = c * (double)sigma[i] * ((double)dgains[i] - mean);
    if (!isfinite(dgains[i]) || !isfinite((float)d)) {
      return svf_fail(SVF_ERR_NUMERIC, "dgains[%zu] is %g, dz[%zu] %g", i, (double)dgains[i], i, d);
    }
    dz[i] = (float)d;
  }
  return SVF_OK;
}
