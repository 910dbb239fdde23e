/* SPDX-License-Identifier: Apache-2.0
 *
 * Several layers on one X: the bits of single calls, what is shared and how it is divided, and what
 * is refused. */
#include <math.h>
#include <stddef.h>

#include "src/matmul/call.h"
#include "tests/unit/suite.h"

enum { N = 300, ROWS = 70, M_MOST = 200, R_MOST = 160, CALLS = SVF_MATMUL_GROUP_MAX, EXPERTS = 2 };

static float u[M_MOST * N], vt[R_MOST * N], sigma[R_MOST], x[ROWS * N], bias[M_MOST];
static float experts[EXPERTS][R_MOST];
static const float *gains[ROWS];

/* One layer of a group and what it makes. */
typedef struct layer {
  size_t m, r;
  svf_format format;
  bool gains, bias, accumulate, keep, bf16;
} layer;

typedef struct result {
  float y[ROWS * (M_MOST + 3)], t0[ROWS * (R_MOST + 1)];
} result;

static result single[CALLS], grouped[CALLS];
static _Alignas(64) unsigned char block[CALLS][1 << 19], workspace[1 << 22];
static svf_matmul_args calls[CALLS];

static void fill_inputs(void)
{
  for (size_t i = 0; i < M_MOST * N; ++i) u[i] = sinf((float)(i % 7919));
  for (size_t i = 0; i < R_MOST * N; ++i) vt[i] = cosf((float)(i % 6007));
  for (size_t i = 0; i < ROWS * N; ++i) x[i] = sinf((float)(3 * i % 9001));
  for (size_t i = 0; i < M_MOST; ++i) bias[i] = (float)i;
  for (size_t k = 0; k < R_MOST; ++k) {
    sigma[k] = 1 / (float)(k + 1);
    for (size_t e = 0; e < EXPERTS; ++e)
      experts[e][k] = sigma[k] * (1 + 0.1f * (float)(k % (e + 2)));
  }
  for (size_t i = 0; i < ROWS; ++i) gains[i] = i % 3 < EXPERTS ? experts[i % 3] : NULL;
}

/* A call of the layer on `rows` rows of X whose results go to `to`. */
static svf_matmul_args call_of(const layer *l, size_t i, size_t rows, svf_isa isa, result *to)
{
  const size_t k = l->r > 0 ? l->r : N;
  const svf_linear_source s = {.size = sizeof s,
                               .m = l->m,
                               .n = N,
                               .r = l->r,
                               .format = l->format,
                               .u = u,
                               .u_stride = k,
                               .vt = l->r > 0 ? vt : NULL,
                               .vt_stride = N,
                               .sigma = l->r > 0 ? sigma : NULL,
                               .quant.head = l->format == SVF_FORMAT_W84 ? l->r / 128 * 64 : 0};
  ck_works(svf_linear_pack(&s, block[i], sizeof block[i]));
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = block[i],
                           .rows = rows,
                           .x = x,
                           .x_stride = N,
                           .gains = l->gains ? gains : NULL,
                           .bias = l->bias ? bias : NULL,
                           .y_type = l->bf16 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                           .y = to->y,
                           .y_stride = (ptrdiff_t)l->m + 3,
                           .flags = l->accumulate ? SVF_MATMUL_ACCUMULATE : 0,
                           .isa = isa,
                           .t0 = l->keep ? to->t0 : NULL,
                           .t0_stride = (ptrdiff_t)l->r + 1};
}

static void make_calls(const layer *layers, size_t count, size_t rows, svf_isa isa)
{
  for (size_t i = 0; i < count; ++i) calls[i] = call_of(&layers[i], i, rows, isa, &grouped[i]);
}

static void clear(result *results)
{
  for (size_t i = 0; i < CALLS; ++i) memset(&results[i], 0x3e, sizeof *results);
}

static void expect_single(const layer *layers, size_t count)
{
  clear(single);
  for (size_t i = 0; i < count; ++i) {
    svf_matmul_args a = calls[i];
    a.y = single[i].y;
    a.t0 = layers[i].keep ? single[i].t0 : NULL;
    ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  }
}

