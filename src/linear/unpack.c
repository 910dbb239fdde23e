/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of a packed block as fp32. */
#include "kernels/bf16.h"
#include "kernels/kernel.h"
#include "src/core/status.h"
#include "src/linear/block.h"

/* Step k, lane j of a panel. */
static float weight_at(const char *panel, svf_format format, size_t group, size_t k, size_t j)
{
  if (format == SVF_FORMAT_F32) return ((const float *)(const void *)panel)[k * SVF_PANEL + j];
  if (format == SVF_FORMAT_BF16) {
    return svf_widen_bf16(
        ((const uint16_t *)(const void *)panel)[(k / 2 * SVF_PANEL + j) * 2 + k % 2]);
  }
  const char *block = panel + svf_panel_offset(format, group, k / SVF_BLOCK * SVF_BLOCK);
  const unsigned char *data = (const unsigned char *)block + svf_scale_bytes(format, group);
  k %= SVF_BLOCK;
  const size_t at = k / group * SVF_PANEL + j;
  if (format == SVF_FORMAT_S8) {
    return (float)(int8_t)data[(k / 4 * SVF_PANEL + j) * 4 + k % 4] *
           ((const float *)(const void *)block)[at];
  }
  const float scale = svf_widen_bf16(((const uint16_t *)(const void *)block)[at]);
  if (format == SVF_FORMAT_W8) {
    return (float)(int8_t)data[(k / 4 * SVF_PANEL + j) * 4 + k % 4] * scale;
  }
  const int nibble = data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] >> (k % 8 / 4 * 4) & 0xf;
  return (float)(nibble >= 8 ? nibble - 16 : nibble) * scale;
}

/* A factor whose reduction index is contiguous, from its panels. */
static void unpack(const char *panels, const svf_linear_header *h, size_t channels, size_t k,
                   float *out, size_t stride)
{
  const svf_format format = svf_format_weights((svf_format)h->format);
  const size_t bytes = svf_panel_bytes(format, h->group, k);
  for (size_t c = 0; c < channels; ++c) {
    const char *panel = panels + c / SVF_PANEL * bytes;
    for (size_t i = 0; i < k; ++i) {
      out[c * stride + i] = weight_at(panel, format, h->group, i, c % SVF_PANEL);
    }
  }
}

svf_status svf_linear_unpack(const void *block, size_t bytes, float *u, size_t u_stride, float *vt,
                             size_t vt_stride)
{
  const svf_status status = svf_linear_check(block, bytes, 0);
  if (status != SVF_OK) return status;
  const svf_linear_header *h = block;
  if (u && u_stride < h->r) {
    return svf_fail(SVF_ERR_ARGUMENT, "u_stride is %zu, less than r = %zu", u_stride, (size_t)h->r);
  }
  if (vt && vt_stride < h->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "vt_stride is %zu, less than n = %zu", vt_stride,
                    (size_t)h->n);
  }
  const char *base = block;
  if (u) unpack(base + h->u_offset, h, (size_t)h->m, (size_t)h->r, u, u_stride);
  if (vt) unpack(base + h->v_offset, h, (size_t)h->r, (size_t)h->n, vt, vt_stride);
  return SVF_OK;
}
