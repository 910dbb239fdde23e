/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of a packed block as fp32. */
#include "src/core/status.h"
#include "src/linear/bands.h"
#include "src/linear/block.h"
#include "src/linear/panels.h"

/* Writes a factor from its panels, with its steps contiguous. */
static void unpack(const char *panels, const svf_linear_header *h, int product, float *out,
                   size_t stride)
{
  const svf_bands p = svf_bands_of(h, product);
  const size_t channels = svf_product_channels(h, product), k = svf_product_k(h, product);
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < k; ++i) out[c * stride + i] = svf_weight_at(panels, &p, c, i);
  }
}

svf_status svf_linear_unpack(const void *block, size_t bytes, float *u, size_t u_stride, float *vt,
                             size_t vt_stride)
{
  svf_linear_header header;
  const svf_linear_header *h = &header;
  const svf_status status = svf_linear_read_header(block, bytes, &header);
  if (status != SVF_OK) return status;
  if (u && u_stride < svf_product_k(h, 1)) {
    return svf_fail(SVF_ERR_ARGUMENT, "u_stride is %zu, less than %s = %zu", u_stride,
                    h->r > 0 ? "r" : "n", svf_product_k(h, 1));
  }
  if (vt && vt_stride < h->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "vt_stride is %zu, less than n = %zu", vt_stride,
                    (size_t)h->n);
  }
  const char *base = block;
  if (u) unpack(base + h->u_offset, h, 1, u, u_stride);
  if (vt) unpack(base + h->v_offset, h, 0, vt, vt_stride);
  return SVF_OK;
}
