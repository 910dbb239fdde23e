/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/adamw.h"

#include <math.h>

svf_adamw_options svf_adamw_defaults(void)
{
  return (svf_adamw_options){
      .rate = 2e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 1, .centre = 1};
}

static double norm_of(const float *x, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += (double)x[i] * (double)x[i];
  return sqrt(sum);
}

double svf_adamw_step(svf_adamw *a, const svf_adamw_options *o, double factor,
                      const float *gradient)
{
  const double norm = norm_of(gradient, a->n);
  if (!isfinite(norm)) return norm;
  ++a->step;
  const double scale = o->clip > 0 && norm > o->clip ? o->clip / norm : 1;
  const double rate = o->rate * factor, steps = (double)a->step;
  const double bias1 = 1 - pow(o->beta1, steps), bias2 = 1 - pow(o->beta2, steps);
  for (size_t i = 0; i < a->n; ++i) {
    const double g = scale * (double)gradient[i];
    const double mean = o->beta1 * (double)a->mean[i] + (1 - o->beta1) * g;
    const double square = o->beta2 * (double)a->square[i] + (1 - o->beta2) * g * g;
    const double p = (double)a->p[i], centre = (double)o->centre;
    const double decayed = p - rate * o->decay * (p - centre);
    a->p[i] = (float)(decayed - rate * (mean / bias1) / (sqrt(square / bias2) + o->eps));
    a->mean[i] = (float)mean;
    a->square[i] = (float)square;
  }
  return norm;
}

double svf_schedule_at(const svf_schedule *s, uint64_t step)
{
  const double pi = 3.14159265358979323846;
  if (step < s->warm_up) return (double)(step + 1) / (double)s->warm_up;
  if (s->steps <= s->warm_up) return 1;
  const uint64_t left = s->steps - s->warm_up, at = step - s->warm_up;
  if (at >= left) return s->last;
  return s->last + (1 - s->last) * (1 + cos(pi * (double)at / (double)left)) / 2;
}
