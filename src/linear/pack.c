/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs factors into panels. One file serves every format and ISA, since they share the layout. A
 * block may lie at any address, so its elements are written as bytes. */
#include <string.h>

#include "kernels/bf16.h"
#include "kernels/format.h"
#include "src/core/check.h"
#include "src/core/dispatch.h"
#include "src/core/fp_mode.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/linear/bands.h"
#include "src/linear/quantise.h"

enum { TILE = 16, QUAD = 4 }; /* steps of floats that are read at a time; of int8 side by side */

static void pack_f32_bytes(const svf_factor *f, size_t channel, size_t lanes, char *panel)
{
  float w[TILE * SVF_PANEL] = {0};
  for (size_t k = 0, count; k < f->k; k += count) {
    count = svf_size_min(f->k - k, TILE);
    svf_factor_read(f, channel, lanes, k, count, w);
    memcpy(panel + k * SVF_PANEL * sizeof *w, w, count * SVF_PANEL * sizeof *w);
  }
}

/* Where it can be, the panel is written once. */
static void pack_f32(const svf_factor *f, size_t channel, size_t lanes, char *panel)
{
  const size_t bytes = f->k * SVF_PANEL * sizeof(float);
  if ((uintptr_t)panel % sizeof(float) != 0) {
    pack_f32_bytes(f, channel, lanes, panel);
    return;
  }
  if (lanes < SVF_PANEL) memset(panel, 0, bytes);
  svf_factor_read(f, channel, lanes, 0, f->k, (float *)(void *)panel);
}

/* Pairs of steps lie side by side: [pair][channel][2]. */
static void pack_pairs(const uint16_t *half, size_t pairs, uint16_t *to)
{
  for (size_t i = 0; i < pairs; ++i, half += 2 * SVF_PANEL, to += 2 * SVF_PANEL) {
    for (size_t j = 0; j < SVF_PANEL; ++j) {
      to[2 * j] = half[j];
      to[2 * j + 1] = half[SVF_PANEL + j];
    }
  }
}

static void pack_bf16(const svf_factor *f, size_t channel, size_t lanes, char *panel, size_t bytes)
{
  svf_narrow_fn *narrow = svf_dispatch_half()->f32_to_bf16;
  uint16_t half[TILE * SVF_PANEL], pairs[TILE * SVF_PANEL];
  const size_t used = svf_size_ceil(f->k, 2) * 2 * SVF_PANEL * sizeof *half;
  memset(panel + used, 0, bytes - used);
  for (size_t k = 0; k < f->k; k += TILE, panel += sizeof pairs) {
    const size_t count = svf_size_ceil(svf_size_min(f->k - k, TILE), 2);
    float w[TILE * SVF_PANEL] = {0};
    svf_factor_read(f, channel, lanes, k, svf_size_min(f->k - k, TILE), w);
    narrow(w, half, TILE * SVF_PANEL);
    pack_pairs(half, count, pairs);
    memcpy(panel, pairs, count * 2 * SVF_PANEL * sizeof *pairs);
  }
}

/* int8: [quad of steps][channel][4]. */
static void pack_quads(const int8_t *q, size_t quads, unsigned char *to)
{
  for (size_t i = 0; i < quads; ++i, q += QUAD * SVF_PANEL, to += QUAD * SVF_PANEL) {
    for (size_t j = 0; j < SVF_PANEL; ++j) {
      for (size_t k = 0; k < QUAD; ++k) to[j * QUAD + k] = (unsigned char)q[k * SVF_PANEL + j];
    }
  }
}

/* int4: quads, of which each byte holds a step, and in its high half the step four later. */
static void pack_octets(const int8_t *q, size_t octets, unsigned char *to)
{
  enum { HALF = QUAD * SVF_PANEL };
  for (size_t i = 0; i < octets; ++i, q += 2 * HALF, to += HALF) {
    int8_t both[HALF];
    for (size_t j = 0; j < HALF; ++j) both[j] = (int8_t)((q[j] & 0xf) | (q[HALF + j] & 0xf) << 4);
    pack_quads(both, 1, to);
  }
}

static void pack_scales(const float *scale, svf_scale type, size_t g, char *span)
{
  uint16_t half[SVF_PANEL];
  if (type == SVF_SCALE_F32) {
    memcpy(span + g * SVF_PANEL * sizeof *scale, scale, SVF_PANEL * sizeof *scale);
    return;
  }
  for (size_t j = 0; j < SVF_PANEL; ++j) half[j] = svf_round_bf16(scale[j]);
  memcpy(span + g * sizeof half, half, sizeof half);
}

