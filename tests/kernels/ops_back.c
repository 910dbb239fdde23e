/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradients among the row operations: against the derivatives of the forward formulas, taken by
 * differences in double precision; against their own formulas in double precision, for rows of any
 * length and within a few units of EPSILON; and what special values become. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernels/ops.h"
#include "tests/kernels/rng.h"

#define EPSILON ((double)FLT_EPSILON)

static void fill(float *x, size_t n, float size, uint64_t *state)
{
  for (size_t i = 0; i < n; ++i) x[i] = size * random_float(state);
}

/* --- Against differences ---------------------------------------------------------------------- */

enum { COUNT = 38, HALF = COUNT / 2, TARGET = 5 };
static const double eps = 0.1, scale = 0.3, weight = -1.7;
static const double step = 1e-4, difference_limit = 5e-7;

/* A loss whose gradient with respect to x[COUNT] is wanted: the sum of g times the result of an
 * operation whose other input is p. */
typedef double loss(const double *x, const float *p, const float *g);

static double rmsnorm_loss(const double *x, const float *p, const float *g)
{
  double squares = 0, sum = 0;
  for (int i = 0; i < COUNT; ++i) squares += x[i] * x[i];
  for (int i = 0; i < COUNT; ++i) sum += (double)g[i] * (double)p[i] * x[i];
  return sum / sqrt(squares / COUNT + eps);
}

static double gate_loss(const double *x, const float *p, const float *g)
{
  double sum = 0;
  for (int i = 0; i < COUNT; ++i) sum += (double)g[i] * (double)p[i] * x[i] / (1 + exp(-x[i]));
  return sum;
}

static double up_loss(const double *x, const float *p, const float *g)
{
  double sum = 0;
  for (int i = 0; i < COUNT; ++i) {
    sum += (double)g[i] * x[i] * (double)p[i] / (1 + exp(-(double)p[i]));
  }
  return sum;
}

/* p is cos, then sin. */
static double rope_loss(const double *x, const float *p, const float *g)
{
  double sum = 0;
  for (int i = 0; i < HALF; ++i) {
    const double a = x[i], b = x[i + HALF], c = (double)p[i], s = (double)p[i + HALF];
    sum += (double)g[i] * (a * c - b * s) + (double)g[i + HALF] * (b * c + a * s);
  }
  return sum;
}

static double sum_exp(const double *x)
{
  double sum = 0;
  for (int i = 0; i < COUNT; ++i) sum += exp(scale * x[i]);
  return sum;
}

static double softmax_loss(const double *x, const float *p, const float *g)
{
  (void)p;
  double sum = 0;
  for (int i = 0; i < COUNT; ++i) sum += (double)g[i] * exp(scale * x[i]);
  return sum / sum_exp(x);
}

static double cross_entropy_loss(const double *x, const float *p, const float *g)
{
  (void)p, (void)g;
  return -weight * (scale * x[TARGET] - log(sum_exp(x)));
}

/* What the differences of a loss are taken at. */
typedef struct point {
  const float *x, *p, *g;
} point;

static void agrees(const svf_ops_kernel *k, const char *what, loss *of, const point *at,
                   const float *got)
{
  double x[COUNT];
  for (int i = 0; i < COUNT; ++i) x[i] = (double)at->x[i];
  for (int i = 0; i < COUNT; ++i) {
    x[i] = (double)at->x[i] + step;
    const double above = of(x, at->p, at->g);
    x[i] = (double)at->x[i] - step;
    const double below = of(x, at->p, at->g);
    x[i] = (double)at->x[i];
    ops_close(k, what, (size_t)i, (double)got[i], (above - below) / (2 * step), difference_limit);
  }
}

static void softmax_differences(const svf_ops_kernel *k, const point *at)
{
  float p[COUNT], back[COUNT], max;
  memcpy(p, at->x, sizeof p);
  memcpy(back, at->g, sizeof back);
  const float factor = k->softmax(p, COUNT, (float)scale, &max);
  k->softmax_back(p, COUNT, (float)scale, k->dot(p, back, COUNT), back);
  agrees(k, "slope of softmax", softmax_loss, at, back);
  memcpy(back, at->x, sizeof back);
  k->softmax_again(back, COUNT, (float)scale, max, (float)(weight * scale) * factor);
  back[TARGET] -= (float)(weight * scale);
  agrees(k, "slope of cross entropy", cross_entropy_loss, at, back);
}