/* Shares in any order, here the last one first, in a workspace of exactly the size asked for,
 * filled with NaN. */
static void run_parts(size_t count, size_t nth)
{
  svf_plan plan;
  size_t bytes;
  ck_works(svf_matmul_group_workspace(calls, count, nth, &bytes));
  ck_assert_uint_le(bytes, sizeof workspace);
  memset(workspace, 0xff, sizeof workspace);
  clear(grouped);
  ck_works(svf_matmul_group_plan(&plan, calls, count, nth, workspace, bytes));
  for (int stage = svf_matmul_next_stage(&plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(&plan, stage + 1)) {
    for (size_t i = nth; i-- > 0;) svf_matmul_stage(&plan, stage, i);
  }
  size_t end = sizeof workspace;
  while (end > bytes && workspace[end - 1] == 0xff) --end;
  ck_assert_uint_le(end, bytes);
  ck_assert_mem_eq(grouped, single, sizeof single);
}

/* Counts its calls in *self. */
static void run_backwards(void *self, size_t count, void (*task)(void *context, size_t i),
                          void *context)
{
  ++*(size_t *)self;
  for (size_t i = count; i-- > 0;) task(context, i);
}

static void run_pool(size_t count, size_t nth)
{
  size_t bytes, runs = 0;
  const svf_pool pool = {.size = sizeof pool, .threads = nth, .run = run_backwards, .self = &runs};
  ck_works(svf_matmul_group_workspace(calls, count, nth, &bytes));
  memset(workspace, 0xff, bytes);
  clear(grouped);
  ck_works(svf_matmul_group_pool(calls, count, &pool, workspace, bytes));
  ck_assert_mem_eq(grouped, single, sizeof single);
  ck_assert_uint_ge(runs, 1);
}

static void check_group(const layer *layers, size_t count, size_t rows)
{
  static const size_t parts[] = {1, 2, 3, 5, 16};
  for (size_t n = 0; n <= svf_isa_count(); ++n) { /* beyond them is AUTO */
    const svf_isa isa = svf_isa_at(n);
    if (!svf_isa_supported(isa)) continue;
    make_calls(layers, count, rows, isa);
    expect_single(layers, count);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
      run_parts(count, parts[i]);
      run_pool(count, parts[i]);
    }
    for (size_t threads = 0; threads < 3; ++threads) {
      clear(grouped);
      ck_works(svf_matmul_group(calls, count, threads, workspace, sizeof workspace));
      ck_assert_mem_eq(grouped, single, sizeof single);
    }
  }
}

START_TEST(bits_of_single_calls)
{
  static const size_t rows[] = {1, 3, 9, ROWS};
  static const layer mixed[][CALLS] = {
      {{.m = 100, .r = 90, .gains = true, .keep = true},
       {.m = 33, .r = 0, .bias = true},
       {.m = 17, .r = 160, .gains = true, .accumulate = true, .bf16 = true},
       {.m = 200, .r = 1}},
      {{.m = 100, .r = 0, .format = SVF_FORMAT_W8},
       {.m = 40, .r = 160, .format = SVF_FORMAT_W4, .gains = true, .keep = true},
       {.m = 33, .r = 130, .format = SVF_FORMAT_W84, .gains = true},
       {.m = 20, .r = 50, .format = SVF_FORMAT_S8_SPLIT, .bias = true}},
      {{.m = 48, .r = 40, .format = SVF_FORMAT_BF16_SPLIT, .gains = true},
       {.m = 48, .r = 70, .format = SVF_FORMAT_S8, .keep = true},
       {.m = 48, .r = 70, .format = SVF_FORMAT_BF16, .bf16 = true, .accumulate = true},
       {.m = 48, .r = 0, .format = SVF_FORMAT_S8}},
  };
  fill_inputs();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    for (size_t g = 0; g < sizeof mixed / sizeof *mixed; ++g) {
      for (size_t count = 1; count <= CALLS; ++count) check_group(mixed[g], count, rows[i]);
    }
  }
}
END_TEST

