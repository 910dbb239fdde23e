/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops over the channels of a panel stand innermost, so that compilers make vectors of them. */
#include "kernels/quant.h"

#include <math.h>
#include <stdbool.h>

#include "kernels/bf16.h"
#include "kernels/kernel.h"

typedef struct quant_range_ref {
  float most[SVF_PANEL];   /* the weight of largest magnitude; 1 where there is `instead` */
  float usable[SVF_PANEL]; /* 1, or 0 where the scale is `instead` and all integers are 0 */
  float instead[SVF_PANEL];
} quant_range_ref;

static void quant_range_of_ref(const float *w, size_t count, quant_range_ref *r)
{
  for (int j = 0; j < SVF_PANEL; ++j) {
    r->most[j] = 0;
    r->usable[j] = 1;
  }
  for (size_t k = 0; k < count; ++k, w += SVF_PANEL) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      r->most[j] = fabsf(w[j]) > fabsf(r->most[j]) ? w[j] : r->most[j];
      r->usable[j] = w[j] - w[j] == 0 ? r->usable[j] : 0; /* Inf - Inf is NaN */
    }
  }
  for (int j = 0; j < SVF_PANEL; ++j) {
    r->instead[j] = r->usable[j] > 0 ? 0 : NAN;
    if (fabsf(r->most[j]) < SVF_QUANT_LEAST) r->usable[j] = 0;
    if (!(r->usable[j] > 0)) r->most[j] = 1;
  }
}

static inline float quant_clamp_ref(float x, float low, float high)
{
  x = x > low ? x : low;
  return x < high ? x : high;
}

/* Sums over the steps: (x - q)^2, x * q and q * q. */
typedef struct quant_sums_ref {
  float error[SVF_PANEL], along[SVF_PANEL], power[SVF_PANEL];
} quant_sums_ref;

static quant_sums_ref quant_sums_of_ref(const float *w, size_t count, const float *inverse)
{
  quant_sums_ref s = {{0}, {0}, {0}};
  for (size_t k = 0; k < count; ++k, w += SVF_PANEL) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      const float x = w[j] * inverse[j];
      const float q =
          quant_clamp_ref(x, SVF_INT4_LEAST, SVF_INT4_MOST) + SVF_QUANT_ROUND - SVF_QUANT_ROUND;
      const float e = x - q;
      s.error[j] += e * e;
      s.along[j] += x * q;
      s.power[j] += q * q;
    }
  }
  return s;
}

static float as_bf16_ref(float x) { return svf_widen_bf16(svf_round_bf16(x)); }

/* One trial: takes the scales where they are better, then makes them those that suit their integers
 * best. */
static void quant_try_ref(const float *w, size_t count, const float *most, float *scale,
                          float *least, float *best)
{
  float inverse[SVF_PANEL];
  for (int j = 0; j < SVF_PANEL; ++j) inverse[j] = 1 / scale[j];
  const quant_sums_ref s = quant_sums_of_ref(w, count, inverse);
  for (int j = 0; j < SVF_PANEL; ++j) {
    const float part = scale[j] / most[j], error = s.error[j] * (part * part);
    if (error < least[j]) {
      least[j] = error;
      best[j] = scale[j];
    }
    if (s.power[j] > 0) scale[j] = as_bf16_ref(scale[j] * (s.along[j] / s.power[j]));
  }
}

static void quant_search_ref(const float *w, size_t count, const float *most, float *best)
{
  float scale[SVF_PANEL], least[SVF_PANEL];
  for (int j = 0; j < SVF_PANEL; ++j) {
    least[j] = INFINITY;
    best[j] = 1;
  }
  for (int i = 0; i < SVF_INT4_TRIALS; ++i) {
    for (int j = 0; j < SVF_PANEL; ++j) scale[j] = as_bf16_ref(most[j] * svf_int4_trial(i));
    for (int again = 0; again < 2; ++again) quant_try_ref(w, count, most, scale, least, best);
  }
}

/* Stores the integers of these scales, and replaces the scales where there is `instead`. */
static void quant_put_ref(const float *w, size_t count, const quant_range_ref *r, float low,
                          float high, float *scale, int8_t *q)
{
  float inverse[SVF_PANEL];
  for (int j = 0; j < SVF_PANEL; ++j) inverse[j] = 1 / scale[j];
  for (size_t k = 0; k < count; ++k, w += SVF_PANEL, q += SVF_PANEL) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      const float x = quant_clamp_ref(w[j] * inverse[j], low, high);
      q[j] = (int8_t)(r->usable[j] > 0 ? x + SVF_QUANT_ROUND - SVF_QUANT_ROUND : 0);
    }
  }
  for (int j = 0; j < SVF_PANEL; ++j) scale[j] = r->usable[j] > 0 ? scale[j] : r->instead[j];
}

static void quant_int8_ref(const float *w, size_t count, bool bf16, float *scale, int8_t *q)
{
  quant_range_ref r;
  quant_range_of_ref(w, count, &r);
  for (int j = 0; j < SVF_PANEL; ++j) {
    scale[j] = fabsf(r.most[j]) / SVF_INT8_MOST;
    if (bf16) scale[j] = as_bf16_ref(scale[j]);
  }
  quant_put_ref(w, count, &r, -SVF_INT8_MOST, SVF_INT8_MOST, scale, q);
}

static void svf_quant_s8_ref(const float *w, size_t count, float *scale, int8_t *q)
{
  quant_int8_ref(w, count, false, scale, q);
}

static void svf_quant_w8_ref(const float *w, size_t count, float *scale, int8_t *q)
{
  quant_int8_ref(w, count, true, scale, q);
}

static void svf_quant_w4_ref(const float *w, size_t count, float *scale, int8_t *q)
{
  quant_range_ref r;
  quant_range_of_ref(w, count, &r);
  quant_search_ref(w, count, r.most, scale);
  quant_put_ref(w, count, &r, SVF_INT4_LEAST, SVF_INT4_MOST, scale, q);
}

const svf_quant_kernel svf_quant_ref = {SVF_ISA_REF, 0, svf_quant_s8_ref, svf_quant_w8_ref,
                                        svf_quant_w4_ref};
