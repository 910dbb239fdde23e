/* SPDX-License-Identifier: Apache-2.0 */
#include "src/linear/panels.h"

#include "kernels/bf16.h"
#include "kernels/format.h"

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

float svf_weight_at(const char *panels, const svf_bands *p, size_t channel, size_t k)
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