START_TEST(every_format_in_threes)
{
  fill_inputs();
  for (size_t f = 0; f < svf_format_count(); ++f) {
    const layer l = {.m = 100, .r = 130, .format = svf_format_at(f), .gains = true, .keep = true};
    check_group((const layer[]){l, {.m = 33, .r = 64, .format = l.format}, l}, 3, 5);
  }
}
END_TEST

static const svf_plan_data *plan_of(const layer *layers, size_t count, size_t rows, size_t nth,
                                    svf_plan *plan)
{
  make_calls(layers, count, rows, SVF_ISA_AUTO);
  ck_works(svf_matmul_group_plan(plan, calls, count, nth, workspace, sizeof workspace));
  return svf_plan_read(plan);
}

/* Kernels that read X alike share its layout, others have their own; stages are not added up. */
START_TEST(one_layout_of_x)
{
  static const layer alike[] = {{.m = 32, .r = 32, .format = SVF_FORMAT_W8},
                                {.m = 16, .r = 16, .format = SVF_FORMAT_S8},
                                {.m = 32, .r = 0, .format = SVF_FORMAT_W4},
                                {.m = 16, .r = 64, .format = SVF_FORMAT_W84}};
  svf_plan plan;
  fill_inputs();
  const svf_plan_data *p = plan_of(alike, CALLS, ROWS, 2, &plan);
  ck_assert_uint_eq(p->call[0].x_call, 0);
  ck_assert_uint_eq(p->call[1].x_call, 1);
  ck_assert_uint_eq(p->call[2].x_call, 0);
  ck_assert_uint_eq(p->call[3].x_call, 0);
  ck_assert_ptr_eq(p->call[2].product[1].a, p->call[0].product[0].a);
  ck_assert_ptr_ne(p->call[1].product[0].a, p->call[0].product[0].a);
  ck_assert_ptr_ne(p->call[3].product[1].a, p->call[0].product[1].a);
}
END_TEST

/* The panels of all calls, 36 and twice 12 as in a small model, are dealt out together. */
START_TEST(columns_are_equally_wide)
{
  static const layer qkv[] = {{.m = 192, .r = 144}, {.m = 64, .r = 48}, {.m = 64, .r = 48}};
  svf_plan plan;
  fill_inputs();
  for (size_t nth = 1; nth <= 20; ++nth) {
    const svf_plan_data *p = plan_of(qkv, 3, 1, nth, &plan);
    for (int product = 0; product < 2; ++product) {
      size_t all = 0, most = 0;
      for (size_t part = 0; part < nth; ++part) {
        size_t own = 0;
        for (size_t i = 0; i < 3; ++i) {
          const svf_product *q = &p->call[i].product[product];
          const size_t k = product == 0 ? 1 : q->k;
          own += k * (svf_first_panel(&p->grid[product], q, part + 1) -
                      svf_first_panel(&p->grid[product], q, part));
        }
        all += own;
        most = own > most ? own : most;
      }
      const size_t widest = product == 0 ? 1 : 144;
      ck_assert_uint_eq(all, product == 0 ? 9 + 3 + 3 : 12 * 144 + 2 * 4 * 48);
      ck_assert_uint_le(most, all / nth + widest);
    }
  }
}
END_TEST

START_TEST(workspace_grows_with_rows)
{
  static const layer mixed[] = {{.m = 32, .r = 32, .format = SVF_FORMAT_W8},
                                {.m = 100, .r = 90},
                                {.m = 32, .r = 0, .format = SVF_FORMAT_W4},
                                {.m = 16, .r = 64, .format = SVF_FORMAT_BF16_SPLIT}};
  fill_inputs();
  make_calls(mixed, CALLS, 0, SVF_ISA_AUTO);
  for (size_t n = 0; n <= svf_isa_count(); ++n) { /* beyond them is AUTO */
    const svf_isa isa = svf_isa_at(n);
    if (!svf_isa_supported(isa)) continue;
    size_t before = 0, bytes = 0;
    for (size_t rows = 0; rows < 300; ++rows, before = bytes) {
      for (size_t i = 0; i < CALLS; ++i) {
        calls[i].rows = rows;
        calls[i].isa = isa;
      }
      ck_works(svf_matmul_group_workspace(calls, CALLS, 3, &bytes));
      ck_assert_uint_ge(bytes, before);
      ck_assert_uint_eq(bytes % SVF_MATMUL_WORKSPACE_ALIGNMENT, 0);
      ck_assert(rows > 0 || bytes == 0);
    }
  }
}
END_TEST

