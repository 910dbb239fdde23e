/* SPDX-License-Identifier: Apache-2.0
 *
 * A small packed layer and a valid call on it, to be spoiled field by field. */
#ifndef SVF_TESTS_SMALL_LAYER_H
#define SVF_TESTS_SMALL_LAYER_H

#include "tests/unit/suite.h"

enum { M = 20, N = 12, R = 9, ROWS = 5, WORKSPACE = 1 << 20 };

static float u[M * R], vt[R * N], sigma[R], x[ROWS * N], y[ROWS * M], bias[M];
static const float *gains[ROWS];
static _Alignas(64) unsigned char block[8192], workspace[WORKSPACE];

static inline svf_linear_source valid_source(void)
{
  for (int i = 0; i < M * R; ++i) u[i] = (float)(i % 7) - 3;
  for (int i = 0; i < R * N; ++i) vt[i] = (float)(i % 5) - 2;
  for (int i = 0; i < R; ++i) sigma[i] = 1;
  for (int i = 0; i < ROWS * N; ++i) x[i] = (float)(i % 3) - 1;
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

static inline svf_matmul_args valid_call(void)
{
  const svf_linear_source s = valid_source();
  ck_works(svf_linear_pack(&s, block, sizeof block));
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = block,
                           .rows = ROWS,
                           .x = x,
                           .x_stride = N,
                           .gains = gains,
                           .bias = bias,
                           .y = y,
                           .y_stride = M};
}

#endif
