/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of experts: what must be the same bits, what must be near, and what is refused. */
#include <float.h>
#include <math.h>
#include <stdint.h>

#include "tests/unit/suite.h"

enum { R = 1000 };

static float sigma[R], z[R], other[R], out[R], again[R];

static uint32_t state = 1;

/* In [0, 1). */
static float uniform(void)
{
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) * 0x1p-24f;
}

/* A spectrum that falls by five decades, down to denormals at its end, and two experts. */
static void fill(void)
{
  for (size_t i = 0; i < R; ++i) {
    sigma[i] = 10 * (1 + uniform()) * powf(10, -5 * (float)i / R);
    z[i] = 0.5f + uniform();
    other[i] = 2 * uniform() - 0.5f;
  }
  sigma[R - 2] = 0x1.23p-140f;
  sigma[R - 1] = 0;
  z[3] = -0.0f;
  z[4] = 0x1p-60f;
  other[5] = -0.0f;
}

static void same(const float *a, const float *b) { ck_assert_mem_eq(a, b, R * sizeof *a); }

START_TEST(a_uniform_z_is_the_base)
{
  static const float constants[] = {1,       3,        0.1f,  0.7f,    0x1.fffffep-1f,
                                    FLT_MAX, 1.0f / 3, -0.3f, FLT_MIN, 1e-42f};
  fill();
  for (size_t c = 0; c < sizeof constants / sizeof *constants; ++c) {
    for (size_t i = 0; i < R; ++i) z[i] = constants[c];
    ck_works(svf_gains(sigma, R, z, true, out));
    same(out, sigma);
  }
  for (size_t i = 0; i < R; ++i) z[i] = 1;
  ck_works(svf_gains(sigma, R, z, false, out));
  same(out, sigma);
}
END_TEST

START_TEST(the_size_of_z_does_not_matter)
{
  fill();
  ck_works(svf_gains(sigma, R, z, true, out));
  for (int power = -20; power <= 100; power += 30) {
    for (size_t i = 0; i < R; ++i) other[i] = ldexpf(z[i], power);
    ck_works(svf_gains(sigma, R, other, true, again));
    same(out, again);
  }
  for (size_t i = 0; i < R; ++i) other[i] = 1.7f * z[i];
  ck_works(svf_gains(sigma, R, other, true, again));
  for (size_t i = 0; i < R; ++i) ck_assert_float_le(fabsf(out[i] - again[i]), 2e-7f * sigma[i]);
}
END_TEST

/* Against long double; the trace norm is that of the base. */
START_TEST(gains_are_rounded_once)
{
  fill();
  for (int normalise = 0; normalise < 2; ++normalise) {
    long double base = 0, sum = 0, c = 1, total = 0;
    for (size_t i = 0; i < R; ++i) {
      base += (long double)sigma[i];
      sum += (long double)sigma[i] * (long double)z[i];
    }
    if (normalise) c = base / sum;
    ck_works(svf_gains(sigma, R, z, normalise, out));
    for (size_t i = 0; i < R; ++i) {
      const long double want = c * (long double)sigma[i] * (long double)z[i];
      const long double half = fabsl(want) * 0x1.0001p-24L + 0x1p-150L;
      ck_assert(fabsl((long double)out[i] - want) <= half);
      total += (long double)out[i];
    }
    if (normalise) ck_assert(fabsl(total / base - 1) < 1e-7L);
  }
}
END_TEST

START_TEST(gains_in_place)
{
  fill();
  ck_works(svf_gains(sigma, R, z, true, out));
  memcpy(again, z, sizeof again);
  ck_works(svf_gains(sigma, R, again, true, again));
  same(out, again);
}
END_TEST

START_TEST(a_zero_matrix_has_zero_gains)
{
  const float zero[3] = {0, 0, 0}, any[3] = {1, -1, 0};
  ck_works(svf_gains(zero, 3, any, true, out));
  for (size_t i = 0; i < 3; ++i) ck_assert_float_eq(out[i], 0);
}
END_TEST

