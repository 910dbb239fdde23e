/* SPDX-License-Identifier: Apache-2.0
 *
 * Packs factors into panels. One file serves every format and ISA, since they share the layout. */
#include <string.h>

#include "kernels/bf16.h"
#include "kernels/format.h"
#include "src/core/check.h"
#include "src/core/fp_mode.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/linear/bands.h"
#include "src/linear/quantise.h"

enum { TILE = 16 }; /* steps that are read at a time */

/* Reads steps [k0, k0 + count), count <= TILE, of the channels of a panel in the order in which
 * they lie, so that only a few cache lines are read at a time. Channel j's go to to + j * apart. */
static void read_tile(const svf_factor *f, size_t channel, size_t lanes, size_t k0, size_t count,
                      float *to, size_t apart)
{
  if (f->step <= f->stride) {
    for (size_t j = 0; j < lanes; ++j) {
      for (size_t k = 0; k < count; ++k) {
        to[j * apart + k] = svf_factor_at(f, channel + j, k0 + k);
      }
    }
  } else {
    for (size_t k = 0; k < count; ++k) {
      for (size_t j = 0; j < lanes; ++j) {
        to[j * apart + k] = svf_factor_at(f, channel + j, k0 + k);
      }
    }
  }
}

/* Writes step k, lane j of a panel of floats. */
static void put(char *panel, svf_format format, size_t k, size_t j, float x)
{
  if (format == SVF_FORMAT_F32) {
    ((float *)(void *)panel)[k * SVF_PANEL + j] = x;
  } else {
    ((uint16_t *)(void *)panel)[(k / 2 * SVF_PANEL + j) * 2 + k % 2] = svf_round_bf16(x);
  }
}

static void pack_floats(const svf_factor *f, const svf_bands *to, size_t channel, size_t lanes,
                        char *panel)
{
  const svf_format format = to->format[1];
  const size_t bytes = svf_panel_bytes(&to->layout[1], f->k);
  const size_t last_lines = bytes < 16 * SVF_LINE ? bytes : 16 * SVF_LINE;
  float tile[SVF_PANEL * TILE] = {0};
  memset(panel + bytes - last_lines, 0, last_lines); /* what lies past k */
  for (size_t k0 = 0, count; k0 < f->k; k0 += count) {
    count = svf_size_min(f->k - k0, TILE);
    read_tile(f, channel, lanes, k0, count, tile, TILE);
    for (size_t k = 0; k < count; ++k) {
      for (size_t j = 0; j < SVF_PANEL; ++j) put(panel, format, k0 + k, j, tile[j * TILE + k]);
    }
  }
}

/* Packs one channel of a span: its scales and its integers. */
static void pack_channel(const float *w, size_t count, const svf_bands *to, int band, size_t j,
                         char *span)
{
  int8_t q[SVF_SPAN];
  const size_t group = to->group;
  const svf_format format = to->format[band];
  const svf_format_row *row = svf_format_of(format);
  unsigned char *data = (unsigned char *)span + to->layout[band].scales;
  for (size_t k0 = 0, g = 0; k0 < count; k0 += group, ++g) {
    const size_t left = count - k0 < group ? count - k0 : group;
    const float scale = svf_quantise(w + k0, left, format, q + k0);
    if (row->scale == SVF_SCALE_F32) {
      ((float *)(void *)span)[g * SVF_PANEL + j] = scale;
    } else {
      ((uint16_t *)(void *)span)[g * SVF_PANEL + j] = svf_round_bf16(scale);
    }
  }
  for (size_t k = 0; k < count; ++k) {
    if (row->traits.weight_bits == 4) {
      const unsigned nibble = (unsigned)q[k] & 0xfu;
      data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] |= (unsigned char)(nibble << (k % 8 / 4 * 4));
    } else {
      data[(k / 4 * SVF_PANEL + j) * 4 + k % 4] = (unsigned char)q[k];
    }
  }
}