static void differences(const svf_ops_kernel *k)
{
  float x[COUNT], p[COUNT], g[COUNT], back[COUNT] = {0}, other[COUNT];
  uint64_t state = 5;
  fill(x, COUNT, 3, &state);
  fill(p, COUNT, 3, &state);
  fill(g, COUNT, 1, &state);
  const point at = {x, p, g}, mirrored = {p, x, g};
  k->rmsnorm_back(x, p, COUNT, (float)eps, g, back);
  agrees(k, "slope of rmsnorm", rmsnorm_loss, &at, back);
  k->swiglu_back(x, p, COUNT, g, back, other);
  agrees(k, "slope of swiglu, gate", gate_loss, &at, back);
  agrees(k, "slope of swiglu, up", up_loss, &mirrored, other);
  memcpy(back, g, sizeof back);
  k->rope_back(back, p, p + HALF, HALF);
  agrees(k, "slope of rope", rope_loss, &at, back);
  softmax_differences(k, &at);
}

/* --- Against double precision ----------------------------------------------------------------- */

enum { LONGEST = 49152 }; /* a vocabulary */

/* Errors in units of EPSILON times the terms that a result is made of. */
static const double rmsnorm_limit = 2, swiglu_limit = 2, again_limit = 1, back_limit = 2;
static const double sum_limit = 0.5;

static void add_products(const svf_ops_kernel *k, const ops_rows *r)
{
  memcpy(r->y, r->c, r->n * sizeof *r->y);
  k->add_products(r->a, r->b, r->n, r->y);
  for (size_t i = 0; i < r->n; ++i) {
    const double sum = (double)r->a[i] * (double)r->b[i] + (double)r->c[i];
    ops_close(k, "add_products", i, (double)r->y[i], sum, 0.5000001 * EPSILON * fabs(sum));
  }
}

static void dot(const svf_ops_kernel *k, const ops_rows *r)
{
  double sum = 0, size = 0;
  for (size_t i = 0; i < r->n; ++i) {
    const double product = (double)r->a[i] * (double)r->b[i];
    sum += product;
    size += fabs(product);
  }
  ops_close(k, "dot", r->n, (double)k->dot(r->a, r->b, r->n), sum, sum_limit * EPSILON * size);
}

static void rmsnorm_back(const svf_ops_kernel *k, const ops_rows *r)
{
  const double n = (double)r->n;
  double squares = 0, products = 0, size = 0;
  for (size_t i = 0; i < r->n; ++i) {
    const double x = (double)r->a[i], hx = (double)r->b[i] * (double)r->c[i] * x;
    squares += x * x;
    products += hx;
    size += fabs(hx);
    r->y[i] = 0.25f;
  }
  const double s = 1 / sqrt(squares / n + eps);
  k->rmsnorm_back(r->a, r->b, r->n, (float)eps, r->c, r->y);
  for (size_t i = 0; i < r->n; ++i) {
    const double x = (double)r->a[i], h = (double)r->b[i] * (double)r->c[i];
    const double terms = s * fabs(h) + fabs(x) * size / n * s * s * s;
    ops_close(k, "rmsnorm_back", i, (double)r->y[i], 0.25 + s * h - x * products / n * s * s * s,
              EPSILON * (0.25 + rmsnorm_limit * terms));
  }
}

static void swiglu_back(const svf_ops_kernel *k, const ops_rows *r, float *dup)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->y, dup);
  for (size_t i = 0; i < r->n; ++i) {
    const double x = (double)r->a[i], up = (double)r->b[i], g = (double)r->c[i];
    const double s = 1 / (1 + exp(-x)), rest = 1 / (1 + exp(x));
    ops_close(k, "swiglu_back, dup", i, (double)dup[i], g * x * s,
              swiglu_limit * EPSILON * fabs(g * x * s) + 1e-35);
    ops_close(k, "swiglu_back, dgate", i, (double)r->y[i], g * up * s * (1 + x * rest),
              swiglu_limit * EPSILON * fabs(g * up) * s * (1 + fabs(x)) + 1e-35);
  }
}

static void rope_back(const svf_ops_kernel *k, const ops_rows *r)
{
  const size_t half = r->n / 2;
  memcpy(r->y, r->a, r->n * sizeof *r->y);
  if (half > 0) k->rope_back(r->y, r->b, r->c, half);
  for (size_t i = 0; i < half; ++i) {
    const double a = (double)r->a[i], b = (double)r->a[i + half];
    const double c = (double)r->b[i], s = (double)r->c[i];
    ops_close(k, "rope_back", i, (double)r->y[i], a * c + b * s,
              EPSILON * (fabs(a * c) + fabs(b * s)));
    ops_close(k, "rope_back", i + half, (double)r->y[i + half], b * c - a * s,
              EPSILON * (fabs(b * c) + fabs(a * s)));
  }
}

