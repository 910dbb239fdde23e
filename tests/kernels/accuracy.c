/* SPDX-License-Identifier: Apache-2.0
 *
 * Gates B and D against double precision on the same stored inputs.
 *   B  NMSE = mean((y - ref)^2) / mean(ref^2), f32: <= (n + r) * 2^-48
 *   D  delta fidelity: ||(y(z) - y(1)) - ref|| / ||ref||, f32: <= 1e-5 / std(z - 1)
 * The other formats' limits are below. */
#include <math.h>
#include <stdlib.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

/* T in bf16 dominates the error of plain bf16, and drowns what an expert changes. */
static double nmse_limit(svf_format format, size_t n, size_t r)
{
  /* X is uniform, 3; of few rows, 5. T is a product of a Gaussian and a uniform. */
  const double x_crest2 = 5, t_crest2 = 30;
  const double sums = (double)(n + r) * ldexp(1, -48);
  const svf_format_traits t = gate_traits(format);
  if (!t.integer) {
    switch (t.t_precision) {
      case 8: return 8e-6;
      case 16: return sums + ldexp(1, -32); /* lo is rounded to 2^-17 of T */
      default: return sums;
    }
  }
  /* Rounding to steps of a/L has a variance of (a/L)^2 / 12: relative to the mean square
   * x_crest^2 or t_crest^2 / (12 L^2), crest being a over the root of the mean square. */
  const double x_most = t.x_precision > 8 ? 16256.0 : 127.0;
  const double t_most = t.t_precision > 8 ? 16256.0 : 127.0;
  return sums + x_crest2 / (12 * x_most * x_most) + t_crest2 / (12 * t_most * t_most);
}

static double delta_limit(svf_format format, double std)
{
  const svf_format_traits t = gate_traits(format);
  if (!t.integer) {
    switch (t.t_precision) {
      case 8: return 4e-3 / std;  /* 2^-8 of T against std of it */
      case 16: return 2e-5 / std; /* 2^-16 */
      default: return 1e-5 / std;
    }
  }
  /* The largest values of T in a span belong to the first singular values; in plain s8 everything
   * below sqrt(1/12) / 127 of them drowns. */
  if (t.t_precision == 8) return fmin(3e-2 / std, 2);
  if (t.x_precision == 8) return 5e-4 / std + 6e-3; /* what X loses, the change loses, too */
  return 4e-4 / std;
}

static void nmse(run *r, const spec *s)
{
  problem p;
  problem_make(&p, s, &r->state);
  double *ref = malloc(s->rows * s->m * sizeof *ref), error = 0, power = 0;
  if (!ref) abort();
  const oracle_input in = problem_oracle(&p);
  oracle_double(&in, ref);
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  for (size_t i = 0; i < s->rows * s->m; ++i) {
    const double d = (double)problem_y(&p, i / s->m, i % s->m) - ref[i];
    error += d * d;
    power += ref[i] * ref[i];
  }
  const double limit = nmse_limit(r->format, s->n, s->r);
  gate_case(r, error <= limit * power, "m %zu n %zu r %zu rows %zu: NMSE %.3g exceeds %.3g", s->m,
            s->n, s->r, s->rows, error / power, limit);
  free(ref);
  problem_free(&p);
}

static void delta(run *r, double std)
{
  const spec s = {
      .format = r->format, .m = 96, .n = 128, .r = 96, .rows = 9, .kind = VALUES_RANDOM};
  problem p;
  problem_make(&p, &s, &r->state);
  const size_t count = s.rows * s.m;
  float *sigma = (float *)(uintptr_t)svf_linear_sigma(p.args.linear);
  float gains[96];
  const float *rows[9];
  double *base = malloc(2 * count * sizeof *base), *tuned = base + count;
  float *y = malloc(count * sizeof *y);
  if (!base || !y) abort();
  for (size_t k = 0; k < s.r; ++k) {
    /* Uniform on [-1, 1] has standard deviation 1/sqrt(3). */
    sigma[k] = 1.0f / (float)(k + 1);
    gains[k] = sigma[k] * (float)(1 + std * sqrt(3.0) * (double)random_float(&r->state));
  }
  for (size_t i = 0; i < s.rows; ++i) rows[i] = gains;
  oracle_input in = problem_oracle(&p);
  oracle_double(&in, base);
  in.gains = rows;
  oracle_double(&in, tuned);
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  for (size_t i = 0; i < count; ++i) y[i] = problem_y(&p, i / s.m, i % s.m);
  p.args.gains = rows;
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    const double want = tuned[i] - base[i];
    const double got = (double)problem_y(&p, i / s.m, i % s.m) - (double)y[i];
    error += (got - want) * (got - want);
    power += want * want;
  }
  gate_case(r, sqrt(error / power) <= delta_limit(r->format, std),
            "delta at std %g is off by %.3g, limit %.3g", std, sqrt(error / power),
            delta_limit(r->format, std));
  free(base);
  free(y);
  problem_free(&p);
}

void gate_accuracy(run *r)
{
  static const double stds[] = {0.005, 0.02, 0.1};
  const int cases = r->quick ? 4 : 20;
  for (int i = 0; i < cases; ++i) {
    const spec s = {.format = r->format,
                    .m = 1 + random_below(&r->state, 200),
                    .n = 1 + random_below(&r->state, 600),
                    .r = 1 + random_below(&r->state, 600),
                    .rows = 1 + random_below(&r->state, 20),
                    .kind = VALUES_RANDOM,
                    .bias = i % 2,
                    .gains = true};
    nmse(r, &s);
  }
  for (size_t i = 0; i < sizeof stds / sizeof *stds; ++i) delta(r, stds[i]);
}
