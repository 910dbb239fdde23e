/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing a back end, in a build with and without oneDNN. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "tests/unit/small_layer.h"

#ifdef SVF_WITH_ONEDNN
enum { WITH_ONEDNN = 1 };
#else
enum { WITH_ONEDNN = 0 };
#endif

static void select_onednn(svf_status (*choose)(void))
{
  if (WITH_ONEDNN) {
    ck_assert_int_eq(choose(), SVF_OK);
    ck_assert_int_eq(svf_backend_selected(), SVF_BACKEND_ONEDNN);
  } else {
    ck_fails(choose(), SVF_ERR_UNSUPPORTED, "SVF_WITH_ONEDNN");
    ck_assert_int_eq(svf_backend_selected(), SVF_BACKEND_OWN);
  }
  ck_assert_int_eq(svf_backend_select(SVF_BACKEND_OWN), SVF_OK);
  ck_assert_int_eq(svf_backend_selected(), SVF_BACKEND_OWN);
}

static svf_status by_call(void) { return svf_backend_select(SVF_BACKEND_ONEDNN); }

static svf_status by_name(void)
{
  setenv("SVF_BACKEND", "onednn", 1);
  return svf_backend_select_env();
}

START_TEST(only_what_was_built_can_be_chosen)
{
  select_onednn(by_call);
  select_onednn(by_name);
  setenv("SVF_BACKEND", "own", 1);
  ck_assert_int_eq(svf_backend_select_env(), SVF_OK);
  setenv("SVF_BACKEND", "", 1);
  ck_assert_int_eq(svf_backend_select_env(), SVF_OK);
  setenv("SVF_BACKEND", "mkl", 1);
  ck_fails(svf_backend_select_env(), SVF_ERR_ARGUMENT, "'mkl'");
  unsetenv("SVF_BACKEND");
  ck_assert_int_eq(svf_backend_select_env(), SVF_OK);
  ck_fails(svf_backend_select((svf_backend)7), SVF_ERR_ARGUMENT, "7");
  ck_assert_int_eq(svf_backend_selected(), SVF_BACKEND_OWN);
}
END_TEST

START_TEST(names)
{
  ck_assert_str_eq(svf_backend_name(SVF_BACKEND_OWN), "own");
  ck_assert_str_eq(svf_backend_name(SVF_BACKEND_ONEDNN), "onednn");
  ck_assert_str_eq(svf_backend_name((svf_backend)-1), "?");
}
END_TEST

/* Bad arguments are found before oneDNN sees them. */
START_TEST(a_call_is_checked_alike)
{
  svf_matmul_args a = valid_call();
  const svf_status chosen = svf_backend_select(SVF_BACKEND_ONEDNN);
  const svf_status good = svf_matmul(&a, 1, workspace, WORKSPACE);
  const svf_status small = svf_matmul(&a, 1, workspace, 0);
  a.x = NULL;
  const svf_status null = svf_matmul(&a, 1, workspace, WORKSPACE);
  a.rows = 0;
  const svf_status none = svf_matmul(&a, 1, workspace, WORKSPACE);
  svf_backend_select(SVF_BACKEND_OWN);
  ck_assert_int_eq(chosen, WITH_ONEDNN ? SVF_OK : SVF_ERR_UNSUPPORTED);
  ck_assert_int_eq(good, SVF_OK);
  ck_assert_int_eq(small, SVF_ERR_SPACE);
  ck_assert_int_eq(null, SVF_ERR_NULL);
  ck_assert_int_eq(none, SVF_OK);
}
END_TEST

/* What oneDNN cannot do is refused; a group is its calls, one by one. */
START_TEST(groups_and_t0)
{
  static float t0[ROWS * R], want[ROWS * M], second[ROWS * M];
  svf_matmul_args a = valid_call();
  svf_matmul_args pair[2] = {a, a};
  pair[1].y = second;
  ck_works(svf_matmul(&a, 1, workspace, WORKSPACE));
  memcpy(want, y, sizeof want);
  memset(y, 0, sizeof y);
  a.t0 = t0;
  a.t0_stride = R;
  (void)svf_backend_select(SVF_BACKEND_ONEDNN);
  const svf_status kept = svf_matmul(&a, 1, workspace, WORKSPACE);
  const svf_status both = svf_matmul_group(pair, 2, 1, workspace, WORKSPACE);
  svf_backend_select(SVF_BACKEND_OWN);
  ck_assert_int_eq(kept, WITH_ONEDNN ? SVF_ERR_UNSUPPORTED : SVF_OK);
  ck_assert_int_eq(both, SVF_OK);
  ck_assert_mem_eq(y, want, sizeof want); /* small integers */
  ck_assert_mem_eq(second, want, sizeof want);
}
END_TEST

SUITE("backend", groups_and_t0, only_what_was_built_can_be_chosen, names, a_call_is_checked_alike)
