/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of attention against double precision, from the definition, for every instruction set,
 * with scratch of exactly the size that is asked for. */
#include "src/train/attention_back.h"

#include <math.h>

#include <svf/cpu.h>

#include "src/core/dispatch.h"
#include "tests/unit/suite.h"

enum { MOST = 100, WIDEST = 64, HEADS = 40 };

static float q[MOST * HEADS * WIDEST], dout[MOST * HEADS * WIDEST], out[MOST * HEADS * WIDEST];
static float k[MOST * WIDEST], v[MOST * WIDEST];
static float dq[MOST * HEADS * WIDEST], dk[MOST * WIDEST], dv[MOST * WIDEST];
static double want_dq[MOST * HEADS * WIDEST], want_dk[MOST * WIDEST], want_dv[MOST * WIDEST];

static void fill(float *x, size_t n)
{
  static unsigned state = 3;
  for (size_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 8) / (1 << 23) - 1;
  }
}

/* Row i and query head h: also makes `out`. */
static void expect_row(const svf_attention_back_task *t, size_t i, size_t h)
{
  const size_t dim = t->dim, at = i * t->q_stride + h * dim;
  const size_t first = t->window > 0 && i + 1 > t->window ? i + 1 - t->window : 0;
  double p[MOST], dp[MOST], sum = 0, dot = 0, scale = 1 / sqrt((double)dim);
  for (size_t j = first; j <= i; ++j) {
    double s = 0;
    for (size_t e = 0; e < dim; ++e) s += (double)q[at + e] * (double)k[j * t->kv_stride + e];
    sum += p[j] = exp(scale * s);
  }
  for (size_t e = 0; e < dim; ++e) {
    double o = 0;
    for (size_t j = first; j <= i; ++j) o += p[j] / sum * (double)v[j * t->kv_stride + e];
    out[at + e] = (float)o;
  }
  for (size_t j = first; j <= i; ++j) {
    p[j] /= sum;
    dp[j] = 0;
    for (size_t e = 0; e < dim; ++e) {
      dp[j] += (double)dout[at + e] * (double)v[j * t->kv_stride + e];
      want_dv[j * t->kv_stride + e] += p[j] * (double)dout[at + e];
    }
    dot += p[j] * dp[j];
  }
  for (size_t e = 0; e < dim; ++e) want_dq[at + e] = 0;
  for (size_t j = first; j <= i; ++j) {
    const double ds = scale * p[j] * (dp[j] - dot);
    for (size_t e = 0; e < dim; ++e) {
      want_dq[at + e] += ds * (double)k[j * t->kv_stride + e];
      want_dk[j * t->kv_stride + e] += ds * (double)q[at + e];
    }
  }
}

static void ck_near(const float *got, const double *want, size_t rows, size_t stride, size_t width)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t e = 0; e < width; ++e) {
      const double d = (double)got[i * stride + e] - want[i * stride + e];
      error += d * d;
      power += want[i * stride + e] * want[i * stride + e];
    }
  }
  ck_assert_double_le(sqrt(error), 1e-5 * sqrt(power) + 1e-5);
}

static void check(const svf_attention *a, size_t count, size_t dim, size_t window)
{
  const size_t heads = a->heads_per_kv, floats = svf_attention_back_scratch(a, count, dim);
  const svf_attention_back_task t = {.count = count,
                                     .dim = dim,
                                     .window = window,
                                     .q_stride = heads * dim,
                                     .kv_stride = dim,
                                     .q = q,
                                     .k = k,
                                     .v = v,
                                     .out = out,
                                     .dout = dout,
                                     .dq = dq,
                                     .dk = dk,
                                     .dv = dv};
  float *scratch = aligned_alloc(64, (floats * sizeof *scratch + 63) / 64 * 64);
  ck_assert_ptr_nonnull(scratch);
  memset(scratch, 0xff, floats * sizeof *scratch); /* NaN: shows what is read unwritten */
  memset(want_dk, 0, sizeof want_dk);
  memset(want_dv, 0, sizeof want_dv);
  for (size_t i = 0; i < count; ++i) {
    for (size_t h = 0; h < heads; ++h) expect_row(&t, i, h);
  }
  svf_attention_back(a, &t, scratch);
  ck_near(dq, want_dq, count, heads * dim, heads * dim);
  ck_near(dk, want_dk, count, dim, dim);
  ck_near(dv, want_dv, count, dim, dim);
  free(scratch);
}

START_TEST(every_shape)
{
  static const size_t counts[] = {1, 2, 7, 16, 17, 33, MOST}, dims[] = {2, 8, 20, WIDEST};
  static const size_t per_kv[] = {1, 3, 8, HEADS};
  int tried = 0;
  fill(q, sizeof q / sizeof *q);
  fill(k, sizeof k / sizeof *k);
  fill(v, sizeof v / sizeof *v);
  fill(dout, sizeof dout / sizeof *dout);
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    svf_attention a = {.ops = svf_dispatch_ops()};
    const svf_isa isa = svf_isa_at(i);
    if (svf_dispatch(isa, SVF_FORMAT_F32, 0, 1, &a.kernel) != SVF_OK) continue;
    if (a.kernel->isa != isa) continue;
    ++tried;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; ++c) {
      for (size_t d = 0; d < sizeof dims / sizeof *dims; ++d) {
        for (size_t h = 0; h < sizeof per_kv / sizeof *per_kv; ++h) {
          if (per_kv[h] == HEADS && counts[c] > 20) continue; /* slow in double */
          a.heads_per_kv = per_kv[h];
          a.scale = (float)(1 / sqrt((double)dims[d]));
          check(&a, counts[c], dims[d], 0);
          check(&a, counts[c], dims[d], 5);
        }
      }
    }
  }
  ck_assert_int_ge(tried, 2);
}
END_TEST

SUITE("train_attention_back", every_shape)