/* The argument of exp has an error of half a unit of what it is made of. */
static void softmax_again(const svf_ops_kernel *k, const ops_rows *r)
{
  double sum = 0;
  float max = -INFINITY;
  for (size_t i = 0; i < r->n; ++i) max = fmaxf(max, (float)scale * r->a[i]);
  for (size_t i = 0; i < r->n; ++i) sum += exp((double)((float)scale * r->a[i] - max));
  const float factor = (float)(weight * scale / sum);
  memcpy(r->y, r->a, r->n * sizeof *r->y);
  k->softmax_again(r->y, r->n, (float)scale, max, factor);
  for (size_t i = 0; i < r->n; ++i) {
    const double s = (double)((float)scale) * (double)r->a[i];
    const double y = exp(s - (double)max) * (double)factor;
    const double argument = (fabs(s) + (double)max - s) / 2;
    ops_close(k, "softmax_again", i, (double)r->y[i], y,
              (again_limit + argument) * EPSILON * fabs(y) + (double)FLT_MIN);
  }
}

static void softmax_back(const svf_ops_kernel *k, const ops_rows *r)
{
  const float sum = 0.3f;
  memcpy(r->y, r->a, r->n * sizeof *r->y);
  k->softmax_back(r->b, r->n, (float)scale, sum, r->y);
  for (size_t i = 0; i < r->n; ++i) {
    const double y = (double)(float)scale * (double)r->b[i] * ((double)r->a[i] - (double)sum);
    ops_close(k, "softmax_back", i, (double)r->y[i], y, back_limit * EPSILON * fabs(y));
  }
}

static void accuracy(const svf_ops_kernel *k)
{
  static const size_t sizes[] = {1, 2, 15, 16, 17, 64, 576, 1000, 4096 + 3, LONGEST};
  float *memory = calloc(LONGEST, 5 * sizeof *memory);
  if (!memory) abort();
  uint64_t state = 6;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    const ops_rows r = {memory, memory + LONGEST, memory + (size_t)2 * LONGEST,
                        memory + (size_t)3 * LONGEST, sizes[s]};
    fill(r.a, r.n, 5, &state);
    for (size_t i = 0; i < r.n; i += 20) r.a[i] *= 17;
    fill(r.b, r.n, 1, &state);
    fill(r.c, r.n, 1, &state);
    add_products(k, &r);
    dot(k, &r);
    rmsnorm_back(k, &r);
    swiglu_back(k, &r, memory + (size_t)4 * LONGEST);
    rope_back(k, &r);
    softmax_again(k, &r);
    softmax_back(k, &r);
  }
  free(memory);
}

/* --- Special values --------------------------------------------------------------------------- */

enum { MOST = 70 }; /* elements of a row here */

static void exact(const svf_ops_kernel *k, const char *what, float got, float want)
{
  ops_equal(k, what, &got, &want, 1);
}

/* Softmax again has softmax's bits, and does not mind where a row is cut. */
static void again(const svf_ops_kernel *k)
{
  uint64_t state = 7;
  for (size_t n = 1; n <= MOST; ++n) {
    float x[MOST], p[MOST], whole[MOST], pieces[MOST], max;
    fill(x, n, 40, &state);
    x[n / 2] = -INFINITY;
    x[0] = 30;
    memcpy(p, x, sizeof p);
    memcpy(whole, x, sizeof whole);
    memcpy(pieces, x, sizeof pieces);
    const size_t cut = random_below(&state, n);
    const float factor = k->softmax(p, n, 0.7f, &max);
    k->softmax_again(whole, n, 0.7f, max, factor);
    if (cut > 0) k->softmax_again(pieces, cut, 0.7f, max, factor);
    k->softmax_again(pieces + cut, n - cut, 0.7f, max, factor);
    ops_equal(k, "softmax again", whole, p, n);
    ops_equal(k, "softmax again in pieces", pieces, p, n);
  }
  float masked[3] = {-INFINITY, NAN, -1e30f};
  const float want[3] = {0, NAN, -0.0f};
  k->softmax_again(masked, 2, 1, 3, 2);
  k->softmax_again(masked + 2, 1, 1, 3, -2);
  ops_equal(k, "softmax again of masks", masked, want, 3);
}

static void products(const svf_ops_kernel *k)
{
  const float a[4] = {1 + 0x1p-12f, INFINITY, NAN, -0.0f}, b[4] = {1 - 0x1p-12f, 0, 1, 1};
  const float want[4] = {-0x1p-24f, NAN, NAN, 7};
  float sum[4] = {-1, 1, 1, 7};
  k->add_products(a, b, 4, sum);
  ops_equal(k, "add_products, one rounding", sum, want, 4);
  exact(k, "dot with NaN", k->dot(a, b, 3), NAN);
  float x[17] = {-1}, y[17] = {1}; /* the first and the last share a lane */
  x[16] = y[16] = 1 + 0x1p-12f;
  exact(k, "dot, one rounding", k->dot(x, y, 17), 0x1p-11f + 0x1p-24f);
}