START_TEST(gains_refuse)
{
  const float s[3] = {2, 1, 1}, cancel[3] = {1, -1, -1}, zero[3] = {0, 0, 0};
  const float near[3] = {1, -1, -1 - 0x1p-23f}, one[3] = {1, 1, 1};
  const float tenths[3] = {0.1f, 0.2f, 0.3f}, noise[3] = {3, 3, -3.0f};
  ck_fails(svf_gains(NULL, 3, s, true, out), SVF_ERR_NULL, "sigma");
  ck_fails(svf_gains(s, 3, NULL, true, out), SVF_ERR_NULL, "z is");
  ck_fails(svf_gains(s, 3, s, true, NULL), SVF_ERR_NULL, "gains");
  ck_fails(svf_gains(s, 0, s, true, out), SVF_ERR_ARGUMENT, "r is 0");
  ck_fails(svf_gains(s, 3, zero, true, out), SVF_ERR_NUMERIC, "normalised");
  ck_fails(svf_gains(s, 3, cancel, true, out), SVF_ERR_NUMERIC, "normalised");
  ck_works(svf_gains(s, 3, cancel, false, out));
  ck_works(svf_gains(s, 3, near, true, out)); /* exactly known, so large but right */
  ck_assert_float_eq(out[0], -0x1p26f);
  ck_works(svf_gains(tenths, 3, noise, true, out)); /* 0.1f + 0.2f is not 0.3f */
  const float negative[3] = {2, -1, 1}, nan[3] = {1, NAN, 1}, huge[3] = {FLT_MAX, 1, 1};
  ck_fails(svf_gains(negative, 3, one, true, out), SVF_ERR_NUMERIC, "sigma[1] is -1");
  ck_fails(svf_gains(nan, 3, one, true, out), SVF_ERR_NUMERIC, "sigma[1] is");
  ck_fails(svf_gains(s, 3, nan, true, out), SVF_ERR_NUMERIC, "z[1] is");
  ck_fails(svf_gains(s, 3, huge, false, out), SVF_ERR_NUMERIC, "gains[0]");
  ck_works(svf_gains(s, 3, huge, true, out));
}
END_TEST

/* Terms that cancel but for the rounding of their sum. */
START_TEST(gains_refuse_noise)
{
  double sum = 0;
  for (size_t i = 0; i < R; ++i) sigma[i] = 0.1f + uniform();
  for (size_t i = 0; i < R; ++i) {
    z[i] = i < R / 2 ? sigma[R - 1 - i] : -sigma[R - 1 - i];
    sum += (double)sigma[i] * (double)z[i];
  }
  ck_assert_double_ne(sum, 0);
  ck_works(svf_gains(sigma, R, z, false, out));
  ck_fails(svf_gains(sigma, R, z, true, out), SVF_ERR_NUMERIC, "normalised");
}
END_TEST

