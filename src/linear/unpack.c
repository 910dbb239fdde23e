/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of a packed block as fp32. */
#include "kernels/bf16.h"
#include "kernels/format.h"
#include "src/core/status.h"
#include "src/linear/bands.h"
#include "src/linear/block.h"

/* The weight at step k of a span, lane j. */
static float integer_at(const char *span, const svf_bands *p, int band, size_t k, size_t j)
{
  const svf_format_row *row = svf_format_of(p->format[band]);
  const unsigned char *data = (const unsigned char *)span + p->layout[band].scales;
  const size_t at = k / p->group * SVF_PANEL + j;
  const float scale =
      row->scale == SVF_SCALE_F32 ? svf_load_f32(span, at) : svf_load_bf16(span, at);
  if (row->traits.weight_bits == 8) {
    return (float)(int8_t)data[(k / 4 * SVF_PANEL + j) * 4 + k % 4] * scale;
  }
  const int nibble = data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] >> (k % 8 / 4 * 4) & 0xf;
  return (float)(nibble >= 8 ? nibble - 16 : nibble) * scale;
}

static float weight_at(const char *panels, const svf_bands *p, size_t channel, size_t k)
{
  const size_t panel = channel / SVF_PANEL, j = channel % SVF_PANEL;
  const int band = svf_band_at(p, panel, k);
  const char *start = panels + svf_bands_offset(p, panel, svf_span_begin(p, k));
  const size_t at = k - svf_span_begin(p, k);
  switch (p->format[band]) {
    case SVF_FORMAT_F32: return svf_load_f32(start, at * SVF_PANEL + j);
    case SVF_FORMAT_BF16: return svf_load_bf16(start, (at / 2 * SVF_PANEL + j) * 2 + at % 2);
    default: return integer_at(start, p, band, at, j);
  }
}

/* Writes a factor from its panels, with its steps contiguous. */
static void unpack(const char *panels, const svf_linear_header *h, int product, float *out,
                   size_t stride)
{
  const svf_bands p = svf_bands_of(h, product);
  const size_t channels = svf_product_channels(h, product), k = svf_product_k(h, product);
  for (size_t c = 0; c < channels; ++c) {
    for (size_t i = 0; i < k; ++i) out[c * stride + i] = weight_at(panels, &p, c, i);
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
