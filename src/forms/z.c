/* SPDX-License-Identifier: Apache-2.0
 *
 * From parameters to z, and from z to what gains are made of: interpolation and mixtures. */
#include <svf/gains.h>

#include <math.h>
#include <stdbool.h>

#include "src/core/names.h"
#include "src/core/status.h"

/* Each name stands at the index that is its value. */
static const char *const parametrisations[] = {
    [SVF_PARAMETERS_DIRECT] = "direct", [SVF_PARAMETERS_SIGMOID] = "sigmoid"};

enum { PARAMETRISATIONS = sizeof parametrisations / sizeof *parametrisations };

static const char *parametrisation_at(size_t i)
{
  return i < PARAMETRISATIONS ? parametrisations[i] : NULL;
}

const char *svf_parametrisation_name(svf_parametrisation kind)
{
  return (unsigned)kind < PARAMETRISATIONS ? parametrisations[kind] : "?";
}

svf_status svf_parametrisation_parse(const char *name, svf_parametrisation *kind)
{
  size_t i = 0;
  if (!kind) return svf_fail(SVF_ERR_NULL, "kind is NULL");
  const svf_status status = svf_name_find("name", name, "parametrisation", parametrisation_at, &i);
  if (status == SVF_OK) *kind = (svf_parametrisation)i;
  return status;
}

static svf_status rank_is_zero(void)
{
  return svf_fail(SVF_ERR_ARGUMENT, "r is 0; a rank is at least 1");
}

static svf_status element(const char *name, size_t i, double value)
{
  return svf_fail(SVF_ERR_NUMERIC, "%s[%zu] is %g, which is no finite fp32", name, i, value);
}

static svf_status check_parametrisation(svf_parametrisation kind, float scale, size_t r)
{
  if (r == 0) return rank_is_zero();
  if ((unsigned)kind >= PARAMETRISATIONS) {
    return svf_fail(SVF_ERR_ARGUMENT, "kind is %d, which is no parametrisation", (int)kind);
  }
  if (kind == SVF_PARAMETERS_SIGMOID && !isfinite(scale)) {
    return svf_fail(SVF_ERR_ARGUMENT, "scale is %g", (double)scale);
  }
  return SVF_OK;
}

static double sigmoid_of(float p) { return 1 / (1 + exp(-(double)p)); }

svf_status svf_z_from_parameters(svf_parametrisation kind, const float *p, float scale, float *z,
                                 size_t r)
{
  if (!p || !z) return svf_fail(SVF_ERR_NULL, "%s is NULL", p ? "z" : "p");
  const svf_status status = check_parametrisation(kind, scale, r);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < r; ++i) {
    if (!isfinite(p[i])) return element("p", i, (double)p[i]);
    z[i] = kind == SVF_PARAMETERS_DIRECT ? p[i] : (float)((double)scale * sigmoid_of(p[i]));
  }
  return SVF_OK;
}

svf_status svf_parameters_gradient(svf_parametrisation kind, const float *p, float scale,
                                   const float *dz, float *dp, size_t r)
{
  if (!p || !dz || !dp) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", !p ? "p" : !dz ? "dz" : "dp");
  }
  const svf_status status = check_parametrisation(kind, scale, r);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < r; ++i) {
    const double s = sigmoid_of(p[i]);
    const double slope = kind == SVF_PARAMETERS_DIRECT ? 1 : (double)scale * s * (1 - s);
    const double d = (double)dz[i] * slope;
    if (!isfinite(p[i])) return element("p", i, (double)p[i]);
    if (!isfinite(dz[i])) return element("dz", i, (double)dz[i]);
    if (!isfinite((float)d)) return element("dp", i, d);
    dp[i] = (float)d;
  }
  return SVF_OK;
}

svf_status svf_z_scale(float s, const float *z, size_t r, float *out)
{
  if (!z || !out) return svf_fail(SVF_ERR_NULL, "%s is NULL", z ? "out" : "z");
  if (r == 0) return rank_is_zero();
  if (!isfinite(s)) return svf_fail(SVF_ERR_ARGUMENT, "s is %g", (double)s);
  for (size_t i = 0; i < r; ++i) {
    if (!isfinite(z[i])) return element("z", i, (double)z[i]);
    if (s == 1) { /* z - 1 would round where z is tiny */
      out[i] = z[i];
      continue;
    }
    const double scaled = 1 + (double)s * ((double)z[i] - 1);
    out[i] = (float)scaled;
    if (!isfinite(out[i])) return element("out", i, scaled);
  }
  return SVF_OK;
}

static svf_status check_alpha(const float *alpha, size_t experts)
{
  bool any = false;
  for (size_t k = 0; k < experts; ++k) {
    if (!isfinite(alpha[k])) {
      return svf_fail(SVF_ERR_ARGUMENT, "alpha[%zu] is %g", k, (double)alpha[k]);
    }
    any |= alpha[k] != 0;
  }
  if (any) return SVF_OK;
  return svf_fail(SVF_ERR_NUMERIC, "alpha is 0 for each of the %zu experts: nothing to mix",
                  experts);
}

/* Element i of the mixture. The first term starts the sum: 0 + (-0) would lose a sign. */
static double mixed(const float *const *z, const float *alpha, size_t experts, size_t i)
{
  double sum = 0;
  bool first = true;
  for (size_t k = 0; k < experts; ++k) {
    if (alpha[k] == 0) continue;
    const double term = z[k] ? (double)alpha[k] * (double)z[k][i] : (double)alpha[k];
    sum = first ? term : sum + term;
    first = false;
  }
  return sum;
}

svf_status svf_mix(const float *const *z, size_t experts, const float *alpha, size_t r, float *out)
{
  if (!z || !alpha || !out) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", !z ? "z" : !alpha ? "alpha" : "out");
  }
  if (experts == 0) return svf_fail(SVF_ERR_ARGUMENT, "experts is 0; a mixture has at least one");
  if (r == 0) return rank_is_zero();
  const svf_status status = check_alpha(alpha, experts);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < r; ++i) {
    const double sum = mixed(z, alpha, experts, i);
    out[i] = (float)sum;
    if (!isfinite(out[i])) return element("out", i, sum);
  }
  return SVF_OK;
}
