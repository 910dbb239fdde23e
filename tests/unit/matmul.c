/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments of a call: what is refused, with which status and message, and that nothing is
 * written. */
#include <limits.h>

#include "tests/unit/small_layer.h"

enum { STAGES = 4 }; /* at present */

/* Every way to carry out a call refuses it alike. */
static void refused(const svf_matmul_args *a, svf_status status, const char *words)
{
  const svf_pool pool = {.size = sizeof pool, .threads = 1};
  svf_plan plan;
  memset(y, 0x5a, sizeof y);
  memset(&plan, 0x5a, sizeof plan);
  ck_fails(svf_matmul(a, 1, workspace, sizeof workspace), status, words);
  ck_fails(svf_matmul(a, 2, workspace, sizeof workspace), status, words);
  ck_fails(svf_matmul_plan(&plan, a, 3, workspace, sizeof workspace), status, words);
  ck_fails(svf_matmul_pool(a, &pool, workspace, sizeof workspace), SVF_ERR_NULL, "pool->run");
  ck_filled(y, sizeof y, 0x5a);
  ck_filled(&plan, sizeof plan, 0x5a);
}

#define REFUSED(change, status, words) \
  do {                                 \
    svf_matmul_args a = valid_call();  \
    change;                            \
    refused(&a, status, words);        \
  } while (0)

START_TEST(bad_arguments)
{
  refused(NULL, SVF_ERR_NULL, "args is NULL");
  REFUSED(a.size = 0, SVF_ERR_VERSION, "args->size is 0");
  REFUSED(a.size = offsetof(svf_matmul_args, isa), SVF_ERR_VERSION, "args->size");
  REFUSED(a.linear = NULL, SVF_ERR_NULL, "args->linear");
  REFUSED(a.linear = block + 1, SVF_ERR_MAGIC, "magic");
  REFUSED(a.x = NULL, SVF_ERR_NULL, "args->x is NULL");
  REFUSED(a.y = NULL, SVF_ERR_NULL, "args->y is NULL");
  REFUSED(a.x_type = (svf_dtype)5, SVF_ERR_ARGUMENT, "args->x_type is 5");
  REFUSED(a.y_type = (svf_dtype)5, SVF_ERR_ARGUMENT, "args->y_type is 5");
  REFUSED(a.x = (const char *)x + 2, SVF_ERR_ALIGNMENT, "args->x");
  REFUSED(a.y = (char *)y + 1, SVF_ERR_ALIGNMENT, "args->y");
  REFUSED(a.bias = (const float *)(const void *)((const char *)bias + 3), SVF_ERR_ALIGNMENT,
          "args->bias");
  REFUSED(a.y_stride = M - 1, SVF_ERR_ARGUMENT, "args->y_stride is 19");
  REFUSED(a.y_stride = 1 - M, SVF_ERR_ARGUMENT, "args->y_stride is -19");
  REFUSED(a.y_stride = 0, SVF_ERR_ARGUMENT, "overlap");
  REFUSED(a.y_stride = PTRDIFF_MAX / 2, SVF_ERR_OVERFLOW, "args->y");
  REFUSED(a.y_stride = PTRDIFF_MIN, SVF_ERR_OVERFLOW, "args->y");
  REFUSED(a.y_stride = PTRDIFF_MAX / 4 / (ROWS - 1) + 1, SVF_ERR_OVERFLOW, "args->y: ");
  REFUSED(a.x_stride = PTRDIFF_MAX, SVF_ERR_OVERFLOW, "args->x");
  REFUSED(a.x_stride = PTRDIFF_MIN, SVF_ERR_OVERFLOW, "args->x");
  REFUSED(a.flags = 6, SVF_ERR_ARGUMENT, "args->flags is 0x6");
  REFUSED(a.isa = (svf_isa)77, SVF_ERR_UNSUPPORTED, "isa is");
  REFUSED(a.isa = (svf_isa)-1, SVF_ERR_UNSUPPORTED, "isa is");
  REFUSED(a.rows = SIZE_MAX / 8, SVF_ERR_OVERFLOW, "rows = ");
}
END_TEST

/* A caller of a later version, with a member that this library does not know. */
START_TEST(newer_callers)
{
  struct {
    svf_matmul_args args;
    size_t unknown;
  } newer = {.args = valid_call()};
  struct {
    svf_pool pool;
    size_t unknown;
  } pool = {.pool = {.size = sizeof pool, .threads = 1}};
  newer.args.size = sizeof newer;
  ck_works(svf_matmul(&newer.args, 1, workspace, sizeof workspace));
  ck_fails(svf_matmul_pool(&newer.args, &pool.pool, workspace, sizeof workspace), SVF_ERR_NULL,
           "pool->run");
  pool.unknown = 1;
  ck_fails(svf_matmul_pool(&newer.args, &pool.pool, workspace, sizeof workspace), SVF_ERR_VERSION,
           "pool->size is");
  pool.pool.size = 8;
  ck_fails(svf_matmul_pool(&newer.args, &pool.pool, workspace, sizeof workspace), SVF_ERR_VERSION,
           "pool->size is 8");
  newer.unknown = 1;
  refused(&newer.args, SVF_ERR_VERSION, "args->size is");
}
END_TEST

