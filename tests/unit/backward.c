/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of the fused matmul is the fused matmul of the transposed layer, packed from the
 * same arrays: with G = dLoss/dY
 *
 *   dX = ((G U) * D) V^T        S = G U        dD[row][k] = S[row][k] * T0[row][k]
 *
 * in every format, against double precision. */
#include <math.h>

#include "tests/unit/suite.h"

enum { M = 150, N = 210, R = 130, ROWS = 11 };

static float u[M * R], vt[R * N], sigma[R], expert[R], x[ROWS * N], g[ROWS * M];
static float y[ROWS * M], dx[ROWS * N], t0[ROWS * R], s[ROWS * R];
static double precise_dx[ROWS * N], precise_dd[R];
static const float *gains[ROWS];
static _Alignas(64) unsigned char block[1 << 19], workspace[1 << 20];

static float noise(void)
{
  static unsigned state = 7;
  float sum = -6; /* of twelve uniform ones: as good as normal */
  for (int i = 0; i < 12; ++i) {
    state = state * 1664525u + 1013904223u;
    sum += (float)(state >> 8) / (1 << 24);
  }
  return sum;
}

static void fill(float *p, size_t count, float scale)
{
  for (size_t i = 0; i < count; ++i) p[i] = scale * noise();
}

static void make_inputs(void)
{
  fill(u, M * R, 1 / sqrtf(M));
  fill(vt, R * N, 1 / sqrtf(N));
  fill(x, ROWS * N, 1);
  fill(g, ROWS * M, 1);
  for (size_t k = 0; k < R; ++k) {
    sigma[k] = 1 / (1 + 0.05f * (float)k);
    expert[k] = sigma[k] * (1 + 0.2f * noise());
  }
  for (size_t row = 0; row < ROWS; ++row) gains[row] = row % 2 ? expert : NULL;
}

/* Straight from the definition; of dD what the rows of the expert add up to. */
static void expect(void)
{
  memset(precise_dx, 0, sizeof precise_dx);
  memset(precise_dd, 0, sizeof precise_dd);
  for (size_t row = 0; row < ROWS; ++row) {
    for (size_t k = 0; k < R; ++k) {
      double sk = 0, tk = 0;
      for (size_t i = 0; i < M; ++i) sk += (double)g[row * M + i] * (double)u[i * R + k];
      for (size_t j = 0; j < N; ++j) tk += (double)x[row * N + j] * (double)vt[k * N + j];
      const double d = (double)(gains[row] ? gains[row][k] : sigma[k]);
      for (size_t j = 0; j < N; ++j) precise_dx[row * N + j] += sk * d * (double)vt[k * N + j];
      if (gains[row]) precise_dd[k] += sk * tk;
    }
  }
}

static void run(const svf_linear_source *from, const float *in, float *out, float *keep)
{
  ck_works(svf_linear_pack(from, block, sizeof block));
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = block,
                             .rows = ROWS,
                             .x = in,
                             .x_stride = (ptrdiff_t)from->n,
                             .gains = gains,
                             .y = out,
                             .y_stride = (ptrdiff_t)from->m,
                             .t0 = keep,
                             .t0_stride = R};
  ck_works(svf_matmul(&a, 2, workspace, sizeof workspace));
}

/* Forwards, then backwards by the transposed layer. */
static void run_both(svf_format format)
{
  const svf_linear_source forward = {.size = sizeof forward,
                                     .m = M,
                                     .n = N,
                                     .r = R,
                                     .format = format,
                                     .u = u,
                                     .u_stride = R,
                                     .vt = vt,
                                     .vt_stride = N,
                                     .sigma = sigma,
                                     .quant.head = format == SVF_FORMAT_W84 ? 64 : 0};
  svf_linear_source back = forward;
  back.m = N;
  back.n = M;
  back.u = vt;
  back.u_stride = 1;
  back.u_step = N;
  back.vt = u;
  back.vt_stride = 1;
  back.vt_step = R;
  run(&forward, x, y, t0);
  run(&back, g, dx, s);
}

static double nmse(const float *got, const double *want, size_t count)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

START_TEST(gradients_of_every_format)
{
  /* Two to four times what they are. */
  static const double limits[SVF_FORMAT_COUNT] = {
      [SVF_FORMAT_F32] = 4e-13, [SVF_FORMAT_BF16] = 3e-5,     [SVF_FORMAT_BF16_SPLIT] = 3e-5,
      [SVF_FORMAT_S8] = 6e-4,   [SVF_FORMAT_S8_SPLIT] = 5e-4, [SVF_FORMAT_W8] = 1.5e-4,
      [SVF_FORMAT_W4] = 0.03,   [SVF_FORMAT_W84] = 0.02};
  make_inputs();
  expect();
  for (int f = 0; f < SVF_FORMAT_COUNT; ++f) {
    float dd[R] = {0};
    run_both((svf_format)f);
    for (size_t row = 1; row < ROWS; row += 2) {
      for (size_t k = 0; k < R; ++k) dd[k] += s[row * R + k] * t0[row * R + k];
    }
    ck_assert_double_le(nmse(dx, precise_dx, ROWS * N), limits[f]);
    ck_assert_double_le(nmse(dd, precise_dd, R), limits[f]);
  }
}
END_TEST

SUITE("backward", gradients_of_every_format)
