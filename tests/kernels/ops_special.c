/* SPDX-License-Identifier: Apache-2.0
 *
 * What row operations make of the values at the edges of fp32. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "tests/kernels/ops.h"

enum { MOST = 20 }; /* elements of a row here */

static void exact(const svf_ops_kernel *kernel, const char *what, float got, float want)
{
  ops_equal(kernel, what, &got, &want, 1);
}

static void softmax(const svf_ops_kernel *k)
{
  static const struct {
    const char *what;
    size_t n;
    float scale, x[4], y[4];
  } rows[] = {
      {"softmax of one", 1, 1, {-3}, {1}},
      {"softmax of one far below", 1, 1, {-1e30f}, {1}},
      {"softmax of two equal", 2, 1, {5, 5}, {0.5f, 0.5f}},
      {"softmax, masked by -Inf", 3, 1, {-INFINITY, 2, -INFINITY}, {0, 1, 0}},
      {"softmax, masked by -1e30", 4, 0.125f, {-1e30f, -1e30f, 1, 1}, {0, 0, 0.5f, 0.5f}},
      {"softmax, all masked by -1e30", 2, 1, {-1e30f, -1e30f}, {0.5f, 0.5f}},
      {"softmax of nothing but -Inf", 2, 1, {-INFINITY, -INFINITY}, {NAN, NAN}},
      {"softmax of +Inf", 2, 1, {INFINITY, 0}, {NAN, NAN}},
      {"softmax of NaN", 3, 1, {0, NAN, 1}, {NAN, NAN, NAN}},
      {"softmax of the largest", 2, 0.125f, {FLT_MAX, -FLT_MAX}, {1, 0}},
      {"softmax of denormals", 2, 1, {1e-40f, -1e-40f}, {0.5f, 0.5f}},
      {"softmax, zero scale", 4, 0, {1, -2, 3, 4}, {0.25f, 0.25f, 0.25f, 0.25f}},
      {"softmax, negative scale", 2, -1, {-200, 100}, {1, 0}},
      {"softmax that would be denormal", 2, 1, {0, -87.34f}, {1, 0}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    float x[4], max;
    memcpy(x, rows[i].x, sizeof x);
    (void)k->softmax(x, rows[i].n, rows[i].scale, &max);
    ops_equal(k, rows[i].what, x, rows[i].y, rows[i].n);
  }
  float small[2] = {0, -87.33f}, max;
  exact(k, "inverse of softmax", k->softmax(small, 2, 1, &max), 1);
  exact(k, "maximum of softmax", max, 0);
  ops_expect(small[1] >= FLT_MIN, k, "least softmax", 1, (double)small[1], 1.18e-38);
}

/* A NaN anywhere in a row, tail or not, makes all of it NaN. */
static void poisoned(const svf_ops_kernel *k)
{
  for (size_t n = 1; n <= MOST; ++n) {
    for (size_t at = 0; at < n; ++at) {
      float x[MOST] = {0}, y[MOST], weight[MOST] = {0}, max;
      x[at] = NAN;
      k->rmsnorm(x, weight, n, 1, y);
      ops_expect(isnan(k->sum_exp(x, n, &max)), k, "sum_exp with NaN", at, 0, (double)NAN);
      ops_expect(isnan(k->softmax(x, n, 1, &max)), k, "softmax with NaN", at, 0, (double)NAN);
      for (size_t i = 0; i < n; ++i) {
        ops_expect(isnan(x[i]) && isnan(y[i]), k, "row with NaN", i, (double)x[i], (double)NAN);
      }
    }
  }
}

static void swiglu(const svf_ops_kernel *k)
{
  static const struct {
    float gate, up, y;
  } of[] = {
      {0, 1, 0},
      {-0.0f, 1, -0.0f},
      {INFINITY, 2, INFINITY},
      {INFINITY, -2, -INFINITY},
      {-INFINITY, 1, NAN},
      {FLT_MAX, 1, FLT_MAX},
      {-FLT_MAX, 1, -0.0f},
      {-87.34f, 1, -0.0f},
      {100, 0.5f, 50},
      {1e-40f, 1, 5e-41f},
      {NAN, 1, NAN},
      {1, NAN, NAN},
      {-200, INFINITY, NAN},
      {64, 3, 192},
  };
  enum { COUNT = sizeof of / sizeof *of };
  float gate[COUNT], up[COUNT], y[COUNT], want[COUNT];
  for (size_t i = 0; i < COUNT; ++i) {
    gate[i] = of[i].gate;
    up[i] = of[i].up;
    want[i] = of[i].y;
  }
  k->swiglu(gate, up, COUNT, y);
  ops_equal(k, "swiglu", y, want, COUNT);
}

static void rmsnorm(const svf_ops_kernel *k)
{
  float x[MOST] = {0}, weight[MOST], y[MOST], zero[MOST] = {0};
  for (int i = 0; i < MOST; ++i) weight[i] = 3;
  k->rmsnorm(x, weight, MOST, 1e-6f, y);
  ops_equal(k, "rmsnorm of zeros", y, zero, MOST);
  x[0] = -5;
  k->rmsnorm(x, weight, 1, 0, y);
  exact(k, "rmsnorm of one", y[0], -3);
  for (int i = 0; i < MOST; ++i) x[i] = 1e30f;
  k->rmsnorm(x, weight, MOST, 0, y);
  ops_equal(k, "rmsnorm whose squares are Inf", y, zero, MOST);
  x[3] = INFINITY;
  k->rmsnorm(x, weight, MOST, 0, y);
  exact(k, "rmsnorm of Inf", y[3], NAN);
  exact(k, "rmsnorm beside Inf", y[4], 0);
}

static void rope(const svf_ops_kernel *k)
{
  enum { HALF = MOST / 2 };
  float x[MOST], still[MOST], turned[MOST], one[HALF], zero[HALF] = {0};
  for (int i = 0; i < MOST; ++i) x[i] = still[i] = (float)(i + 1);
  for (int i = 0; i < HALF; ++i) {
    one[i] = 1;
    turned[i] = -x[i + HALF];
    turned[i + HALF] = x[i];
  }
  k->rope(x, one, zero, HALF);
  ops_equal(k, "rope by nothing", x, still, MOST);
  k->rope(x, zero, one, HALF);
  ops_equal(k, "rope by a quarter", x, turned, MOST);
  x[2] = turned[2] = turned[2 + HALF] = NAN;
  k->rope(x, one, zero, HALF);
  ops_equal(k, "rope with NaN", x, turned, MOST);
}

void ops_special(const svf_ops_kernel *kernel)
{
  const float x[3] = {-INFINITY, 7, -1e30f};
  float max = 0;
  exact(kernel, "sum_exp", kernel->sum_exp(x, 3, &max), 1);
  exact(kernel, "its maximum", max, 7);
  softmax(kernel);
  poisoned(kernel);
  swiglu(kernel);
  rmsnorm(kernel);
  rope(kernel);
}