/* Packs w[count][16], the weights of a span. */
static void pack_span(const float *w, size_t count, const svf_bands *to, int band, char *span)
{
  int8_t q[SVF_SPAN * SVF_PANEL];
  const svf_format_row *row = svf_format_of(to->format[band]);
  svf_quantise_fn *quantise = svf_quantiser(to->format[band]);
  unsigned char *data = (unsigned char *)span + to->layout[band].scales;
  memset(span, 0, svf_panel_bytes(&to->layout[band], count));
  for (size_t k = 0; k < count; k += to->group) {
    float scale[SVF_PANEL];
    quantise(w + k * SVF_PANEL, svf_size_min(count - k, to->group), scale, q + k * SVF_PANEL);
    pack_scales(scale, row->scale, k / to->group, span);
  }
  memset(q + count * SVF_PANEL, 0, (SVF_SPAN - count) * SVF_PANEL);
  if (row->traits.weight_bits == 4) {
    pack_octets(q, svf_size_ceil(count, 2 * QUAD), data);
  } else {
    pack_quads(q, svf_size_ceil(count, QUAD), data);
  }
}

static void pack_integers(const svf_factor *f, const svf_bands *to, size_t panel, size_t lanes,
                          char *out)
{
  float w[SVF_SPAN * SVF_PANEL] = {0};
  for (size_t k = 0, count; k < f->k; k += count) {
    count = svf_span_end(to, k, f->k) - k;
    svf_factor_read(f, panel * SVF_PANEL, lanes, k, count, w);
    pack_span(w, count, to, svf_band_at(to, panel, k), out + svf_bands_offset(to, panel, k));
  }
}

static void pack_panel(const svf_factor *f, const svf_bands *to, size_t panel, char *out)
{
  const size_t channel = panel * SVF_PANEL, lanes = svf_size_min(f->channels - channel, SVF_PANEL);
  char *start = out + svf_bands_offset(to, panel, 0);
  switch (to->format[1]) {
    case SVF_FORMAT_F32: pack_f32(f, channel, lanes, start); break;
    case SVF_FORMAT_BF16: pack_bf16(f, channel, lanes, start, to->stride[1]); break;
    default: pack_integers(f, to, panel, lanes, out);
  }
}

/* Packs share ith of nth of the panels, for any nth. */
static void pack_share(const svf_factor *f, const svf_bands *to, char *out, size_t ith, size_t nth)
{
  const size_t panels = svf_size_ceil(f->channels, SVF_PANEL);
  const size_t end = svf_share(panels, nth, ith + 1);
  for (size_t p = svf_share(panels, nth, ith); p < end; ++p) pack_panel(f, to, p, out);
}

/* Checks `rows` rows of `width` elements, the rows `stride` and their elements `step` apart: either
 * each row must lie whole before the next one, or each column. */
static svf_status check_steps(const char *name, size_t stride, size_t step, const char *width_name,
                              size_t rows, size_t width)
{
  size_t across, along, extent;
  if (!svf_size_mul(rows - 1, stride, &across) || !svf_size_mul(width - 1, step, &along) ||
      !svf_size_add(across, along, &extent) || !svf_size_add(extent, 1, &extent) ||
      !svf_size_mul(extent, sizeof(float), &extent)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%s: %zu rows of stride %zu, step %zu, exceed SIZE_MAX", name,
                    rows, stride, step);
  }
  if (rows == 1 || stride > along || (width > 1 && stride > 0 && step > across)) return SVF_OK;
  if (step == 1) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s_stride is %zu, less than %s = %zu", name, stride,
                    width_name, width);
  }
  return svf_fail(SVF_ERR_ARGUMENT,
                  "%s_stride is %zu, its step %zu: %zu rows of %s = %zu would overlap", name,
                  stride, step, rows, width_name, width);
}

static svf_status check_factor(const char *name, const svf_factor *f, const char *width_name)
{
  if (!f->data) return svf_fail(SVF_ERR_NULL, "%s is NULL", name);
  svf_status status = svf_check_type(name, f->type);
  if (status == SVF_OK) status = svf_check_aligned(name, f->data, f->type);
  if (status != SVF_OK) return status;
  return check_steps(name, f->stride, f->step, width_name, f->channels, f->k);
}

svf_status svf_linear_check_source(const svf_linear_source *source)
{
  const bool dense = source->r == 0;
  const svf_factor v = svf_factor_of(source, 0), u = svf_factor_of(source, 1);
  svf_status status = check_factor("source->u", &u, dense ? "n" : "r");
  if (status != SVF_OK) return status;
  if (dense) {
    if (!source->vt && !source->sigma) return SVF_OK;
    return svf_fail(SVF_ERR_ARGUMENT, "r is 0, a dense layer, but source->%s is not NULL",
                    source->vt ? "vt" : "sigma");
  }
  status = check_factor("source->vt", &v, "n");
  if (status != SVF_OK) return status;
  if (!source->sigma) return svf_fail(SVF_ERR_NULL, "source->sigma is NULL");
  return svf_check_aligned("source->sigma", source->sigma, SVF_DTYPE_F32);
}

static svf_status check_destination(const char *name, const void *block, size_t bytes,
                                    const svf_linear_header *header)
{
  if (!block) return svf_fail(SVF_ERR_NULL, "%s is NULL", name);
  if (bytes >= header->bytes) return SVF_OK;
  return svf_fail(SVF_ERR_SPACE, "%s has %zu bytes, packing needs %llu", name, bytes,
                  (unsigned long long)header->bytes);
}

