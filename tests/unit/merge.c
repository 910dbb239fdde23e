/* SPDX-License-Identifier: Apache-2.0
 *
 * W' = U diag(d) V^T. */
#include <math.h>
#include <stddef.h>

#include "tests/unit/suite.h"

enum { M = 301, N = 70, R = 45, MOST = M * N };

static float u[M * R], vt[R * N], sigma[R], gains[R], want[MOST];
static _Alignas(4) unsigned char out[MOST * 4 + 64];
static _Alignas(64) unsigned char workspace[1 << 20];

static svf_linear_source factors(void)
{
  for (int i = 0; i < M * R; ++i) u[i] = sinf((float)(1 + 7 * i % 1009));
  for (int i = 0; i < R * N; ++i) vt[i] = cosf((float)(1 + 11 * i % 2003));
  for (int k = 0; k < R; ++k) {
    sigma[k] = 1 / (float)(k + 1);
    gains[k] = sigma[k] * (1 + 0.1f * sinf((float)k));
  }
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = M,
                             .n = N,
                             .r = R,
                             .u = u,
                             .u_stride = R,
                             .vt = vt,
                             .vt_stride = N,
                             .sigma = sigma};
}

/* Sets `want` to the documented chain, which must be near the product in double precision. */
static void expect(const float *d)
{
  for (size_t i = 0; i < M; ++i) {
    for (size_t j = 0; j < N; ++j) {
      float sum = 0;
      double precise = 0;
      for (size_t k = 0; k < R; ++k) {
        sum = fmaf(u[i * R + k] * d[k], vt[k * N + j], sum);
        precise += (double)u[i * R + k] * (double)d[k] * (double)vt[k * N + j];
      }
      want[i * N + j] = sum;
      ck_assert_double_eq_tol((double)sum, precise, 1e-5);
    }
  }
}

static svf_merge_args call_of(const svf_linear_source *from)
{
  return (svf_merge_args){
      .size = sizeof(svf_merge_args), .factors = from, .rows = M, .out = out, .out_stride = N};
}

static void merges_to_want(const svf_merge_args *a, size_t threads)
{
  size_t bytes;
  ck_works(svf_merge_workspace(a, threads, &bytes));
  ck_assert_uint_le(bytes, sizeof workspace);
  memset(workspace, 0xff, sizeof workspace);
  memset(out, 0x5a, sizeof out);
  ck_works(svf_merge_rows(a, threads, workspace, bytes));
  ck_assert_mem_eq(out, want, sizeof want);
  ck_filled(out + sizeof want, sizeof out - sizeof want, 0x5a);
  ck_filled(workspace + bytes, sizeof workspace - bytes, 0xff);
}

START_TEST(one_chain_on_every_instruction_set)
{
  const svf_linear_source from = factors();
  svf_merge_args a = call_of(&from);
  const svf_isa best = svf_isa_selected();
  expect(sigma);
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    if (!svf_isa_supported(svf_isa_at(i))) continue;
    ck_works(svf_isa_select(svf_isa_at(i)));
    for (size_t threads = 0; threads < 4; ++threads) merges_to_want(&a, threads);
  }
  ck_works(svf_isa_select(best));
  a.gains = gains;
  expect(gains);
  merges_to_want(&a, 2);
}
END_TEST

/* Factors in columns, and sigma left to the gains. */
START_TEST(transposed_factors)
{
  static float ut[R * M], v[N * R];
  svf_linear_source from = factors();
  for (size_t i = 0; i < M; ++i) {
    for (size_t k = 0; k < R; ++k) ut[k * M + i] = u[i * R + k];
  }
  for (size_t k = 0; k < R; ++k) {
    for (size_t j = 0; j < N; ++j) v[j * R + k] = vt[k * N + j];
  }
  from.u = ut;
  from.vt = v;
  from.u_stride = from.vt_stride = 1;
  from.u_step = M;
  from.vt_step = R;
  from.sigma = NULL;
  svf_merge_args a = call_of(&from);
  a.gains = gains;
  expect(gains);
  merges_to_want(&a, 1);
  a.gains = NULL;
  ck_fails(svf_merge_rows(&a, 1, workspace, sizeof workspace), SVF_ERR_NULL, "sigma");
}
END_TEST

/* Rows in pieces, the last one first, of two experts in turn; V is laid out once. */
START_TEST(pieces)
{
  svf_linear_source from = factors();
  svf_merge_args a = call_of(&from);
  size_t bytes;
  a.rows = 100;
  ck_works(svf_merge_workspace(&a, 2, &bytes));
  for (int expert = 0; expert < 2; ++expert) {
    a.gains = expert ? gains : NULL;
    expect(expert ? gains : sigma);
    memset(out, 0x5a, sizeof out);
    for (size_t piece = 4; piece-- > 0;) {
      a.first_row = piece * 100;
      a.rows = piece < 3 ? 100 : M - 300;
      a.out = out + piece * 100 * N * sizeof(float);
      ck_works(svf_merge_rows(&a, 2, workspace, bytes));
      a.flags = SVF_MERGE_CONTINUE;
      from.vt = u; /* not looked at again */
    }
    ck_assert_mem_eq(out, want, sizeof want);
  }
  from.n = N - 1;
  ck_fails(svf_merge_rows(&a, 2, workspace, bytes), SVF_ERR_ARGUMENT, "holds no V of n = 69");
  memset(workspace, 0, sizeof workspace);
  from.n = N;
  ck_fails(svf_merge_rows(&a, 2, workspace, bytes), SVF_ERR_ARGUMENT, "holds no V");
}
END_TEST

