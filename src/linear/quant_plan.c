/* SPDX-License-Identifier: Apache-2.0
 *
 * Dividing a budget of bits along the spectrum of a layer. */
#include <math.h>

#include "kernels/format.h"
#include "src/core/status.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/linear/bands.h"
#include "src/linear/quantise.h"

/* The squared error of a group of weights; the error of weight i is taken times sigma[i * step]. */
static double group_error(const float *w, size_t count, svf_format format, const float *sigma,
                          size_t step)
{
  int8_t q[SVF_SPAN];
  const float scale = svf_quantise(w, count, format, q);
  double error = 0;
  for (size_t i = 0; i < count; ++i) {
    const double e = ((double)w[i] - (double)q[i] * (double)scale) * (double)sigma[i * step];
    error += e * e;
  }
  return error;
}

/* The same of steps [k0, k1) of a channel, in groups. */
static double channel_error(const svf_factor *f, size_t channel, size_t k0, size_t k1,
                            svf_format format, size_t group, const float *sigma, size_t step)
{
  float w[SVF_SPAN];
  double error = 0;
  for (size_t k = k0; k < k1; k += group) {
    const size_t count = k1 - k < group ? k1 - k : group;
    for (size_t i = 0; i < count; ++i) w[i] = svf_factor_at(f, channel, k + i);
    error += group_error(w, count, format, sigma + (k - k0) * step, step);
  }
  return error;
}

/* The squared error of W that comes from singular vectors [k0, k1), which are whole groups. */
static double span_error(const svf_linear_source *s, size_t k0, size_t k1, svf_format format,
                         size_t group)
{
  const svf_factor v = svf_factor_of(s, 0), u = svf_factor_of(s, 1);
  double error = 0;
  for (size_t k = k0; k < k1; ++k) {
    error += channel_error(&v, k, 0, s->n, format, group, s->sigma + k, 0);
  }
  for (size_t i = 0; i < s->m; ++i) {
    error += channel_error(&u, i, k0, k1, format, group, s->sigma + k0, 1);
  }
  return error;
}

/* Finds the largest head that fits; SPACE if not even 0 does. */
static svf_status largest_head(const svf_linear_source *s, size_t budget, svf_quant *quant)
{
  svf_linear_header header = {0};
  svf_quant trial = {.group = s->quant.group, .head = s->r / SVF_HEAD_UNIT * SVF_HEAD_UNIT};
  for (;;) {
    const svf_status status = svf_linear_layout(s->m, s->n, s->r, SVF_FORMAT_W84, &trial, &header);
    if (status != SVF_OK) return status;
    if (header.bytes <= budget) break;
    if (trial.head == 0) {
      return svf_fail(SVF_ERR_SPACE, "budget is %zu bytes, int4 alone takes %llu in groups of %u",
                      budget, (unsigned long long)header.bytes, (unsigned)header.group);
    }
    trial.head -= SVF_HEAD_UNIT;
  }
  *quant = (svf_quant){.group = header.group, .head = trial.head};
  return SVF_OK;
}

svf_status svf_quant_plan(const svf_linear_source *source, size_t budget, svf_quant *quant,
                          double *error)
{
  svf_quant best;
  svf_linear_source s;
  svf_status status = svf_linear_read_source(source, &s);
  if (status != SVF_OK) return status;
  if (!quant) return svf_fail(SVF_ERR_NULL, "quant is NULL");
  status = largest_head(&s, budget, &best);
  if (status == SVF_OK) status = svf_linear_check_source(&s);
  if (status != SVF_OK) return status;
  *quant = best;
  if (!error) return SVF_OK;
  double lost = 0, power = 0;
  const svf_bands bands = {.cut_k = best.head};
  const svf_format_row *row = svf_format_of(SVF_FORMAT_W84);
  for (size_t k = 0, end; k < s.r; k = end) {
    end = svf_span_end(&bands, k, s.r);
    const svf_format format = k < best.head ? row->head : row->traits.weights;
    lost += span_error(&s, k, end, format, best.group);
  }
  for (size_t k = 0; k < s.r; ++k) {
    power += (double)s.sigma[k] * (double)s.sigma[k];
  }
  *error = power == 0 ? 0 : sqrt(lost / power);
  return SVF_OK;
}
