/* SPDX-License-Identifier: Apache-2.0
 *
 * AdamW against PyTorch (adamw.py), and schedules. */
#include "src/train/adamw.h"

#include <math.h>
#include <string.h>

#include "tests/unit/suite.h"

enum { N = 4 };

typedef struct state {
  float p[N], mean[N], square[N];
  svf_adamw a;
} state;

static void begin(state *s, const float *p)
{
  *s = (state){.a = {.n = N}};
  memcpy(s->p, p, sizeof s->p);
  s->a.p = s->p;
  s->a.mean = s->mean;
  s->a.square = s->square;
}

START_TEST(as_pytorch)
{
  static const float from[N] = {1, 0.5f, -2, 3};
  static const double want[N] = {0.9459766193255632, 0.5467736997389988, -2.0043608177768895,
                                 2.9850299700149967};
  const svf_adamw_options o = {
      .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.1, .clip = 0.4};
  state s;
  begin(&s, from);
  for (int step = 0; step < 5; ++step) {
    const float g[N] = {0.1f * (float)(step + 1), -0.2f, step % 2 ? -0.3f : 0.3f, 0};
    const double norm = svf_adamw_step(&s.a, &o, 1, g);
    ck_assert_double_eq_tol(norm, sqrt((double)(g[0] * g[0] + g[1] * g[1] + g[2] * g[2])), 1e-7);
  }
  for (size_t i = 0; i < N; ++i) ck_assert_double_eq_tol((double)s.p[i], want[i], 1e-6);
  ck_assert_uint_eq(s.a.step, 5);
}
END_TEST

/* Decay draws towards the base model, which a z of 1 is. */
START_TEST(decay_towards_the_base)
{
  static const float from[N] = {2, 0, 1, -1}, zero[N] = {0};
  svf_adamw_options o = svf_adamw_defaults();
  state s;
  begin(&s, from);
  o.rate = 0.5;
  o.decay = 0.5;
  ck_assert_double_eq(svf_adamw_step(&s.a, &o, 1, zero), 0);
  for (size_t i = 0; i < N; ++i) ck_assert_float_eq(s.p[i], from[i] - 0.25f * (from[i] - 1));
}
END_TEST

START_TEST(a_gradient_that_is_not_finite)
{
  static const float from[N] = {2, 0, 1, -1}, bad[N] = {0, NAN, 1, 2},
                     large[N] = {1, INFINITY, 0, 0};
  const svf_adamw_options o = svf_adamw_defaults();
  state s;
  begin(&s, from);
  ck_assert(!isfinite(svf_adamw_step(&s.a, &o, 1, bad)));
  ck_assert(!isfinite(svf_adamw_step(&s.a, &o, 1, large)));
  ck_assert_mem_eq(s.p, from, sizeof from);
  ck_assert_float_eq(s.mean[2], 0);
  ck_assert_uint_eq(s.a.step, 0);
}
END_TEST

START_TEST(schedules)
{
  const svf_schedule constant = {0}, warm = {.warm_up = 4}, all = {100, 4, 0.1};
  for (uint64_t step = 0; step < 9; ++step) {
    ck_assert_double_eq(svf_schedule_at(&constant, step), 1);
    ck_assert_double_eq(svf_schedule_at(&warm, step), step < 4 ? (double)(step + 1) / 4 : 1);
  }
  ck_assert_double_eq(svf_schedule_at(&all, 0), 0.25);
  ck_assert_double_eq(svf_schedule_at(&all, 4), 1);
  ck_assert_double_eq_tol(svf_schedule_at(&all, 52), 0.55, 1e-12);
  ck_assert_double_eq_tol(svf_schedule_at(&all, 99), 0.1, 1e-3);
  ck_assert_double_eq(svf_schedule_at(&all, 100), 0.1);
  ck_assert_double_eq(svf_schedule_at(&all, 1000), 0.1);
}
END_TEST

SUITE("train_adamw", as_pytorch, decay_towards_the_base, a_gradient_that_is_not_finite, schedules)