/* Checks the source and the block to pack to, and makes the header. */
static svf_status check_pack_call(const svf_linear_source *from, svf_linear_source *source,
                                  const void *block, size_t bytes, svf_linear_header *header)
{
  svf_status status = svf_linear_read_source(from, source);
  if (status != SVF_OK) return status;
  status =
      svf_linear_layout(source->m, source->n, source->r, source->format, &source->quant, header);
  if (status == SVF_OK) status = svf_linear_check_source(source);
  if (status != SVF_OK) return status;
  return check_destination("block", block, bytes, header);
}

/* What share ith of nth packs of the factors [0] V and [1] U. sigma may lie at any address. */
static void pack_factors(const svf_linear_header *h, const void *sigma, const svf_factor *factor,
                         char *block, size_t ith, size_t nth)
{
  const svf_bands to_v = svf_bands_of(h, 0), to_u = svf_bands_of(h, 1);
  if (ith == 0) {
    memcpy(block, h, sizeof *h);
    memset(block + h->sigma_offset, 0, (size_t)(h->v_offset - h->sigma_offset));
    if (h->r > 0) memcpy(block + h->sigma_offset, sigma, (size_t)h->r * sizeof(float));
  }
  const uint64_t rounding = svf_fp_to_nearest(); /* the same bytes whatever the caller's mode */
  pack_share(&factor[0], &to_v, block + h->v_offset, ith, nth);
  pack_share(&factor[1], &to_u, block + h->u_offset, ith, nth);
  svf_fp_round_as(rounding);
}

static svf_status check_share(size_t ith, size_t nth)
{
  if (nth == 0) return svf_fail(SVF_ERR_ARGUMENT, "nth is 0");
  if (ith < nth) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "ith is %zu, nth is %zu", ith, nth);
}

svf_status svf_linear_pack_part(const svf_linear_source *source, void *block, size_t bytes,
                                size_t ith, size_t nth)
{
  svf_linear_source s;
  svf_linear_header header = {0};
  svf_status status = check_pack_call(source, &s, block, bytes, &header);
  if (status == SVF_OK) status = check_share(ith, nth);
  if (status != SVF_OK) return status;
  const svf_factor factor[] = {svf_factor_of(&s, 0), svf_factor_of(&s, 1)};
  pack_factors(&header, s.sigma, factor, block, ith, nth);
  return SVF_OK;
}

svf_status svf_linear_pack(const svf_linear_source *source, void *block, size_t bytes)
{
  const svf_status status = svf_linear_pack_part(source, block, bytes, 0, 1);
  return status == SVF_OK ? svf_linear_seal(block, bytes) : status;
}

/* --- Backwards -------------------------------------------------------------------------------- */

/* The headers of a block and of its transposed layer. */
static svf_status lay_out_transposed(const void *block, size_t bytes, svf_format format,
                                     svf_linear_header *from, svf_linear_header *to)
{
  const svf_status status = svf_linear_read_header(block, bytes, from);
  if (status != SVF_OK) return status;
  return svf_linear_layout((size_t)from->n, (size_t)from->m, (size_t)from->r, format, NULL, to);
}

svf_status svf_linear_transposed_bytes(const void *block, size_t bytes, svf_format format,
                                       size_t *out_bytes)
{
  svf_linear_header from, to = {0};
  if (!out_bytes) return svf_fail(SVF_ERR_NULL, "out_bytes is NULL");
  const svf_status status = lay_out_transposed(block, bytes, format, &from, &to);
  if (status == SVF_OK) *out_bytes = (size_t)to.bytes;
  return status;
}

/* The transposed factors of a block: U in the place of V, and the other way round. */
static svf_factor transposed(const svf_linear_header *h, const char *block, int product,
                             const svf_bands *bands)
{
  return (svf_factor){.data = block + (product == 1 ? h->u_offset : h->v_offset),
                      .channels = svf_product_k(h, product),
                      .k = svf_product_channels(h, product),
                      .bands = bands};
}

svf_status svf_linear_transpose_part(const void *block, size_t bytes, svf_format format, void *out,
                                     size_t out_bytes, size_t ith, size_t nth)
{
  svf_linear_header from, to = {0};
  svf_status status = lay_out_transposed(block, bytes, format, &from, &to);
  if (status == SVF_OK) status = check_destination("out", out, out_bytes, &to);
  if (status == SVF_OK) status = check_share(ith, nth);
  if (status != SVF_OK) return status;
  const char *base = block;
  const svf_bands bands[] = {svf_bands_of(&from, 0), svf_bands_of(&from, 1)};
  const svf_factor u = transposed(&from, base, 1, &bands[1]);
  const svf_factor v = transposed(&from, base, 0, &bands[0]);
  const svf_factor factor[] = {from.r > 0 ? u : (svf_factor){0}, from.r > 0 ? v : u};
  pack_factors(&to, base + from.sigma_offset, factor, out, ith, nth);
  return SVF_OK;
}

svf_status svf_linear_transpose(const void *block, size_t bytes, svf_format format, void *out,
                                size_t out_bytes)
{
  const svf_status status = svf_linear_transpose_part(block, bytes, format, out, out_bytes, 0, 1);
  return status == SVF_OK ? svf_linear_seal(out, out_bytes) : status;
}
