/* SPDX-License-Identifier: Apache-2.0
 *
 * What a call will need, asked before there are arrays: the same as for the call itself. */
#include <stddef.h>

#include "tests/unit/suite.h"

enum { M = 200, N = 600, R = 130, ROWS = 300, WORKSPACE = 1 << 25 };

static float u[M * N], vt[R * N], sigma[R], x[ROWS * N], y[SVF_MATMUL_GROUP_MAX * ROWS * M];
static _Alignas(64) unsigned char block[SVF_MATMUL_GROUP_MAX][1 << 21], workspace[WORKSPACE];

static svf_linear_source layer(svf_format format, size_t r)
{
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = M,
                             .n = N,
                             .r = r,
                             .format = format,
                             .quant.head = format == SVF_FORMAT_W84 ? 64 : 0};
}

static size_t stages_of(const svf_plan *plan)
{
  size_t count = 0;
  for (int stage = svf_matmul_next_stage(plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(plan, stage + 1)) {
    ++count;
  }
  return count;
}

static void pack(svf_linear_source s, void *to, size_t capacity)
{
  s.u = u;
  s.u_stride = s.r > 0 ? s.r : s.n;
  s.vt = s.r > 0 ? vt : NULL;
  s.vt_stride = s.n;
  s.sigma = s.r > 0 ? sigma : NULL;
  ck_works(svf_linear_pack(&s, to, capacity));
}

static void check(const svf_linear_source *layers, size_t count, size_t rows, svf_dtype type,
                  svf_isa isa, size_t nth)
{
  svf_matmul_shape shapes[SVF_MATMUL_GROUP_MAX];
  svf_matmul_args calls[SVF_MATMUL_GROUP_MAX];
  svf_matmul_needs needs = {.size = sizeof needs};
  size_t bytes;
  svf_plan plan;
  for (size_t i = 0; i < count; ++i) {
    shapes[i] = (svf_matmul_shape){
        .size = sizeof *shapes, .layer = &layers[i], .rows = rows, .x_type = type, .isa = isa};
    calls[i] = (svf_matmul_args){.size = sizeof *calls,
                                 .linear = block[i],
                                 .rows = rows,
                                 .x_type = type,
                                 .x = x,
                                 .x_stride = N,
                                 .y = y + i * ROWS * M,
                                 .y_stride = M,
                                 .isa = isa};
  }
  ck_works(svf_matmul_query(shapes, count, nth, &needs));
  ck_works(svf_matmul_group_workspace(calls, count, nth, &bytes));
  ck_assert_uint_eq(needs.workspace_bytes, bytes);
  ck_assert_uint_le(bytes, sizeof workspace);
  ck_works(svf_matmul_group_plan(&plan, calls, count, nth, workspace, bytes));
  ck_assert_uint_eq(needs.stages, stages_of(&plan));
}

START_TEST(needs_are_those_of_the_call)
{
  static const size_t rows[] = {0, 1, 2, 9, 40, ROWS}, shares[] = {1, 2, 5, 16};
  for (size_t f = 0; f < svf_format_count(); ++f) {
    const svf_format format = svf_format_at(f);
    const svf_linear_source layers[] = {layer(format, R), layer(SVF_FORMAT_W8, 0)};
    for (size_t i = 0; i < 2; ++i) pack(layers[i], block[i], sizeof block[i]);
    for (size_t n = 0; n <= svf_isa_count(); ++n) {
      if (!svf_isa_supported(svf_isa_at(n))) continue;
      for (size_t i = 0; i < sizeof rows / sizeof *rows * 4; ++i) {
        for (int type = 0; type < 2; ++type) {
          const svf_dtype x_type = type ? SVF_DTYPE_BF16 : SVF_DTYPE_F32;
          for (size_t count = 1; count <= 2; ++count) {
            check(layers, count, rows[i / 4], x_type, svf_isa_at(n), shares[i % 4]);
          }
        }
      }
    }
  }
}
END_TEST

START_TEST(refused)
{
  const svf_linear_source good = layer(SVF_FORMAT_F32, R),
                          other = {.size = sizeof other, .m = 3, .n = 7};
  svf_matmul_shape s[2];
  svf_matmul_needs needs = {.size = sizeof needs};
  for (int i = 0; i < 2; ++i) {
    s[i] = (svf_matmul_shape){.size = sizeof *s, .layer = &good, .rows = 5};
  }
  ck_works(svf_matmul_query(s, 2, 3, &needs));
  ck_fails(svf_matmul_query(NULL, 1, 1, &needs), SVF_ERR_NULL, "shapes is NULL");
  ck_fails(svf_matmul_query(s, 1, 1, NULL), SVF_ERR_NULL, "needs is NULL");
  ck_fails(svf_matmul_query(s, 0, 1, &needs), SVF_ERR_ARGUMENT, "count is 0");
  ck_fails(svf_matmul_query(s, 5, 1, &needs), SVF_ERR_ARGUMENT, "count is 5");
  ck_fails(svf_matmul_query(s, 1, 0, &needs), SVF_ERR_ARGUMENT, "nth is 0");
  s[1].layer = &other;
  ck_fails(svf_matmul_query(s, 2, 1, &needs), SVF_ERR_ARGUMENT, "shapes[1]: n of its layer is 7");
  s[1].layer = NULL;
  ck_fails(svf_matmul_query(s, 2, 1, &needs), SVF_ERR_NULL, "shapes[1]: layer is NULL");
  s[1].layer = &good;
  s[1].x_type = (svf_dtype)99;
  ck_fails(svf_matmul_query(s, 2, 1, &needs), SVF_ERR_ARGUMENT, "shapes[1]: x_type is 99");
  s[1].x_type = SVF_DTYPE_F32;
  s[1].rows = 6;
  ck_fails(svf_matmul_query(s, 2, 1, &needs), SVF_ERR_ARGUMENT, "shapes[1]: rows is 6, shapes[0]");
  s[0].rows = SIZE_MAX;
  ck_fails(svf_matmul_query(s, 1, 1, &needs), SVF_ERR_OVERFLOW, "rows = ");
  s[0].size = 3;
  ck_fails(svf_matmul_query(s, 1, 1, &needs), SVF_ERR_VERSION, "shapes[0].size");
  s[0] = s[1];
  needs.size = 1;
  ck_fails(svf_matmul_query(s, 1, 1, &needs), SVF_ERR_VERSION, "needs->size");
}
END_TEST

SUITE("query", needs_are_those_of_the_call, refused)
