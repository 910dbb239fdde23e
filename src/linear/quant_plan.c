/* SPDX-License-Identifier: Apache-2.0
 *
 * Dividing a budget of bits along the spectrum of a layer. */
#include <math.h>

#include "kernels/format.h"
#include "src/core/fp_mode.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/linear/bands.h"
#include "src/linear/quantise.h"

/* A panel. The error of its channel j at step i is taken times sigma[j * across + i * along]. */
typedef struct weighed_panel {
  const svf_factor *factor;
  size_t channel, lanes;
  const float *sigma;
  size_t across, along;
} weighed_panel;

/* The squared error of steps [k, k + count), a group. */
static double group_error(const weighed_panel *p, size_t k, size_t count, svf_quantise_fn *quantise)
{
  float w[SVF_SPAN * SVF_PANEL] = {0}, scale[SVF_PANEL];
  int8_t q[SVF_SPAN * SVF_PANEL];
  double error = 0;
  svf_factor_read(p->factor, p->channel, p->lanes, k, count, w);
  quantise(w, count, scale, q);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < p->lanes; ++j) {
      const size_t at = i * SVF_PANEL + j;
      const double e = ((double)w[at] - (double)q[at] * (double)scale[j]) *
                       (double)p->sigma[j * p->across + (k + i) * p->along];
      error += e * e;
    }
  }
  return error;
}

/* The same of channels [c0, c1) and steps [k0, k1), in groups; sigma belongs to the channels, or
 * else to the steps. */
static double factor_error(const svf_factor *f, size_t c0, size_t c1, size_t k0, size_t k1,
                           svf_format format, size_t group, const float *sigma, bool of_channels)
{
  svf_quantise_fn *quantise = svf_quantiser(format);
  double error = 0;
  for (size_t c = c0; c < c1; c += SVF_PANEL) {
    weighed_panel p = {f, c, svf_size_min(c1 - c, SVF_PANEL), sigma, of_channels, !of_channels};
    if (of_channels) p.sigma += c;
    for (size_t k = k0; k < k1; k += group) {
      error += group_error(&p, k, svf_size_min(k1 - k, group), quantise);
    }
  }
  return error;
}

/* The squared error of W that comes from singular vectors [k0, k1), which are whole groups. */
static double span_error(const svf_linear_source *s, size_t k0, size_t k1, svf_format format,
                         size_t group)
{
  const svf_factor v = svf_factor_of(s, 0), u = svf_factor_of(s, 1);
  return factor_error(&v, k0, k1, 0, s->n, format, group, s->sigma, true) +
         factor_error(&u, 0, s->m, k0, k1, format, group, s->sigma, false);
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
  const uint64_t rounding = svf_fp_to_nearest(); /* as packing does */
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
  svf_fp_round_as(rounding);
  return SVF_OK;
}