static void refused(size_t count, svf_status status, const char *words)
{
  size_t runs = 0;
  const svf_pool pool = {.size = sizeof pool, .threads = 2, .run = run_backwards, .self = &runs};
  svf_plan plan;
  memset(&plan, 0x5a, sizeof plan);
  clear(grouped);
  clear(single);
  ck_fails(svf_matmul_group(calls, count, 2, workspace, sizeof workspace), status, words);
  ck_fails(svf_matmul_group_plan(&plan, calls, count, 2, workspace, sizeof workspace), status,
           words);
  ck_fails(svf_matmul_group_pool(calls, count, &pool, workspace, sizeof workspace), status, words);
  ck_assert_uint_eq(runs, 0);
  ck_assert_mem_eq(grouped, single, sizeof single);
  ck_filled(&plan, sizeof plan, 0x5a);
}

#define REFUSED(change, status, words)         \
  do {                                         \
    make_calls(layers, 3, ROWS, SVF_ISA_AUTO); \
    change;                                    \
    refused(3, status, words);                 \
  } while (0)

START_TEST(misuse)
{
  static const layer layers[] = {{.m = 32, .r = 32}, {.m = 16, .r = 0}, {.m = 48, .r = 64}};
  static _Alignas(64) unsigned char other[1 << 12];
  const float w = 1;
  const svf_linear_source narrow = {.size = sizeof narrow, .m = 1, .n = 1, .u = &w, .u_stride = 1};
  size_t bytes = 77;
  svf_plan plan;
  fill_inputs();
  ck_works(svf_linear_pack(&narrow, other, sizeof other));
  REFUSED(calls[1].rows = 3, SVF_ERR_ARGUMENT, "calls[1]: args->rows is 3, calls[0] has 70");
  REFUSED(calls[2].linear = other, SVF_ERR_ARGUMENT, "calls[2]: n of its layer is 1, calls[0] has");
  REFUSED(calls[2].x = x + 1, SVF_ERR_ARGUMENT, "calls[2]: args->x is");
  REFUSED(calls[1].x_type = SVF_DTYPE_BF16, SVF_ERR_ARGUMENT, "x_type is bf16, calls[0] has f32");
  REFUSED(calls[1].x_stride = 5, SVF_ERR_ARGUMENT, "x_stride is 5, calls[0] has 300");
  REFUSED(calls[1].isa = SVF_ISA_REF, SVF_ERR_ARGUMENT, "args->isa is ref, calls[0] has auto");
  REFUSED(calls[2].linear = NULL, SVF_ERR_NULL, "calls[2]: args->linear is NULL");
  REFUSED(calls[2].y = NULL, SVF_ERR_NULL, "calls[2]: args->y is NULL");
  REFUSED(calls[1].gains = gains, SVF_ERR_ARGUMENT, "calls[1]: args->gains");
  REFUSED(calls[1].t0 = grouped[1].t0, SVF_ERR_ARGUMENT, "calls[1]: args->t0");
  REFUSED((calls[0].t0 = grouped[0].t0, calls[0].t0_stride = 31), SVF_ERR_ARGUMENT,
          "calls[0]: args->t0_stride is 31, its rows of r = 32 would overlap");
  REFUSED(calls[0].t0 = (float *)(void *)((char *)grouped[0].t0 + 1), SVF_ERR_ALIGNMENT,
          "args->t0 is at");
  REFUSED((calls[0].t0 = grouped[0].t0, calls[0].t0_stride = PTRDIFF_MAX), SVF_ERR_OVERFLOW,
          "args->t0: 70 rows");
  REFUSED(calls[1].size = sizeof *calls + 8, SVF_ERR_VERSION, "calls[1].size");
  make_calls(layers, 3, ROWS, SVF_ISA_AUTO);
  refused(0, SVF_ERR_ARGUMENT, "count is 0");
  refused(CALLS + 1, SVF_ERR_ARGUMENT, "count is 5");
  ck_fails(svf_matmul_group(NULL, 1, 1, workspace, sizeof workspace), SVF_ERR_NULL, "calls is");
  ck_fails(svf_matmul_group_workspace(NULL, 1, 1, &bytes), SVF_ERR_NULL, "calls is NULL");
  ck_fails(svf_matmul_group_workspace(calls, 3, 1, NULL), SVF_ERR_NULL, "bytes is NULL");
  ck_fails(svf_matmul_group_workspace(calls, 3, 0, &bytes), SVF_ERR_ARGUMENT, "nth is 0");
  ck_fails(svf_matmul_group_workspace(calls, 3, SIZE_MAX / 2, &bytes), SVF_ERR_OVERFLOW, "nth = ");
  ck_assert_uint_eq(bytes, 77);
  ck_works(svf_matmul_group_workspace(calls, 3, 2, &bytes));
  ck_fails(svf_matmul_group(calls, 3, 2, workspace, bytes - 1), SVF_ERR_SPACE, "workspace has");
  ck_fails(svf_matmul_group(calls, 3, 2, NULL, bytes), SVF_ERR_NULL, "workspace is NULL");
  ck_fails(svf_matmul_group_plan(NULL, calls, 3, 2, workspace, bytes), SVF_ERR_NULL, "plan is");
  for (size_t i = 0; i < 3; ++i) {
    calls[i].rows = 0;
    calls[i].x = NULL;
  }
  ck_works(svf_matmul_group_plan(&plan, calls, 3, 2, NULL, 0));
  ck_assert_int_eq(svf_matmul_next_stage(&plan, 0), -1);
}
END_TEST