/* bf16 in and out, with gaps between the rows. */
START_TEST(bf16)
{
  static uint16_t ub[M * R], vb[R * N], rounded[MOST];
  svf_linear_source from = factors();
  svf_f32_to_bf16(u, ub, M * R);
  svf_f32_to_bf16(vt, vb, R * N);
  svf_bf16_to_f32(ub, u, M * R);
  svf_bf16_to_f32(vb, vt, R * N);
  expect(sigma);
  svf_f32_to_bf16(want, rounded, MOST);
  from.u_type = from.vt_type = SVF_DTYPE_BF16;
  from.u = ub;
  from.vt = vb;
  svf_merge_args a = call_of(&from);
  a.out_type = SVF_DTYPE_BF16;
  a.out_stride = N + 3;
  memset(out, 0x5a, sizeof out);
  ck_works(svf_merge_rows(&a, 3, workspace, sizeof workspace));
  const size_t row = (N + 3) * sizeof *rounded;
  for (size_t i = 0; i < M; ++i) ck_assert_mem_eq(out + i * row, rounded + i * N, 2 * N);
  for (size_t i = 0; i + 1 < M; ++i) {
    ck_filled(out + i * row + 2 * N, row - 2 * N, 0x5a);
  }
}
END_TEST

#define REFUSED(change, status, words)                                           \
  do {                                                                           \
    svf_linear_source from = factors();                                          \
    svf_merge_args a = call_of(&from);                                           \
    change;                                                                      \
    memset(out, 0x5a, sizeof out);                                               \
    ck_fails(svf_merge_rows(&a, 1, workspace, sizeof workspace), status, words); \
    ck_filled(out, sizeof out, 0x5a);                                            \
  } while (0)

START_TEST(misuse)
{
  REFUSED(a.size = offsetof(svf_merge_args, flags), SVF_ERR_VERSION, "args->size is");
  REFUSED(a.factors = NULL, SVF_ERR_NULL, "args->factors is NULL");
  REFUSED(from.size = 0, SVF_ERR_VERSION, "args->factors: source->size is 0");
  REFUSED(from.m = 0, SVF_ERR_ARGUMENT, "m is 0");
  REFUSED(from.n = 0, SVF_ERR_ARGUMENT, "is 0");
  REFUSED(from.r = 0, SVF_ERR_ARGUMENT, "r is 0");
  REFUSED(from.u = NULL, SVF_ERR_NULL, "args->factors: source->u");
  REFUSED(from.vt_stride = N - 1, SVF_ERR_ARGUMENT, "vt_stride");
  REFUSED(a.first_row = 1, SVF_ERR_ARGUMENT, "first_row is 1, rows 301");
  REFUSED(a.first_row = SIZE_MAX, SVF_ERR_ARGUMENT, "there are m = 301");
  REFUSED(a.out_type = (svf_dtype)7, SVF_ERR_ARGUMENT, "out_type is 7");
  REFUSED(a.out = NULL, SVF_ERR_NULL, "args->out is NULL");
  REFUSED(a.out = out + 1, SVF_ERR_ALIGNMENT, "args->out");
  REFUSED(a.out_stride = N - 1, SVF_ERR_ARGUMENT, "out_stride is 69, less than n = 70");
  REFUSED(a.out_stride = SIZE_MAX / 4, SVF_ERR_OVERFLOW, "args->out");
  REFUSED(a.gains = (const float *)(const void *)((const char *)gains + 1), SVF_ERR_ALIGNMENT,
          "args->gains");
  REFUSED(a.flags = 2, SVF_ERR_ARGUMENT, "flags is 0x2");

  const svf_linear_source from = factors();
  svf_merge_args a = call_of(&from);
  size_t bytes = 77;
  ck_fails(svf_merge_rows(NULL, 1, workspace, sizeof workspace), SVF_ERR_NULL, "args is NULL");
  ck_fails(svf_merge_workspace(&a, 1, NULL), SVF_ERR_NULL, "bytes is NULL");
  ck_fails(svf_merge_workspace(NULL, 1, &bytes), SVF_ERR_NULL, "args is NULL");
  ck_fails(svf_merge_workspace(&a, SIZE_MAX / 2, &bytes), SVF_ERR_OVERFLOW, "nth = ");
  ck_assert_uint_eq(bytes, 77);
  ck_works(svf_merge_workspace(&a, 1, &bytes));
  ck_fails(svf_merge_rows(&a, 1, workspace, bytes - 1), SVF_ERR_SPACE, "workspace has");
  ck_fails(svf_merge_rows(&a, 1, NULL, bytes), SVF_ERR_NULL, "workspace is NULL");
  ck_works(svf_merge_rows(&a, 1, workspace + 4, bytes));
  a.rows = 0;
  a.out = NULL;
  ck_works(svf_merge_rows(&a, 1, NULL, 0));
}
END_TEST

SUITE("merge", one_chain_on_every_instruction_set, transposed_factors, pieces, bf16, misuse)