START_TEST(parametrisations)
{
  const float p[5] = {0, 0.1f, -200, 200, 1e-30f};
  ck_works(svf_z_from_parameters(SVF_PARAMETERS_DIRECT, p, NAN, out, 5));
  ck_assert_mem_eq(out, p, sizeof p);
  ck_works(svf_z_from_parameters(SVF_PARAMETERS_SIGMOID, p, 2, out, 5));
  ck_assert_float_eq(out[0], 1);
  ck_assert_float_eq(out[1], (float)(2 / (1 + exp(-(double)p[1]))));
  ck_assert_float_ge(out[2], 0);
  ck_assert_float_le(out[2], FLT_MIN);
  ck_assert_float_eq(out[3], 2);
  ck_assert_float_eq(out[4], 1);
  memcpy(again, p, sizeof p);
  ck_works(svf_z_from_parameters(SVF_PARAMETERS_SIGMOID, again, 2, again, 5));
  ck_assert_mem_eq(out, again, sizeof p);
  /* an untrained expert, p = const, is the base */
  fill();
  for (size_t i = 0; i < R; ++i) z[i] = 0.1f;
  ck_works(svf_z_from_parameters(SVF_PARAMETERS_SIGMOID, z, 1, z, R));
  ck_works(svf_gains(sigma, R, z, true, out));
  same(out, sigma);
  ck_assert_str_eq(svf_parametrisation_name(SVF_PARAMETERS_DIRECT), "direct");
  ck_assert_str_eq(svf_parametrisation_name(SVF_PARAMETERS_SIGMOID), "sigmoid");
  ck_assert_str_eq(svf_parametrisation_name((svf_parametrisation)9), "?");
  ck_assert_str_eq(svf_parametrisation_name((svf_parametrisation)-1), "?");
  svf_parametrisation kind = SVF_PARAMETERS_DIRECT;
  ck_works(svf_parametrisation_parse("sigmoid", &kind));
  ck_assert_int_eq(kind, SVF_PARAMETERS_SIGMOID);
  ck_works(svf_parametrisation_parse("direct", &kind));
  ck_assert_int_eq(kind, SVF_PARAMETERS_DIRECT);
  ck_fails(svf_parametrisation_parse("tanh", &kind), SVF_ERR_ARGUMENT, ": direct, sigmoid");
  ck_fails(svf_parametrisation_parse(NULL, &kind), SVF_ERR_NULL, "name is NULL");
  ck_fails(svf_parametrisation_parse("direct", NULL), SVF_ERR_NULL, "kind is NULL");
}
END_TEST

START_TEST(parametrisations_refuse)
{
  const float bad[2] = {0, INFINITY}, good[2] = {0, 1};
  const svf_parametrisation sigmoid = SVF_PARAMETERS_SIGMOID;
  ck_fails(svf_z_from_parameters(sigmoid, NULL, 1, out, 2), SVF_ERR_NULL, "p is");
  ck_fails(svf_z_from_parameters(sigmoid, good, 1, NULL, 2), SVF_ERR_NULL, "z is");
  ck_fails(svf_z_from_parameters(sigmoid, good, 1, out, 0), SVF_ERR_ARGUMENT, "r is 0");
  ck_fails(svf_z_from_parameters((svf_parametrisation)7, good, 1, out, 2), SVF_ERR_ARGUMENT,
           "kind is 7");
  ck_fails(svf_z_from_parameters(sigmoid, good, NAN, out, 2), SVF_ERR_ARGUMENT, "scale is");
  ck_fails(svf_z_from_parameters(sigmoid, bad, 1, out, 2), SVF_ERR_NUMERIC, "p[1] is inf");
  ck_fails(svf_z_from_parameters(SVF_PARAMETERS_DIRECT, bad, 1, out, 2), SVF_ERR_NUMERIC, "p[1]");
}
END_TEST

START_TEST(scaling)
{
  fill();
  ck_works(svf_z_scale(1, z, R, out));
  same(out, z);
  for (size_t i = 0; i < R; ++i) other[i] = 1;
  ck_works(svf_z_scale(0, z, R, out));
  same(out, other);
  static const float s[] = {0.3f, 1e30f, -7};
  for (size_t i = 0; i < sizeof s / sizeof *s; ++i) {
    ck_works(svf_z_scale(s[i], other, R, out));
    same(out, other);
  }
  ck_works(svf_z_scale(0.25f, z, R, out));
  for (size_t i = 0; i < R; ++i) {
    ck_assert_float_eq(out[i], (float)(1 + 0.25 * ((double)z[i] - 1)));
  }
  memcpy(again, z, sizeof again);
  ck_works(svf_z_scale(0.25f, again, R, again));
  same(out, again);
}
END_TEST

START_TEST(scaling_refuses)
{
  const float good[2] = {1, FLT_MAX}, bad[2] = {1, NAN};
  ck_fails(svf_z_scale(1, NULL, 2, out), SVF_ERR_NULL, "z is");
  ck_fails(svf_z_scale(1, good, 2, NULL), SVF_ERR_NULL, "out is");
  ck_fails(svf_z_scale(1, good, 0, out), SVF_ERR_ARGUMENT, "r is 0");
  ck_fails(svf_z_scale(INFINITY, good, 2, out), SVF_ERR_ARGUMENT, "s is inf");
  ck_fails(svf_z_scale(2, good, 2, out), SVF_ERR_NUMERIC, "out[1]");
  ck_fails(svf_z_scale(1, bad, 2, out), SVF_ERR_NUMERIC, "z[1]");
  ck_fails(svf_z_scale(0, bad, 2, out), SVF_ERR_NUMERIC, "z[1]");
}
END_TEST

