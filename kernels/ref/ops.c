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

static float svf_ops_dot_ref(const float *a, const float *b, size_t n)
{
  sums_ref products = {{0}, {0}};
  for (size_t i = 0; i < n; ++i) {
    float *sum = lane_ref(&products, i);
    *sum = fmaf(a[i], b[i], *sum);
  }
  return sum_of_ref(&products);
}

static void svf_ops_add_products_ref(const float *a, const float *b, size_t n, float *sum)
{
  for (size_t i = 0; i < n; ++i) sum[i] = fmaf(a[i], b[i], sum[i]);
}

static float inverse_rms_ref(const float *x, size_t n, float eps)
{
  return 1.0f / sqrtf(svf_ops_dot_ref(x, x, n) / (float)n + eps);
}

static void svf_ops_rmsnorm_ref(const float *x, const float *weight, size_t n, float eps, float *y)
{
  const float scale = inverse_rms_ref(x, n, eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

static void svf_ops_rmsnorm_back_ref(const float *x, const float *weight, size_t n, float eps,
                                     const float *g, float *dx)
{
  const float scale = inverse_rms_ref(x, n, eps);
  sums_ref products = {{0}, {0}};
  for (size_t i = 0; i < n; ++i) {
    float *sum = lane_ref(&products, i);
    *sum = fmaf(g[i] * weight[i], x[i], *sum);
  }
  const float mean = sum_of_ref(&products) / (float)n * scale;
  for (size_t i = 0; i < n; ++i) {
    dx[i] = fmaf(scale, fmaf(x[i] * scale, -mean, g[i] * weight[i]), dx[i]);
  }
}

static float sigmoid_ref(float g)
{
  const float e = exp_ref(-fabsf(g));
  return (g < 0 ? e : 1) / (1 + e);
}

static void svf_ops_swiglu_ref(const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; ++i) y[i] = gate[i] * sigmoid_ref(gate[i]) * up[i];
}

static void svf_ops_swiglu_back_ref(const float *gate, const float *up, size_t n, const float *g,
                                    float *dgate, float *dup)
{
  for (size_t i = 0; i < n; ++i) {
    const float x = gate[i], s = sigmoid_ref(x), through_up = g[i] * up[i];
    dup[i] = g[i] * (x * s);
    dgate[i] = through_up * (s * fmaf(x, 1 - s, 1));
  }
}

static void rotate_ref(float *x, float cos, float sin, size_t half)
{
  const float a = x[0], b = x[half];
  x[0] = a * cos - b * sin;
  x[half] = b * cos + a * sin;
}

static void svf_ops_rope_ref(float *x, const float *cos, const float *sin, size_t half)
{
  for (size_t i = 0; i < half; ++i) rotate_ref(x + i, cos[i], sin[i], half);
}

static void svf_ops_rope_back_ref(float *x, const float *cos, const float *sin, size_t half)
{
  for (size_t i = 0; i < half; ++i) rotate_ref(x + i, cos[i], -sin[i], half);
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

static float svf_ops_softmax_ref(float *x, size_t n, float scale, float *max)
{
  *max = max_of_ref(x, n, scale);
  sums_ref s = {{0}, {0}};
  for (size_t i = 0; i < n; ++i) {
    x[i] = exp_ref(scale * x[i] - *max);
    *lane_ref(&s, i) += x[i];
  }
  const float inverse = 1 / sum_of_ref(&s);
  for (size_t i = 0; i < n; ++i) x[i] *= inverse;
  return inverse;
}

static void svf_ops_softmax_again_ref(float *x, size_t n, float scale, float max, float factor)
{
  for (size_t i = 0; i < n; ++i) x[i] = exp_ref(scale * x[i] - max) * factor;
}

static void svf_ops_softmax_back_ref(const float *p, size_t n, float scale, float dot, float *g)
{
  for (size_t i = 0; i < n; ++i) g[i] = scale * (p[i] * (g[i] - dot));
}

static float svf_ops_sum_exp_ref(const float *x, size_t n, float *max)
{
  sums_ref s = {{0}, {0}};
  *max = max_of_ref(x, n, 1);
  for (size_t i = 0; i < n; ++i) *lane_ref(&s, i) += exp_ref(x[i] - *max);
  return sum_of_ref(&s);
}

const svf_ops_kernel svf_ops_ref = {
    .isa = SVF_ISA_REF,
    .rmsnorm = svf_ops_rmsnorm_ref,
    .swiglu = svf_ops_swiglu_ref,
    .rope = svf_ops_rope_ref,
    .softmax = svf_ops_softmax_ref,
    .sum_exp = svf_ops_sum_exp_ref,
    .add_products = svf_ops_add_products_ref,
    .dot = svf_ops_dot_ref,
    .rmsnorm_back = svf_ops_rmsnorm_back_ref,
    .swiglu_back = svf_ops_swiglu_back_ref,
    .rope_back = svf_ops_rope_back_ref,
    .softmax_again = svf_ops_softmax_again_ref,
    .softmax_back = svf_ops_softmax_back_ref,
};
