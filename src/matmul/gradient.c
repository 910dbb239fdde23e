/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradients of gains. Shares are columns, so that each sum is one thread's, in the order of
 * the rows. */
#include "src/core/dispatch.h"
#include "src/matmul/call.h"

void svf_add_gradients(const svf_call *call, size_t ith, size_t nth)
{
  const svf_matmul_args *args = &call->args;
  const svf_ops_kernel *ops = svf_dispatch_ops();
  const size_t r = call->product[0].channels, lines = call->product[0].panels;
  const size_t begin = svf_share(lines, nth, ith) * SVF_PANEL;
  const size_t end = svf_size_min(svf_share(lines, nth, ith + 1) * SVF_PANEL, r);
  for (size_t row = 0; row < args->rows && begin < end; ++row) {
    float *sum = args->gradients[row];
    if (!sum) continue;
    ops->add_products(args->t0 + (ptrdiff_t)row * args->t0_stride + begin,
                      args->t0_forward + (ptrdiff_t)row * args->t0_forward_stride + begin,
                      end - begin, sum + begin);
  }
}
