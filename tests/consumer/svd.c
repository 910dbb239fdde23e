/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that uses the installed component svd, valid as C11 and as C++: W = diag(3, 2) has
 * known singular values. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <svf/cpu.h>
#include <svf/svd.h>

int main(void)
{
  static const float w[4] = {0, 2, 3, 0};
  float u[4], sigma[2], vt[4];
  svf_svd_args args;
  memset(&args, 0, sizeof args);
  args.size = sizeof args;
  args.m = args.n = args.w_stride = args.rank = 2;
  args.w = w;
  args.u = u;
  args.sigma = sigma;
  args.vt = vt;
  if (svf_svd(&args) != SVF_OK) {
    fprintf(stderr, "svf_svd: %s\n", svf_last_message());
    return 1;
  }
  if (fabsf(sigma[0] - 3) > 1e-6f || fabsf(sigma[1] - 2) > 1e-6f) {
    fprintf(stderr, "sigma is %g, %g\n", (double)sigma[0], (double)sigma[1]);
    return 1;
  }
  /* Both libraries keep one message. */
  args.rank = 3;
  if (svf_svd(&args) != SVF_ERR_ARGUMENT || !strstr(svf_last_message(), "rank is 3") ||
      svf_isa_parse("abacus", NULL) != SVF_ERR_NULL || strstr(svf_last_message(), "rank")) {
    fprintf(stderr, "the message is '%s'\n", svf_last_message());
    return 1;
  }
  puts("svf_svd: sigma and messages as expected");
  return 0;
}
