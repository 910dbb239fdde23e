/* SPDX-License-Identifier: Apache-2.0
 *
 * The matmul never allocates, and what allocates survives the failure of any allocation. */
#include "tests/alloc_count.h"
#include "tests/unit/small_layer.h"

static void run_all(void *self, size_t count, void (*task)(void *context, size_t i), void *context)
{
  (void)self;
  for (size_t i = 0; i < count; ++i) task(context, i);
}

START_TEST(a_matmul_never_allocates)
{
  const svf_matmul_args a = valid_call();
  static float y_of_pair[ROWS * M];
  svf_matmul_args pair[2] = {a, a};
  pair[1].y = y_of_pair;
  const svf_pool pool = {.size = sizeof pool, .threads = 3, .run = run_all};
  svf_plan plan;
  size_t bytes;
  alloc_calls = alloc_fail_at = 0;
  svf_status status[] = {svf_matmul_workspace(&a, 3, &bytes),
                         svf_matmul(&a, 1, workspace, WORKSPACE),
                         svf_matmul_pool(&a, &pool, workspace, WORKSPACE),
                         svf_matmul_plan(&plan, &a, 3, workspace, WORKSPACE),
                         svf_matmul(&a, 2, workspace, WORKSPACE),
                         svf_matmul_group_workspace(pair, 2, 3, &bytes),
                         svf_matmul_group_plan(&plan, pair, 2, 3, workspace, WORKSPACE),
                         svf_matmul_group(pair, 2, 2, workspace, WORKSPACE),
                         svf_matmul_group_pool(pair, 2, &pool, workspace, WORKSPACE),
                         svf_matmul(&a, 1, workspace, 0)};
  for (int stage = svf_matmul_next_stage(&plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(&plan, stage + 1)) {
    svf_matmul_stage(&plan, stage, 0);
  }
  const int counted = alloc_calls;
  for (int i = 0; i < 9; ++i) ck_assert_int_eq(status[i], SVF_OK);
  ck_assert_int_eq(status[9], SVF_ERR_SPACE);
  ck_assert_int_eq(counted, 0);
}
END_TEST

START_TEST(a_merge_never_allocates)
{
  static float out[M * N];
  const svf_linear_source from = valid_source();
  const svf_merge_args a = {
      .size = sizeof a, .factors = &from, .rows = M, .out = out, .out_stride = N};
  size_t bytes;
  alloc_calls = alloc_fail_at = 0;
  const svf_status status[] = {svf_merge_workspace(&a, 1, &bytes),
                               svf_merge_rows(&a, 1, workspace, WORKSPACE),
                               svf_merge_rows(&a, 1, workspace, 0)};
  const int counted = alloc_calls;
  ck_assert_int_eq(status[0], SVF_OK);
  ck_assert_int_eq(status[1], SVF_OK);
  ck_assert_int_eq(status[2], SVF_ERR_SPACE);
  ck_assert_int_eq(counted, 0);
}
END_TEST

START_TEST(selftest_survives_every_failure)
{
  alloc_calls = alloc_fail_at = 0;
  const svf_status whole = svf_selftest(SVF_ISA_REF, NULL);
  const int needed = alloc_calls; /* before check allocates */
  ck_assert_int_eq(whole, SVF_OK);
  ck_assert_int_gt(needed, 1); /* the wrapper is in place */
  for (int i = 1; i <= needed; ++i) {
    alloc_calls = 0;
    alloc_fail_at = i;
    const svf_status status = svf_selftest(SVF_ISA_REF, NULL);
    alloc_fail_at = 0;
    ck_assert_int_eq(status, SVF_ERR_MEMORY);
    ck_assert_ptr_nonnull(strstr(svf_last_message(), "memory"));
  }
}
END_TEST

SUITE("alloc", a_matmul_never_allocates, a_merge_never_allocates, selftest_survives_every_failure)
