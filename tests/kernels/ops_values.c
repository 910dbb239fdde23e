/* SPDX-License-Identifier: Apache-2.0
 *
 * Row operations against double precision. Limits are in units of EPSILON, the distance of floats
 * at 1. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "kernels/ref/exp.h"
#include "src/core/ops.h"
#include "tests/kernels/ops.h"
#include "tests/kernels/rng.h"

#define EPSILON ((double)FLT_EPSILON)

enum { LONGEST = 151936 }; /* a vocabulary */

/* The error that every operation may have, besides what is said where it is compared. */
static const double rmsnorm_limit = 3, swiglu_limit = 4, softmax_limit = 4, sum_limit = 4;
static const double exp_limit = 1;

/* The error that a sum of n positive terms may have if one term outweighs all others and every
 * addition is rounded the same way: half a unit each, in a run of terms, in a lane, in the fold. */
static double worst_sum(size_t n)
{
  const size_t lines = (n < SVF_SUM_LENGTH ? n : SVF_SUM_LENGTH) / SVF_OPS_LANES;
  return sum_limit + (double)(lines + n / SVF_SUM_LENGTH) / 2;
}

static double larger(double x, double y) { return x > y ? x : y; }

static void rmsnorm(const svf_ops_kernel *k, const ops_rows *r)
{
  const float eps = 1e-3f;
  double sum = 0;
  for (size_t i = 0; i < r->n; ++i) sum += (double)r->a[i] * (double)r->a[i];
  k->rmsnorm(r->a, r->b, r->n, eps, r->y);
  for (size_t i = 0; i < r->n; ++i) {
    const double y = (double)r->a[i] / sqrt(sum / (double)r->n + (double)eps) * (double)r->b[i];
    ops_close(k, "rmsnorm", i, (double)r->y[i], y, rmsnorm_limit * EPSILON * fabs(y) + 1e-44);
  }
}

static void swiglu(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu(r->a, r->b, r->n, r->y);
  for (size_t i = 0; i < r->n; ++i) {
    const double g = (double)r->a[i], y = g / (1 + exp(-g)) * (double)r->b[i];
    ops_close(k, "swiglu", i, (double)r->y[i], y, swiglu_limit * EPSILON * fabs(y) + 1e-35);
  }
}

/* Each product and the sum are rounded once. */
static void rope(const svf_ops_kernel *k, const ops_rows *r)
{
  const size_t half = r->n / 2;
  for (size_t i = 0; i < r->n; ++i) r->y[i] = r->a[i];
  k->rope(r->y, r->b, r->c, half);
  for (size_t i = 0; i < half; ++i) {
    const double a = (double)r->a[i], b = (double)r->a[i + half];
    const double c = (double)r->b[i], s = (double)r->c[i];
    ops_close(k, "rope", i, (double)r->y[i], a * c - b * s, EPSILON * (fabs(a * c) + fabs(b * s)));
    ops_close(k, "rope", i + half, (double)r->y[i + half], b * c + a * s,
              EPSILON * (fabs(b * c) + fabs(a * s)));
  }
}

/* Of the scores as rounded to float; the difference to their maximum is rounded once more. */
static void softmax(const svf_ops_kernel *k, const ops_rows *r)
{
  const float scale = 0.3f;
  double max = -INFINITY, sum = 0;
  for (size_t i = 0; i < r->n; ++i) {
    const volatile float s = scale * r->a[i];
    r->c[i] = s;
    r->y[i] = r->a[i];
    max = larger(max, (double)s);
  }
  for (size_t i = 0; i < r->n; ++i) sum += exp((double)r->c[i] - max);
  float got_max = NAN;
  const double inverse = (double)k->softmax(r->y, r->n, scale, &got_max);
  ops_close(k, "maximum of softmax", r->n, (double)got_max, max, 0);
  ops_close(k, "inverse of softmax", r->n, inverse * sum, 1, (softmax_limit + 1) * EPSILON);
  for (size_t i = 0; i < r->n; ++i) {
    const double below = max - (double)r->c[i], y = exp(-below) / sum;
    ops_close(k, "softmax", i, (double)r->y[i], y,
              (softmax_limit + below / 2) * EPSILON * y + (double)FLT_MIN);
  }
}

static void sum_exp(const svf_ops_kernel *k, const ops_rows *r, double limit)
{
  double max = -INFINITY, sum = 0;
  float got_max = NAN;
  for (size_t i = 0; i < r->n; ++i) max = larger(max, (double)r->a[i]);
  for (size_t i = 0; i < r->n; ++i) sum += exp((double)r->a[i] - max);
  const double got = (double)k->sum_exp(r->a, r->n, &got_max);
  ops_close(k, "maximum", r->n, (double)got_max, max, 0);
  ops_close(k, "sum_exp", r->n, got, sum, limit * EPSILON * sum);
  if (svf_isa_supported(k->isa) && svf_isa_select(k->isa) == SVF_OK) {
    ops_close(k, "log_sum_exp", r->n, svf_log_sum_exp(r->a, r->n), max + log(sum), limit * EPSILON);
  }
  (void)svf_isa_select(SVF_ISA_AUTO);
}

/* One large term and many small ones, each of which is next to nothing beside it. */
static void peaked(const svf_ops_kernel *k, const ops_rows *r)
{
  for (size_t i = 0; i < r->n; ++i) r->a[i] = -18;
  r->a[0] = 0;
  sum_exp(k, r, worst_sum(r->n));
}

void ops_accuracy(const svf_ops_kernel *kernel)
{
  static const size_t sizes[] = {1, 2, 15, 16, 17, 64, 576, 1000, 4096 + 3, LONGEST};
  float *memory = calloc(LONGEST, 4 * sizeof *memory);
  if (!memory) abort();
  uint64_t state = 2;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    const ops_rows r = {memory, memory + LONGEST, memory + (size_t)2 * LONGEST,
                        memory + (size_t)3 * LONGEST, sizes[s]};
    for (size_t i = 0; i < r.n; ++i) {
      r.a[i] = random_below(&state, 20) ? 5 * random_float(&state) : 87 * random_float(&state);
      r.b[i] = random_float(&state);
      r.c[i] = random_float(&state);
    }
    rmsnorm(kernel, &r);
    swiglu(kernel, &r);
    rope(kernel, &r);
    sum_exp(kernel, &r, sum_limit);
    softmax(kernel, &r);
    peaked(kernel, &r);
  }
  free(memory);
}

/* From -0 to where exp is 0, a prime apart: every low bit takes part. Vectors have the same
 * bits. */
void ops_exp(void)
{
  float x = -0.0f;
  uint32_t bits;
  for (memcpy(&bits, &x, sizeof bits); x >= EXP_LEAST; bits += 251) {
    memcpy(&x, &bits, sizeof x);
    const double want = x < EXP_LEAST ? 0 : exp((double)x);
    int exponent;
    (void)frexp(want, &exponent); /* want is in [1/2, 1) * 2^exponent */
    const double ulp = ldexp(EPSILON, exponent - 1);
    ops_close(&svf_ops_ref, "exp of bits", bits, (double)exp_ref(x), want, exp_limit * ulp);
  }
}
