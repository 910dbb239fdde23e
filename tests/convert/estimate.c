/* SPDX-License-Identifier: Apache-2.0
 *
 * The estimated errors of factors, compared with their known ones. */
#include <math.h>

#include <svf/svd.h>

#include "src/convert/estimate.h"
#include "tests/unit/suite.h"

typedef struct factors {
  float *w;
  svf_factors f;
} factors;

/* A random W and its factors at a rank; u is [m][rank]. */
static factors factorise(size_t m, size_t n, size_t rank, svf_svd_report *report)
{
  const size_t k = m < n ? m : n;
  unsigned seed = 1;
  factors all = {.w = malloc(m * n * sizeof(float)),
                 .f = {.u = malloc(m * rank * sizeof(float)),
                       .sigma = malloc(k * sizeof(float)),
                       .vt = malloc(k * n * sizeof(float)),
                       .k = rank,
                       .rank = rank}};
  for (size_t i = 0; i < m * n; ++i) {
    seed = seed * 1664525u + 1013904223u;
    all.w[i] = (float)(seed >> 8) / 8388608.0f - 1;
  }
  ck_works(svf_svd(&(svf_svd_args){.size = sizeof(svf_svd_args),
                                   .m = m,
                                   .n = n,
                                   .w = all.w,
                                   .w_stride = n,
                                   .rank = rank,
                                   .u = all.f.u,
                                   .sigma = all.f.sigma,
                                   .vt = all.f.vt,
                                   .report = report}));
  return all;
}

static void release(factors *all)
{
  free(all->w);
  free(all->f.u);
  free(all->f.sigma);
  free(all->f.vt);
}

static void scale(float *x, size_t count, float by)
{
  for (size_t i = 0; i < count; ++i) x[i] *= by;
}

START_TEST(near_what_multiplying_out_says)
{
  static const size_t shapes[][3] = {{90, 40, 40}, {40, 90, 40}, {130, 97, 30}, {97, 130, 1}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
    const size_t m = shapes[i][0], n = shapes[i][1], rank = shapes[i][2];
    svf_svd_report exact = {.size = sizeof exact}, got;
    factors all = factorise(m, n, rank, &exact);
    ck_works(svf_estimate(all.w, m, n, &all.f, &got));
    ck_assert_double_eq_tol(got.residual / exact.residual, 1, 0.25);
    ck_assert_double_le(got.orthogonality_u, 1e-5);
    ck_assert_double_le(got.orthogonality_v, 1e-5);
    release(&all);
  }
}
END_TEST

/* (1.1 U)^T (1.1 U) - I = 0.21 I, (0.9 V)^T (0.9 V) - I = -0.19 I, and 0.99 W is left of W. */
START_TEST(known_errors)
{
  static const size_t shapes[][2] = {{90, 40}, {40, 90}};
  for (size_t i = 0; i < 2; ++i) {
    const size_t m = shapes[i][0], n = shapes[i][1];
    svf_svd_report got;
    factors all = factorise(m, n, 40, NULL);
    scale(all.f.u, m * 40, 1.1f);
    scale(all.f.vt, 40 * n, 0.9f);
    ck_works(svf_estimate(all.w, m, n, &all.f, &got));
    ck_assert_double_eq_tol(got.orthogonality_u, 0.21, 1e-4);
    ck_assert_double_eq_tol(got.orthogonality_v, 0.19, 1e-4);
    ck_assert_double_eq_tol(got.residual, 0.01, 0.003);
    ck_assert_double_eq(got.dropped, 0);
    all.f.rank = 30; /* of sigma alone */
    double lost = 0, whole = 0;
    for (int k = 30; k < 40; ++k) lost += (double)all.f.sigma[k] * (double)all.f.sigma[k];
    for (size_t k = 0; k < m * n; ++k) whole += (double)all.w[k] * (double)all.w[k];
    ck_works(svf_estimate(all.w, m, n, &all.f, &got));
    ck_assert_double_eq_tol(got.dropped, sqrt(lost / whole), 1e-9);
    release(&all);
  }
}
END_TEST

SUITE("estimate", near_what_multiplying_out_says, known_errors)
