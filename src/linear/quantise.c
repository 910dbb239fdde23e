/* SPDX-License-Identifier: Apache-2.0 */
#include "src/linear/quantise.h"

#include "kernels/format.h"
#include "src/core/dispatch.h"

svf_quantise_fn *svf_quantiser(svf_format weights)
{
  const svf_quant_kernel *kernel = svf_dispatch_quant();
  const svf_format_row *row = svf_format_of(weights);
  if (row->traits.weight_bits == 4) return kernel->w4;
  return row->scale == SVF_SCALE_BF16 ? kernel->w8 : kernel->s8;
}
