/* SPDX-License-Identifier: Apache-2.0
 *
 * Gate E: what must hold between calls, whatever the arithmetic. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

enum { M = 45, N = 61, R = 53, ROWS = 14 };

typedef float result[ROWS * M];

/* The problem's call with the same gains for every row (NULL: the base model). */
static void with_gains(run *r, const problem *p, const float *gains, result y)
{
  const float *rows[ROWS];
  svf_matmul_args a = p->args;
  size_t bytes;
  for (size_t i = 0; i < ROWS; ++i) rows[i] = gains;
  a.isa = r->isa;
  a.gains = rows;
  a.y = y;
  a.y_stride = M;
  if (svf_matmul_workspace(&a, 1, &bytes) != SVF_OK) abort();
  void *workspace = aligned_alloc(64, bytes);
  if (!workspace || svf_matmul(&a, 1, workspace, bytes) != SVF_OK) abort();
  free(workspace);
}

/* Gains of the paper: d = c * sigma * z, c = sum(sigma) / sum(sigma * z). */
static void gains_of(const float *sigma, const float *z, float *d)
{
  float all = 0, scaled = 0;
  for (size_t k = 0; k < R; ++k) {
    all += sigma[k];
    scaled += sigma[k] * z[k];
  }
  for (size_t k = 0; k < R; ++k) d[k] = all / scaled * (sigma[k] * z[k]);
}

static void identities(run *r, problem *p)
{
  const float *sigma = svf_linear_sigma(p->args.linear);
  float z[R], d[R], twice[R];
  static result base, y, other;

  with_gains(r, p, NULL, base);
  memcpy(d, sigma, sizeof d);
  with_gains(r, p, d, y);
  gate_case(r, memcmp(y, base, sizeof y) == 0, "gains = sigma differ from the base model");

  for (size_t k = 0; k < R; ++k) z[k] = 1.0f + 0.5f * random_float(&r->state);
  gains_of(sigma, z, d);
  with_gains(r, p, d, y);
  gate_case(r, memcmp(y, base, sizeof y) != 0, "an expert equals the base model");
  for (size_t k = 0; k < R; ++k) z[k] *= 2;
  gains_of(sigma, z, twice);
  with_gains(r, p, twice, other);
  gate_case(r, memcmp(y, other, sizeof y) == 0, "z and 2z differ");

  for (size_t k = 0; k < R; ++k) twice[k] = 4 * d[k];
  with_gains(r, p, twice, other);
  bool linear = true;
  for (size_t i = 0; i < ROWS * M; ++i) linear = linear && other[i] == 4 * y[i];
  gate_case(r, linear, "the result is not linear in the gains");

  /* A one-hot mixture 1*d + 0*other is that expert. */
  for (size_t k = 0; k < R; ++k) twice[k] = 1.0f * d[k] + 0.0f * sigma[k];
  with_gains(r, p, twice, other);
  gate_case(r, memcmp(y, other, sizeof y) == 0, "a one-hot mixture differs from its expert");
}

static void zero(run *r, problem *p)
{
  static const float none[ROWS * N];
  static result y;
  problem q = *p;
  q.args.x = none;
  q.args.x_stride = N;
  with_gains(r, &q, NULL, y);
  bool positive = true;
  for (size_t i = 0; i < ROWS * M; ++i) positive = positive && y[i] == 0 && !signbit(y[i]);
  gate_case(r, positive, "x = 0 does not give +0");
}

void gate_identities(run *r)
{
  const spec s = {.format = r->format, .m = M, .n = N, .r = R, .rows = ROWS, .kind = VALUES_RANDOM};
  for (int i = 0; i < 5; ++i) {
    problem p;
    problem_make(&p, &s, &r->state);
    /* A spectrum: positive and descending, so that z = 1 is well conditioned. */
    float *sigma = (float *)(uintptr_t)svf_linear_sigma(p.args.linear);
    for (size_t k = 0; k < R; ++k) sigma[k] = 1.0f / (float)(k + 1);
    identities(r, &p);
    zero(r, &p);
    problem_free(&p);
  }
}
