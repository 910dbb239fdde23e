/* SPDX-License-Identifier: Apache-2.0 */
#include "src/linear/quantise.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels/bf16.h"
#include "kernels/format.h"

enum { INT8_MOST = 127, INT4_LEAST = -8, INT4_MOST = 7 };

/* The weight of largest magnitude; NaN if a weight is not finite. */
static float extreme(const float *w, size_t count)
{
  float most = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!isfinite(w[i])) return NAN;
    if (fabsf(w[i]) > fabsf(most)) most = w[i];
  }
  return most;
}

static float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

/* Rounds all weights to integers of a scale. Returns the squared error that remains. */
static double round_all(const float *w, size_t count, float scale, float low, float high, int8_t *q)
{
  const float inverse = 1 / scale;
  double error = 0;
  for (size_t i = 0; i < count; ++i) {
    const float v = clamp(rintf(w[i] * inverse), low, high);
    const double e = (double)w[i] - (double)v * (double)scale;
    q[i] = (int8_t)v;
    error += e * e;
  }
  return error;
}

static float as_bf16(float x) { return svf_widen_bf16(svf_round_bf16(x)); }

/* The scale that suits these integers best, by least squares. */
static float refit(const float *w, const int8_t *q, size_t count, float scale)
{
  double along = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    along += (double)w[i] * q[i];
    power += (double)q[i] * q[i];
  }
  return power > 0 ? as_bf16((float)(along / power)) : scale;
}

/* The best of a range of scales around the one that makes the extreme weight -8, each then refitted
 * to its integers: clipping an outlier a little serves the others. */
static float search_int4(const float *w, size_t count, float most, int8_t *q)
{
  enum { TRIES = 12, FIRST = 88, STEP = 6 }; /* 0.88, 0.94 ... 1.54 times -most/8 */
  double least = HUGE_VAL;
  float best = 0;
  int8_t trial[SVF_SPAN];
  for (int i = 0; i < TRIES; ++i) {
    float scale = as_bf16(most / (float)INT4_LEAST * 100 / (float)(FIRST + i * STEP));
    for (int again = 0; again < 2; ++again) {
      if (!(fabsf(scale) >= FLT_MIN)) break;
      const double error = round_all(w, count, scale, INT4_LEAST, INT4_MOST, trial);
      if (error < least) {
        least = error;
        best = scale;
        memcpy(q, trial, count);
      }
      scale = refit(w, trial, count, scale);
    }
  }
  return best;
}

float svf_quantise(const float *w, size_t count, svf_format format, int8_t *q)
{
  const float most = extreme(w, count);
  memset(q, 0, count);
  if (isnan(most)) return NAN;
  if (!(fabsf(most) >= INT8_MOST * 2 * FLT_MIN)) return 0; /* the scale would be a denormal */
  const svf_format_row *row = svf_format_of(format);
  if (row->traits.weight_bits == 4) return search_int4(w, count, most, q);
  float scale = fabsf(most) / INT8_MOST;
  if (row->scale == SVF_SCALE_BF16) scale = as_bf16(scale);
  round_all(w, count, scale, -INT8_MOST, INT8_MOST, q);
  return scale;
}