START_TEST(misuse_of_a_pool)
{
  static const layer layers[] = {{.m = 32, .r = 32}, {.m = 16, .r = 0}};
  size_t runs = 0, bytes;
  svf_pool pool = {.size = sizeof pool, .threads = 2, .self = &runs};
  fill_inputs();
  make_calls(layers, 2, ROWS, SVF_ISA_AUTO);
  ck_works(svf_matmul_group_workspace(calls, 2, 2, &bytes));
  ck_fails(svf_matmul_group_pool(calls, 2, NULL, workspace, bytes), SVF_ERR_NULL, "pool is NULL");
  ck_fails(svf_matmul_group_pool(calls, 2, &pool, workspace, bytes), SVF_ERR_NULL, "pool->run");
  pool.run = run_backwards;
  ck_fails(svf_matmul_group_pool(calls, 2, &pool, workspace, bytes - 1), SVF_ERR_SPACE, "has");
  pool.threads = 0;
  ck_fails(svf_matmul_group_pool(calls, 2, &pool, workspace, bytes), SVF_ERR_ARGUMENT, "nth is 0");
  pool.size = 8;
  ck_fails(svf_matmul_group_pool(calls, 2, &pool, workspace, bytes), SVF_ERR_VERSION, "pool->size");
  ck_assert_uint_eq(runs, 0);
}
END_TEST

/* A caller of a later version steps by its own size. */
START_TEST(newer_callers)
{
  static const layer layers[] = {{.m = 32, .r = 32, .gains = true}, {.m = 16, .r = 0}};
  struct {
    svf_matmul_args args;
    size_t unknown;
  } newer[2] = {0};
  fill_inputs();
  make_calls(layers, 2, 3, SVF_ISA_AUTO);
  expect_single(layers, 2);
  for (size_t i = 0; i < 2; ++i) {
    newer[i].args = calls[i];
    newer[i].args.size = sizeof newer[i];
  }
  clear(grouped);
  ck_works(svf_matmul_group(&newer[0].args, 2, 2, workspace, sizeof workspace));
  ck_assert_mem_eq(grouped, single, sizeof single);
  newer[1].unknown = 1;
  ck_fails(svf_matmul_group(&newer[0].args, 2, 2, workspace, sizeof workspace), SVF_ERR_VERSION,
           "calls[1]: args->size is");
}
END_TEST

SUITE("group", bits_of_single_calls, every_format_in_threes, one_layout_of_x,
      columns_are_equally_wide, workspace_grows_with_rows, misuse, misuse_of_a_pool, newer_callers)