START_TEST(bad_blocks)
{
  svf_matmul_args a = valid_call();
  svf_linear_header *h = (svf_linear_header *)(void *)block;
  h->version = 7;
  refused(&a, SVF_ERR_VERSION, "version 7");
  a = valid_call();
  h->magic[3] = 0;
  refused(&a, SVF_ERR_MAGIC, "magic");
  a = valid_call();
  h->checksum = 0;
  refused(&a, SVF_ERR_CORRUPT, "sealed");
}
END_TEST

START_TEST(a_dense_layer_has_no_gains)
{
  static const float w[4] = {1, 2, 3, 4}, in[2] = {5, 6};
  static _Alignas(64) unsigned char dense[512];
  const float *const base[1] = {NULL};
  float out[2] = {0};
  const svf_linear_source s = {.size = sizeof s, .m = 2, .n = 2, .u = w, .u_stride = 2};
  ck_works(svf_linear_pack(&s, dense, sizeof dense));
  svf_matmul_args a = {.size = sizeof a, .linear = dense, .rows = 1, .x = in, .y = out};
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  ck_assert(out[0] == 17 && out[1] == 39);
  a.gains = base;
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_ARGUMENT, "dense");
}
END_TEST

START_TEST(bad_workspaces)
{
  const svf_matmul_args a = valid_call();
  size_t bytes = 77;
  svf_plan plan;
  ck_fails(svf_matmul_workspace(&a, 1, NULL), SVF_ERR_NULL, "bytes is NULL");
  ck_fails(svf_matmul_workspace(NULL, 1, &bytes), SVF_ERR_NULL, "args is NULL");
  ck_fails(svf_matmul_workspace(&a, 0, &bytes), SVF_ERR_ARGUMENT, "nth is 0");
  ck_fails(svf_matmul_workspace(&a, SIZE_MAX / 2, &bytes), SVF_ERR_OVERFLOW, "nth = ");
  ck_assert_uint_eq(bytes, 77);
  ck_works(svf_matmul_workspace(&a, 1, &bytes));
  ck_fails(svf_matmul(&a, 1, workspace, bytes - 1), SVF_ERR_SPACE, "workspace has");
  ck_fails(svf_matmul(&a, 1, NULL, bytes), SVF_ERR_NULL, "workspace is NULL");
  ck_fails(svf_matmul_plan(NULL, &a, 1, workspace, bytes), SVF_ERR_NULL, "plan");
  ck_fails(svf_matmul_plan(&plan, &a, 0, workspace, bytes), SVF_ERR_ARGUMENT, "nth is 0");
  ck_fails(svf_matmul_pool(&a, NULL, workspace, bytes), SVF_ERR_NULL, "pool is NULL");
}
END_TEST

static void check_growth(svf_matmul_args *a, size_t most)
{
  for (size_t nth = 1; nth <= 9; nth += 4) {
    size_t before = 0;
    for (a->rows = 0; a->rows < most; ++a->rows) {
      size_t bytes;
      ck_works(svf_matmul_workspace(a, nth, &bytes));
      ck_assert_uint_ge(bytes, before);
      ck_assert_uint_eq(bytes % SVF_MATMUL_WORKSPACE_ALIGNMENT, 0);
      ck_assert(a->rows > 0 || bytes == 0);
      before = bytes;
    }
  }
}

static void check_growth_of(svf_linear_source s, size_t most)
{
  size_t bytes;
  ck_works(svf_linear_bytes(&s, &bytes));
  void *layer = aligned_alloc(SVF_LINEAR_ALIGNMENT, bytes);
  ck_works(svf_linear_pack(&s, layer, bytes));
  for (size_t i = 0; i <= svf_isa_count(); ++i) { /* beyond them is AUTO */
    svf_matmul_args a = {.size = sizeof a, .linear = layer, .isa = svf_isa_at(i)};
    if (svf_isa_supported(a.isa)) check_growth(&a, most);
  }
  free(layer);
}

/* Kernels change with the number of rows, too, and partial sums of wide layers have a limit. */
START_TEST(workspace_grows_with_rows)
{
  static const size_t wide[] = {20000, 40000, 160000};
  float *column = calloc(160000, sizeof *column);
  for (size_t f = 0; f < svf_format_count(); ++f) {
    svf_linear_source s = valid_source();
    svf_format_traits t = {.size = sizeof t};
    s.format = svf_format_at(f);
    ck_works(svf_format_get_traits(s.format, &t));
    check_growth_of(s, 700);
    s.quant.group = t.group_count > 1 ? 128 : 0;
    check_growth_of(s, 70);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; ++i) {
      check_growth_of((svf_linear_source){.size = sizeof(svf_linear_source),
                                          .m = wide[i],
                                          .n = 1,
                                          .u = column,
                                          .u_stride = 1,
                                          .format = t.dense},
                      70);
    }
  }
  free(column);
}
END_TEST