START_TEST(a_one_hot_mixture_is_that_expert)
{
  fill();
  static float poison[R];
  for (size_t i = 0; i < R; ++i) poison[i] = NAN;
  const float *const experts[4] = {z, other, NULL, poison};
  for (size_t hot = 0; hot < 3; ++hot) {
    float alpha[4] = {0, -0.0f, 0, 0};
    alpha[hot] = 1;
    ck_works(svf_mix(experts, 4, alpha, R, out));
    for (size_t i = 0; i < R; ++i) again[i] = 1;
    same(out, experts[hot] ? experts[hot] : again);
  }
}
END_TEST

START_TEST(mixtures_are_sums_in_order)
{
  fill();
  const float *const experts[3] = {z, NULL, other};
  const float alpha[3] = {0.7f, -0.1f, 0.4f};
  ck_works(svf_mix(experts, 3, alpha, R, out));
  for (size_t i = 0; i < R; ++i) {
    double sum = (double)alpha[0] * (double)z[i];
    sum += (double)alpha[1];
    sum += (double)alpha[2] * (double)other[i];
    ck_assert_float_eq(out[i], (float)sum);
  }
  memcpy(again, z, sizeof again);
  const float *const in_place[3] = {again, NULL, other};
  ck_works(svf_mix(in_place, 3, alpha, R, again));
  same(out, again);
}
END_TEST

START_TEST(mixtures_refuse)
{
  const float good[2] = {1, FLT_MAX}, bad[2] = {1, NAN};
  const float *const experts[2] = {good, bad};
  const float half[2] = {0.5f, 0.5f}, zero[2] = {0, -0.0f}, nan[2] = {1, NAN}, two[2] = {2, 0};
  ck_fails(svf_mix(NULL, 2, half, 2, out), SVF_ERR_NULL, "z is");
  ck_fails(svf_mix(experts, 2, NULL, 2, out), SVF_ERR_NULL, "alpha is");
  ck_fails(svf_mix(experts, 2, half, 2, NULL), SVF_ERR_NULL, "out is");
  ck_fails(svf_mix(experts, 0, half, 2, out), SVF_ERR_ARGUMENT, "experts is 0");
  ck_fails(svf_mix(experts, 2, half, 0, out), SVF_ERR_ARGUMENT, "r is 0");
  ck_fails(svf_mix(experts, 2, nan, 2, out), SVF_ERR_ARGUMENT, "alpha[1]");
  ck_fails(svf_mix(experts, 2, zero, 2, out), SVF_ERR_NUMERIC, "nothing to mix");
  ck_fails(svf_mix(experts, 2, half, 2, out), SVF_ERR_NUMERIC, "out[1]");
  ck_fails(svf_mix(experts, 2, two, 2, out), SVF_ERR_NUMERIC, "out[1]");
}
END_TEST

/* --- Gradients -------------------------------------------------------------------------------- */

/* A loss of the gains of some parameters: sum of weights times gains, in double. */
typedef struct loss {
  svf_parametrisation kind;
  float scale;
  bool normalise;
} loss;

static double loss_of(const loss *l, const double *p)
{
  double sum = 0, base = 0, total = 0;
  for (size_t i = 0; i < R; ++i) {
    const double value =
        l->kind == SVF_PARAMETERS_DIRECT ? p[i] : (double)l->scale / (1 + exp(-p[i]));
    base += (double)sigma[i];
    sum += (double)sigma[i] * value;
    total += (double)other[i] * (double)sigma[i] * value;
  }
  return l->normalise ? total * base / sum : total;
}