/* Along x the norm of one element does not change, and adds nothing; x = 0 passes g on. */
static void rmsnorm(const svf_ops_kernel *k)
{
  const float x[2] = {-5, 0}, w[2] = {3, 3}, g[2] = {2, 2};
  float dx[2] = {11, 11}, most = FLT_MAX;
  k->rmsnorm_back(x, w, 1, 0, g, dx);
  k->rmsnorm_back(x + 1, w, 1, 0.25f, g, dx + 1);
  exact(k, "rmsnorm_back along x", dx[0], 11);
  exact(k, "rmsnorm_back of zero", dx[1], 11 + 12);
  k->rmsnorm_back(&most, w, 1, 0, g, dx);
  exact(k, "rmsnorm_back whose square is Inf", dx[0], NAN);
}

static void swiglu(const svf_ops_kernel *k)
{
  static const struct {
    float gate, up, g, dgate, dup;
  } of[] = {
      {0, 3, 2, 3, 0},
      {100, 3, 2, 6, 200},
      {-100, 3, 2, -0.0f, -0.0f},
      {-FLT_MAX, 3, 2, -0.0f, -0.0f},
      {FLT_MAX, 3, 0.5f, 1.5f, FLT_MAX / 2},
      {INFINITY, 3, 2, NAN, INFINITY},
      {-INFINITY, 3, 2, NAN, NAN},
      {NAN, 3, 2, NAN, NAN},
      {0, NAN, 2, NAN, 0},
      {0, 3, NAN, NAN, NAN},
  };
  for (size_t i = 0; i < sizeof of / sizeof *of; ++i) {
    float dgate, dup;
    k->swiglu_back(&of[i].gate, &of[i].up, 1, &of[i].g, &dgate, &dup);
    exact(k, "dgate", dgate, of[i].dgate);
    exact(k, "dup", dup, of[i].dup);
  }
}

/* A quarter and back. */
static void rope(const svf_ops_kernel *k)
{
  float x[MOST], still[MOST], one[MOST / 2], zero[MOST / 2] = {0};
  for (int i = 0; i < MOST; ++i) x[i] = still[i] = (float)(i + 1);
  for (int i = 0; i < MOST / 2; ++i) one[i] = 1;
  k->rope_back(x, zero, one, MOST / 2);
  exact(k, "rope back by a quarter", x[0], still[MOST / 2]);
  k->rope(x, zero, one, MOST / 2);
  ops_equal(k, "rope back by a quarter, and on", x, still, MOST);
}

static void softmax(const svf_ops_kernel *k)
{
  const float p[5] = {1, 0, 0.5f, 0.5f, NAN}, want[5] = {0, 0, -0.5f, 0.5f, NAN};
  float g[5] = {7, 3, 6, 8, 1}, none[2] = {1, 2};
  k->softmax_back(p, 5, 1, 7, g);
  ops_equal(k, "softmax_back", g, (const float[5]){0, -0.0f, want[2], want[3], NAN}, 5);
  k->softmax_back(p, 2, 1, NAN, none);
  ops_expect(isnan(none[0]) && isnan(none[1]), k, "softmax_back, NaN", 0, (double)none[0], 0);
}

/* A NaN in any row, tail or not, makes all of the gradient NaN. */
static void poisoned(const svf_ops_kernel *k)
{
  for (size_t n = 1; n <= 20; ++n) {
    for (size_t at = 0; at < 3 * n; ++at) {
      float rows[3][MOST], dx[MOST] = {0};
      for (size_t i = 0; i < n; ++i) rows[0][i] = rows[1][i] = rows[2][i] = 1;
      rows[at / n][at % n] = NAN;
      k->rmsnorm_back(rows[0], rows[1], n, 1, rows[2], dx);
      for (size_t i = 0; i < n; ++i) {
        ops_expect(isnan(dx[i]), k, "rmsnorm_back with NaN", i, (double)dx[i], (double)NAN);
      }
    }
  }
}

void ops_back(const svf_ops_kernel *kernel)
{
  differences(kernel);
  accuracy(kernel);
  again(kernel);
  products(kernel);
  rmsnorm(kernel);
  swiglu(kernel);
  rope(kernel);
  softmax(kernel);
  poisoned(kernel);
}
