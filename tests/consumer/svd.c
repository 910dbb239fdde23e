/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that uses the installed library svf_svd, valid as C11 and as C++: W = diag(3, 2) with
 * its columns exchanged has known singular values. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <svf/svd.h>

int main(void)
{
  static const float w[4] = {0, 2, 3, 0};
  float u[4], sigma[2], vt[4];
  svf_svd_report report;
  memset(&report, 0, sizeof report);
  report.size = sizeof report;
  svf_svd_args args;
  memset(&args, 0, sizeof args);
  args.size = sizeof args;
  args.m = 2;
  args.n = 2;
  args.w = w;
  args.w_stride = 2;
  args.rank = 2;
  args.u = u;
  args.sigma = sigma;
  args.vt = vt;
  args.report = &report;
  if (svf_svd(&args) != SVF_OK) {
    fprintf(stderr, "svf_svd: %s\n", svf_last_message());
    return 1;
  }
  if (fabsf(sigma[0] - 3) > 1e-6f || fabsf(sigma[1] - 2) > 1e-6f || report.residual > 1e-6) {
    fprintf(stderr, "sigma is %g, %g, the residual %g\n", (double)sigma[0], (double)sigma[1],
            report.residual);
    return 1;
  }
  /* The message of svf_svd is that of svf. */
  args.rank = 3;
  if (svf_svd(&args) != SVF_ERR_ARGUMENT || !strstr(svf_last_message(), "rank")) {
    fprintf(stderr, "a rank of 3 gives the message '%s'\n", svf_last_message());
    return 1;
  }
  puts("svf_svd: sigma as expected");
  return 0;
}
