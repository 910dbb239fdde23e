/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/ops.h"

#include <math.h>

#include "kernels/ref/exp.h"

/* Partial sums of each lane, which are added to its total every SVF_SUM_LENGTH elements. */
typedef struct sums_ref {
  float part[SVF_OPS_LANES], total[SVF_OPS_LANES];
} sums_ref;

static void put_aside_ref(sums_ref *s)
{
  for (int j = 0; j < SVF_OPS_LANES; ++j) {
    s->total[j] += s->part[j];
    s->part[j] = 0;
  }
}

/* The lane of element i. */
static float *lane_ref(sums_ref *s, size_t i)
{
  if (i > 0 && i % SVF_SUM_LENGTH == 0) put_aside_ref(s);
  return s->part + i % SVF_OPS_LANES;
}

static float sum_of_ref(sums_ref *s)
{
  put_aside_ref(s);
  return svf_lanes_sum(s->total);
}

static void svf_ops_rmsnorm_ref(const float *x, const float *weight, size_t n, float eps, float *y)
{
  sums_ref squares = {{0}, {0}};
  for (size_t i = 0; i < n; ++i) {
    float *sum = lane_ref(&squares, i);
    *sum = fmaf(x[i], x[i], *sum);
  }
  const float scale = 1.0f / sqrtf(sum_of_ref(&squares) / (float)n + eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

static void svf_ops_swiglu_ref(const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; ++i) {
    const float g = gate[i], e = exp_ref(-fabsf(g));
    y[i] = g * ((g < 0 ? e : 1) / (1 + e)) * up[i];
  }
}

static void svf_ops_rope_ref(float *x, const float *cos, const float *sin, size_t half)
{
  for (size_t i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half];
    x[i] = a * cos[i] - b * sin[i];
    x[i + half] = b * cos[i] + a * sin[i];
  }
}

static float max_of_ref(const float *x, size_t n, float scale)
{
  float max[SVF_OPS_LANES];
  for (int j = 0; j < SVF_OPS_LANES; ++j) max[j] = -INFINITY;
  for (size_t i = 0; i < n; i += SVF_OPS_LANES) {
    for (size_t j = 0; j < SVF_OPS_LANES; ++j) {
      max[j] = svf_max(max[j], i + j < n ? scale * x[i + j] : -INFINITY);
    }
  }
  return svf_lanes_max(max);
}

static void svf_ops_softmax_ref(float *x, size_t n, float scale)
{
  const float max = max_of_ref(x, n, scale);
  sums_ref s = {{0}, {0}};
  for (size_t i = 0; i < n; ++i) {
    x[i] = exp_ref(scale * x[i] - max);
    *lane_ref(&s, i) += x[i];
  }
  const float inverse = 1 / sum_of_ref(&s);
  for (size_t i = 0; i < n; ++i) x[i] *= inverse;
}

static float svf_ops_sum_exp_ref(const float *x, size_t n, float *max)
{
  sums_ref s = {{0}, {0}};
  *max = max_of_ref(x, n, 1);
  for (size_t i = 0; i < n; ++i) *lane_ref(&s, i) += exp_ref(x[i] - *max);
  return sum_of_ref(&s);
}

const svf_ops_kernel svf_ops_ref = {SVF_ISA_REF,         0,
                                    svf_ops_rmsnorm_ref, svf_ops_swiglu_ref,
                                    svf_ops_rope_ref,    svf_ops_softmax_ref,
                                    svf_ops_sum_exp_ref};