START_TEST(no_rows_is_nothing_to_do)
{
  svf_matmul_args a = valid_call();
  svf_plan plan;
  size_t bytes;
  a.rows = 0;
  a.x = NULL;
  a.y = NULL;
  a.gains = NULL;
  ck_works(svf_matmul_workspace(&a, 2, &bytes));
  ck_works(svf_matmul(&a, 2, workspace, bytes));
  ck_works(svf_matmul_plan(&plan, &a, 2, workspace, bytes));
  ck_assert_int_eq(svf_matmul_next_stage(&plan, 0), -1);
  for (int stage = 0; stage < STAGES; ++stage) svf_matmul_stage(&plan, stage, 0);
}
END_TEST

START_TEST(stages_out_of_range_do_nothing)
{
  const svf_matmul_args a = valid_call();
  svf_plan plan;
  ck_works(svf_matmul_plan(&plan, &a, 2, workspace, sizeof workspace));
  memset(y, 0x5a, sizeof y);
  svf_matmul_stage(NULL, 0, 0);
  svf_matmul_stage(&plan, -1, 0);
  svf_matmul_stage(&plan, INT_MIN, 0);
  svf_matmul_stage(&plan, INT_MAX, 0);
  svf_matmul_stage(&plan, STAGES, 0);
  for (int stage = 0; stage < STAGES; ++stage) {
    svf_matmul_stage(&plan, stage, 2);
    svf_matmul_stage(&plan, stage, SIZE_MAX);
  }
  ck_assert_int_eq(svf_matmul_next_stage(NULL, 0), -1);
  ck_assert_int_eq(svf_matmul_next_stage(&plan, STAGES), -1);
  ck_assert_int_eq(svf_matmul_next_stage(&plan, INT_MAX), -1);
  ck_filled(y, sizeof y, 0x5a);
}
END_TEST

/* The stages that a call has, as bits. */
static unsigned stages_of(svf_format format, size_t rows, size_t nth)
{
  enum { N_LARGE = 4096, R_LARGE = 512 };
  static float large[R_LARGE * N_LARGE], large_y[16 * 64], ones[R_LARGE];
  const svf_linear_source s = {.size = sizeof s,
                               .m = 16,
                               .n = N_LARGE,
                               .r = R_LARGE,
                               .u = large,
                               .u_stride = R_LARGE,
                               .vt = large,
                               .vt_stride = N_LARGE,
                               .sigma = ones,
                               .format = format};
  svf_matmul_args a = {.size = sizeof a, .rows = rows, .x = large, .y = large_y, .y_stride = 16};
  size_t bytes, workspace_bytes;
  ck_works(svf_linear_bytes(&s, &bytes));
  void *layer = aligned_alloc(SVF_LINEAR_ALIGNMENT, bytes);
  ck_assert_ptr_nonnull(layer);
  ck_works(svf_linear_pack(&s, layer, bytes));
  a.linear = layer;
  ck_works(svf_matmul_workspace(&a, nth, &workspace_bytes));
  void *space = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, workspace_bytes);
  ck_assert_ptr_nonnull(space);
  svf_plan plan;
  ck_works(svf_matmul_plan(&plan, &a, nth, space, workspace_bytes));
  unsigned bits = 0;
  for (int stage = 0; (stage = svf_matmul_next_stage(&plan, stage)) >= 0; ++stage) {
    ck_assert_int_lt(stage, STAGES);
    bits |= 1u << stage;
  }
  free(space);
  free(layer);
  return bits;
}

/* A is made by every share for itself where waiting for it would cost more; spans of T are packed
 * by the first product where its shares have whole ones. */
START_TEST(stages_that_are_needed)
{
  enum { X = 1, PRODUCTS = 2 | 8, T = 4 };
  ck_assert_uint_eq(stages_of(SVF_FORMAT_F32, 64, 2), X | PRODUCTS);
  ck_assert_uint_eq(stages_of(SVF_FORMAT_BF16, 64, 3), X | PRODUCTS);
  ck_assert_uint_eq(stages_of(SVF_FORMAT_S8, 64, 1), X | PRODUCTS);
  ck_assert_uint_eq(stages_of(SVF_FORMAT_S8, 64, 2), X | PRODUCTS);
  ck_assert_uint_eq(stages_of(SVF_FORMAT_S8, 16, 11), X | T | PRODUCTS);
  ck_assert_uint_eq(stages_of(SVF_FORMAT_S8, 4, 11), X | PRODUCTS);
}
END_TEST

START_TEST(selftest_runs)
{
  int executed = 0;
  ck_works(svf_selftest(SVF_ISA_AUTO, &executed));
  ck_assert_int_ge(executed, 1);
  ck_works(svf_selftest(SVF_ISA_REF, NULL));
  ck_fails(svf_selftest((svf_isa)77, &executed), SVF_ERR_UNSUPPORTED, "isa is");
  ck_assert_uint_ge(svf_max_threads(), 1);
}
END_TEST

SUITE("matmul", bad_arguments, newer_callers, bad_blocks, a_dense_layer_has_no_gains,
      bad_workspaces, workspace_grows_with_rows, no_rows_is_nothing_to_do,
      stages_out_of_range_do_nothing, stages_that_are_needed, selftest_runs)