static void pack_integers(const svf_factor *f, const svf_bands *to, size_t panel, size_t lanes,
                          char *out)
{
  float w[SVF_PANEL * SVF_SPAN];
  for (size_t k0 = 0, count; k0 < f->k; k0 += count) {
    count = svf_span_end(to, k0, f->k) - k0;
    const int band = svf_band_at(to, panel, k0);
    char *span = out + svf_bands_offset(to, panel, k0);
    memset(span, 0, svf_panel_bytes(&to->layout[band], count));
    for (size_t k = 0; k < count; k += TILE) {
      read_tile(f, panel * SVF_PANEL, lanes, k0 + k, svf_size_min(count - k, TILE), w + k,
                SVF_SPAN);
    }
    for (size_t j = 0; j < lanes; ++j) {
      pack_channel(w + j * SVF_SPAN, count, to, band, j, span);
    }
  }
}

/* Packs panels [first, last). */
static void pack_panels(const svf_factor *f, const svf_bands *to, char *out, size_t first,
                        size_t last)
{
  for (size_t p = first; p < last; ++p) {
    const size_t channel = p * SVF_PANEL;
    const size_t lanes = f->channels - channel < SVF_PANEL ? f->channels - channel : SVF_PANEL;
    if (svf_format_of(to->format[1])->traits.integer) {
      pack_integers(f, to, p, lanes, out);
    } else {
      pack_floats(f, to, channel, lanes, out + svf_bands_offset(to, p, 0));
    }
  }
}

/* Packs share ith of nth of the panels, for any nth. */
static void pack_share(const svf_factor *f, const svf_bands *to, char *out, size_t ith, size_t nth)
{
  const size_t panels = (f->channels + SVF_PANEL - 1) / SVF_PANEL;
  pack_panels(f, to, out, svf_share(panels, nth, ith), svf_share(panels, nth, ith + 1));
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
  if (!block) return svf_fail(SVF_ERR_NULL, "block is NULL");
  status = svf_check_line("block", block);
  if (status != SVF_OK) return status;
  if (bytes < header->bytes) {
    return svf_fail(SVF_ERR_SPACE, "block has %zu bytes, packing needs %llu", bytes,
                    (unsigned long long)header->bytes);
  }
  return SVF_OK;
}

svf_status svf_linear_pack_part(const svf_linear_source *source, void *block, size_t bytes,
                                size_t ith, size_t nth)
{
  svf_linear_source s;
  svf_linear_header header = {0};
  const svf_status status = check_pack_call(source, &s, block, bytes, &header);
  if (status != SVF_OK) return status;
  if (nth == 0) return svf_fail(SVF_ERR_ARGUMENT, "nth is 0");
  if (ith >= nth) return svf_fail(SVF_ERR_ARGUMENT, "ith is %zu, nth is %zu", ith, nth);

  char *base = block;
  if (ith == 0) {
    memcpy(base, &header, sizeof header);
    float *sigma = (float *)(void *)(base + header.sigma_offset);
    for (size_t i = 0; i < (header.v_offset - header.sigma_offset) / sizeof *sigma; ++i) {
      sigma[i] = i < s.r ? s.sigma[i] : 0.0f;
    }
  }
  const svf_factor v = svf_factor_of(&s, 0), u = svf_factor_of(&s, 1);
  const svf_bands to_v = svf_bands_of(&header, 0), to_u = svf_bands_of(&header, 1);
  const uint64_t rounding = svf_fp_to_nearest(); /* the same bytes whatever the caller's mode */
  pack_share(&v, &to_v, base + header.v_offset, ith, nth);
  pack_share(&u, &to_u, base + header.u_offset, ith, nth);
  svf_fp_round_as(rounding);
  return SVF_OK;
}

svf_status svf_linear_pack(const svf_linear_source *source, void *block, size_t bytes)
{
  const svf_status status = svf_linear_pack_part(source, block, bytes, 0, 1);
  return status == SVF_OK ? svf_linear_seal(block, bytes) : status;
}
