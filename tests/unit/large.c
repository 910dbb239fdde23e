/* SPDX-License-Identifier: Apache-2.0
 *
 * Beyond 2^31 elements, through mappings that take memory only where they are touched. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "tests/unit/suite.h"

static void *map(size_t bytes)
{
  void *p =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ck_assert_ptr_ne(p, MAP_FAILED);
  return p;
}

/* Rows of X and Y more than 2^31 elements apart, in both directions. */
START_TEST(strides)
{
  enum { M = 5, N = 7, R = 3, ROWS = 3 };
  const size_t apart = (size_t)1 << 31;
  const size_t bytes = ((ROWS - 1) * (apart + 9) + N + M) * sizeof(float);
  float *x = map(bytes), *y = map(bytes);
  float u[M * R], vt[R * N], sigma[R] = {1, 2, 3};
  static _Alignas(64) unsigned char block[4096], workspace[1 << 16];
  for (int i = 0; i < M * R; ++i) u[i] = (float)(i + 1);
  for (int i = 0; i < R * N; ++i) vt[i] = (float)(i % 4);
  const svf_linear_source s = {.size = sizeof s,
                               .m = M,
                               .n = N,
                               .r = R,
                               .u = u,
                               .u_stride = R,
                               .vt = vt,
                               .vt_stride = N,
                               .sigma = sigma};
  ck_works(svf_linear_pack(&s, block, sizeof block));
  const ptrdiff_t x_stride = (ptrdiff_t)apart + 9, y_stride = -(ptrdiff_t)apart;
  float *y0 = y + (ROWS - 1) * apart;
  for (int i = 0; i < ROWS; ++i) {
    for (int j = 0; j < N; ++j) x[i * x_stride + j] = (float)(i + j);
  }
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = block,
                             .rows = ROWS,
                             .x = x,
                             .x_stride = x_stride,
                             .y = y0,
                             .y_stride = y_stride};
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  for (int i = 0; i < ROWS; ++i) {
    for (int c = 0; c < M; ++c) {
      float want = 0;
      for (int k = 0; k < R; ++k) {
        float t = 0;
        for (int j = 0; j < N; ++j) t += (float)(i + j) * vt[k * N + j];
        want += t * sigma[k] * u[c * R + k];
      }
      ck_assert_float_eq(y0[i * y_stride + c], want);
    }
  }
  munmap(x, bytes);
  munmap(y, bytes);
}
END_TEST

/* A layer whose packed U alone has more than 2^32 bytes: only its touched panels are real. The
 * header is written by hand as packing would, since packing touches everything. */
START_TEST(block)
{
  const size_t m = (size_t)1 << 20, n = 1, r = 1040; /* U: 2^20 * 1040 * 4 = 4.06 GiB */
  size_t bytes;
  const svf_linear_source shape = {.size = sizeof shape, .m = m, .n = n, .r = r};
  ck_works(svf_linear_bytes(&shape, &bytes));
  ck_assert_uint_gt(bytes, (size_t)1 << 32);
  /* The same layout at a small m gives every field but those that depend on m. */
  static _Alignas(64) unsigned char small[1 << 20];
  static float u[16 * 1040], vt[1040], sigma[1040];
  for (size_t k = 0; k < r; ++k) vt[k] = sigma[k] = 1;
  const svf_linear_source s = {.size = sizeof s,
                               .m = 16,
                               .n = n,
                               .r = r,
                               .u = u,
                               .u_stride = r,
                               .vt = vt,
                               .vt_stride = n,
                               .sigma = sigma};
  ck_works(svf_linear_pack(&s, small, sizeof small));
  unsigned char *big = map(bytes);
  const svf_linear_header *from = svf_linear_info(small);
  memcpy(big, small, from->u_offset);
  svf_linear_header *h = (svf_linear_header *)(void *)big;
  h->m = m;
  h->bytes = bytes;
  ck_works(svf_linear_check(big, bytes, false));
  /* The last panel is the only one that is not zero. */
  float *last = (float *)(void *)(big + h->u_offset) + (m / 16 - 1) * r * 16;
  for (size_t k = 0; k < r; ++k) last[k * 16 + 15] = 2;

  float x = 3;
  float *y = map(m * sizeof *y);
  svf_matmul_args a = {
      .size = sizeof a, .linear = big, .rows = 1, .x = &x, .x_stride = 1, .y = y, .y_stride = 0};
  size_t need;
  ck_works(svf_matmul_workspace(&a, 4096, &need));
  unsigned char *workspace = map(need);
  svf_plan plan;
  ck_works(svf_matmul_plan(&plan, &a, 4096, workspace, need));
  for (int stage = svf_matmul_next_stage(&plan, 0), next; stage >= 0; stage = next) {
    next = svf_matmul_next_stage(&plan, stage + 1);
    /* Of the last stage only the share with the last panel. */
    for (size_t i = next < 0 ? 4095 : 0; i < 4096; ++i) svf_matmul_stage(&plan, stage, i);
  }
  ck_assert_float_eq(y[m - 1], 2 * 3 * (float)r);
  ck_assert_float_eq(y[m - 2], 0);
  munmap(big, bytes);
  munmap(y, m * sizeof *y);
  munmap(workspace, need);
}
END_TEST

SUITE("large", strides, block)