START_TEST(gradients_of_parameters)
{
  static double at[R];
  double worst = 0;
  for (int form = 0; form < 4; ++form) {
    const loss l = {form & 1 ? SVF_PARAMETERS_SIGMOID : SVF_PARAMETERS_DIRECT, 2.5f, form >= 2};
    double along = 0, size = 0;
    fill();
    for (size_t i = 0; i < R; ++i) at[i] = (double)z[i];
    ck_works(svf_z_from_parameters(l.kind, z, l.scale, again, R));
    ck_works(svf_gains_gradient(sigma, R, again, l.normalise, other, out));
    for (size_t i = 0; i < R; ++i) {
      along += (double)again[i] * (double)out[i];
      size += fabs((double)again[i] * (double)out[i]);
    }
    if (l.normalise) ck_assert_double_le(fabs(along), 1e-6 * size);
    ck_works(svf_parameters_gradient(l.kind, z, l.scale, out, out, R));
    for (size_t i = 0; i < R; i += 7) {
      const double x = at[i], h = 1e-4;
      at[i] = x + h;
      const double above = loss_of(&l, at);
      at[i] = x - h;
      const double slope = (above - loss_of(&l, at)) / (2 * h);
      at[i] = x;
      const double error = fabs((double)out[i] - slope);
      ck_assert_double_le(error, 1e-6 * fabs(slope) + 1e-8);
      worst = error > worst ? error : worst;
    }
  }
  ck_assert_double_gt(worst, 0);
}
END_TEST

START_TEST(gradients_refuse)
{
  const float one[2] = {1, 2}, nan[2] = {1, NAN}, minus[2] = {2, -1}, zero[2] = {0, 0};
  float d[2] = {5, 5};
  ck_fails(svf_gains_gradient(NULL, 2, one, true, one, d), SVF_ERR_NULL, "sigma is");
  ck_fails(svf_gains_gradient(one, 2, NULL, true, one, d), SVF_ERR_NULL, "z is");
  ck_fails(svf_gains_gradient(one, 2, one, true, NULL, d), SVF_ERR_NULL, "dgains is");
  ck_fails(svf_gains_gradient(one, 2, one, true, one, NULL), SVF_ERR_NULL, "dz is");
  ck_fails(svf_gains_gradient(one, 0, one, true, one, d), SVF_ERR_ARGUMENT, "r is 0");
  ck_fails(svf_gains_gradient(one, 2, minus, true, one, d), SVF_ERR_NUMERIC, "normalised");
  ck_fails(svf_gains_gradient(one, 2, one, false, nan, d), SVF_ERR_NUMERIC, "dgains[1]");
  ck_works(svf_gains_gradient(zero, 2, one, true, one, d));
  ck_assert(d[0] == 0 && d[1] == 0);
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_DIRECT, NULL, 1, one, d, 2), SVF_ERR_NULL,
           "p is");
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_DIRECT, one, 1, NULL, d, 2), SVF_ERR_NULL,
           "dz is");
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_DIRECT, one, 1, one, NULL, 2), SVF_ERR_NULL,
           "dp is");
  ck_fails(svf_parameters_gradient((svf_parametrisation)9, one, 1, one, d, 2), SVF_ERR_ARGUMENT,
           "kind");
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_SIGMOID, one, NAN, one, d, 2), SVF_ERR_ARGUMENT,
           "scale");
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_SIGMOID, nan, 1, one, d, 2), SVF_ERR_NUMERIC,
           "p[1]");
  ck_fails(svf_parameters_gradient(SVF_PARAMETERS_DIRECT, one, 1, nan, d, 2), SVF_ERR_NUMERIC,
           "dz[1]");
}
END_TEST

SUITE("gains", a_uniform_z_is_the_base, the_size_of_z_does_not_matter, gains_are_rounded_once,
      gains_in_place, a_zero_matrix_has_zero_gains, gains_refuse, gains_refuse_noise,
      parametrisations, parametrisations_refuse, scaling, scaling_refuses,
      a_one_hot_mixture_is_that_expert, mixtures_are_sums_in_order, mixtures_refuse,
      gradients_of_parameters, gradients_refuse)
