/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that uses the installed library, valid as C11 and as C++. A small layer of
 * integers, so that the expected numbers are exact: U = [1 0; 2 1; 0 3], sigma = (4, 2), V^T
 * = [1 2 0; 0 1 1]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

static int check(svf_status status, const char *what)
{
  if (status == SVF_OK) return 0;
  fprintf(stderr, "%s: %s: %s\n", what, svf_status_name(status), svf_last_message());
  return 1;
}

int main(void)
{
  static const float u[3 * 2] = {1, 0, 2, 1, 0, 3};
  static const float vt[2 * 3] = {1, 2, 0, 0, 1, 1};
  static const float sigma[2] = {4, 2};
  static const float gains[2] = {1, 10};
  static const float x[2 * 3] = {1, 1, 1, 2, 0, -1};
  /* T = X V = (3, 2), (2, -1); the first row takes the base's gains, the second the expert's. */
  static const float expected[2 * 3] = {12, 28, 12, 2, -6, -30};
  static const float *const rows[2] = {NULL, gains};
  float y[2 * 3];

  svf_linear_source source;
  memset(&source, 0, sizeof source);
  source.size = sizeof source;
  source.m = 3;
  source.n = 3;
  source.r = 2;
  source.u = u;
  source.u_stride = 2;
  source.vt = vt;
  source.vt_stride = 3;
  source.sigma = sigma;
  size_t block_bytes = 0;
  if (check(svf_linear_bytes(&source, &block_bytes), "bytes")) return 1;
  void *block = aligned_alloc(SVF_LINEAR_ALIGNMENT, block_bytes);
  if (!block || check(svf_linear_pack(&source, block, block_bytes), "pack")) return 1;

  svf_matmul_args args;
  memset(&args, 0, sizeof args);
  args.size = sizeof args;
  args.linear = block;
  args.rows = 2;
  args.x = x;
  args.x_stride = 3;
  args.gains = rows;
  args.y = y;
  args.y_stride = 3;
  const size_t threads = 2;
  size_t bytes = 0;
  if (check(svf_matmul_workspace(&args, threads, &bytes), "workspace")) return 1;
  void *workspace = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, bytes);
  if (!workspace || check(svf_matmul(&args, threads, workspace, bytes), "matmul")) return 1;
  free(workspace);
  free(block);

  if (memcmp(y, expected, sizeof y) != 0) {
    for (int i = 0; i < 6; ++i) {
      fprintf(stderr, "y[%d] = %g, expected %g\n", i, (double)y[i], (double)expected[i]);
    }
    return 1;
  }
  printf("svf %s, %s: exact\n", svf_version(), svf_isa_name(svf_isa_selected()));
  return 0;
}
