/* SPDX-License-Identifier: Apache-2.0
 *
 * A decomposition survives the failure of any allocation of its own, and says so. */
#define _GNU_SOURCE
#include <svf/svd.h>

#include "tests/io/fail_each.h"

enum { M = 6, N = 5 };

static size_t rank;

static svf_status decompose(void)
{
  static const float w[M * N] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9,
                                 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7};
  float u[M * N], sigma[N], vt[N * N];
  svf_svd_report report = {.size = sizeof report};
  return svf_svd(&(svf_svd_args){.size = sizeof(svf_svd_args),
                                 .m = M,
                                 .n = N,
                                 .w = w,
                                 .w_stride = N,
                                 .rank = rank,
                                 .u = u,
                                 .sigma = sigma,
                                 .vt = vt,
                                 .report = &report});
}

START_TEST(survives_every_failure)
{
  temp_make();
  rank = N;
  fail_each(decompose, 7, SVF_ERR_MEMORY);
  rank = 2;
  fail_each(decompose, 10, SVF_ERR_MEMORY);
  temp_remove();
}
END_TEST

SUITE("svd_alloc", survives_every_failure)
