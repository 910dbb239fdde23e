/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing factors into panels. One file for every format and ISA, since the layout is one. */
#include <string.h>

#include "kernels/bf16.h"
#include "kernels/kernel.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/linear/parts.h"
#include "src/linear/quantise.h"

/* Step k, lane j of a panel of floats. */
static void put(char *panel, svf_format format, size_t k, size_t j, float x)
{
  if (format == SVF_FORMAT_F32) {
    ((float *)(void *)panel)[k * SVF_PANEL + j] = x;
  } else {
    ((uint16_t *)(void *)panel)[(k / 2 * SVF_PANEL + j) * 2 + k % 2] = svf_round_bf16(x);
  }
}

/* Blocks of 16 steps, so that reads and writes both stay within a few cache lines. */
static void pack_floats(const svf_factor *f, svf_format format, size_t channel, size_t lanes,
                        char *panel)
{
  const size_t bytes = svf_panel_bytes(format, 0, f->k);
  const size_t last_lines = bytes < 16 * SVF_LINE ? bytes : 16 * SVF_LINE;
  memset(panel + bytes - last_lines, 0, last_lines); /* what lies past k */
  for (size_t k0 = 0; k0 < f->k; k0 += 16) {
    const size_t k1 = f->k - k0 < 16 ? f->k : k0 + 16;
    for (size_t j = 0; j < SVF_PANEL; ++j) {
      for (size_t k = k0; k < k1; ++k) {
        put(panel, format, k, j, j < lanes ? svf_factor_at(f, channel + j, k) : 0.0f);
      }
    }
  }
}

/* One channel's share of a block: its scales and its integers. */
static void pack_channel(const float *w, size_t count, svf_format format, size_t group, size_t j,
                         char *block)
{
  int8_t q[SVF_BLOCK];
  unsigned char *data = (unsigned char *)block + svf_scale_bytes(format, group);
  for (size_t k0 = 0, g = 0; k0 < count; k0 += group, ++g) {
    const size_t left = count - k0 < group ? count - k0 : group;
    const float scale = svf_quantise(w + k0, left, format, q + k0);
    if (format == SVF_FORMAT_S8) {
      ((float *)(void *)block)[g * SVF_PANEL + j] = scale;
    } else {
      ((uint16_t *)(void *)block)[g * SVF_PANEL + j] = svf_round_bf16(scale);
    }
  }
  for (size_t k = 0; k < count; ++k) {
    if (format == SVF_FORMAT_W4) {
      const unsigned nibble = (unsigned)q[k] & 0xfu;
      data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] |= (unsigned char)(nibble << (k % 8 / 4 * 4));
    } else {
      data[(k / 4 * SVF_PANEL + j) * 4 + k % 4] = (unsigned char)q[k];
    }
  }
}

static void pack_integers(const svf_factor *f, const svf_parts *to, size_t panel, size_t lanes,
                          char *out)
{
  float w[SVF_BLOCK];
  for (size_t k0 = 0, count; k0 < f->k; k0 += count) {
    count = svf_block_end(to, k0, f->k) - k0;
    const svf_format format = to->format[svf_part_at(to, panel, k0)];
    char *block = out + svf_parts_offset(to, panel, k0);
    memset(block, 0, svf_panel_bytes(format, to->group, count));
    for (size_t j = 0; j < lanes; ++j) {
      for (size_t k = 0; k < count; ++k) w[k] = svf_factor_at(f, panel * SVF_PANEL + j, k0 + k);
      pack_channel(w, count, format, to->group, j, block);
    }
  }
}

/* Panels [first, last). */
static void pack_panels(const svf_factor *f, const svf_parts *to, char *out, size_t first,
                        size_t last)
{
  for (size_t p = first; p < last; ++p) {
    const size_t channel = p * SVF_PANEL;
    const size_t lanes = f->channels - channel < SVF_PANEL ? f->channels - channel : SVF_PANEL;
    if (svf_format_integer(to->format[1])) {
      pack_integers(f, to, p, lanes, out);
    } else {
      pack_floats(f, to->format[1], channel, lanes, out + svf_parts_offset(to, p, 0));
    }
  }
}

/* Part ith of nth of the panels: any nth, any remainder. */
static void pack_part(const svf_factor *f, const svf_parts *to, char *out, size_t ith, size_t nth)
{
  const size_t panels = (f->channels + SVF_PANEL - 1) / SVF_PANEL;
  pack_panels(f, to, out, svf_share(panels, nth, ith), svf_share(panels, nth, ith + 1));
}

static svf_status check_factor(const char *name, const void *data, svf_dtype type, size_t stride,
                               const char *width_name, size_t rows, size_t width)
{
  size_t span;
  if (!data) return svf_fail(SVF_ERR_NULL, "source->%s is NULL", name);
  if (svf_dtype_size(type) == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "source->%s_type is %d, which is no element type", name,
                    (int)type);
  }
  if ((uintptr_t)data % svf_dtype_size(type) != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "source->%s is at %p, not aligned to its %s elements", name,
                    data, svf_dtype_name(type));
  }
  if (stride < width) {
    return svf_fail(SVF_ERR_ARGUMENT, "source->%s_stride is %zu, less than %s = %zu", name, stride,
                    width_name, width);
  }
  if (!svf_size_mul(rows, stride, &span) || !svf_size_mul(span, sizeof(float), &span)) {
    return svf_fail(SVF_ERR_OVERFLOW, "source->%s: %zu rows of stride %zu exceed SIZE_MAX", name,
                    rows, stride);
  }
  return SVF_OK;
}

svf_status svf_linear_check_source(const svf_linear_source *source)
{
  const bool dense = source->r == 0;
  svf_status status = check_factor("u", source->u, source->u_type, source->u_stride,
                                   dense ? "n" : "r", source->m, dense ? source->n : source->r);
  if (status != SVF_OK) return status;
  if (dense) {
    if (!source->vt && !source->sigma) return SVF_OK;
    return svf_fail(SVF_ERR_ARGUMENT, "r is 0, a dense layer, but source->%s is not NULL",
                    source->vt ? "vt" : "sigma");
  }
  status =
      check_factor("vt", source->vt, source->vt_type, source->vt_stride, "n", source->r, source->n);
  if (status != SVF_OK) return status;
  if (!source->sigma) return svf_fail(SVF_ERR_NULL, "source->sigma is NULL");
  if ((uintptr_t)source->sigma % sizeof(float) != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "source->sigma is at %p, not aligned to fp32",
                    (const void *)source->sigma);
  }
  return SVF_OK;
}

/* And where to pack to. */
static svf_status check_pack_call(const svf_linear_source *source, const void *block, size_t bytes,
                                  svf_linear_header *header)
{
  if (!source) return svf_fail(SVF_ERR_NULL, "source is NULL");
  svf_status status =
      svf_linear_layout(source->m, source->n, source->r, source->format, &source->quant, header);
  if (status == SVF_OK) status = svf_linear_check_source(source);
  if (status != SVF_OK) return status;
  if (!block) return svf_fail(SVF_ERR_NULL, "block is NULL");
  if ((uintptr_t)block % SVF_LINEAR_ALIGNMENT != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "block is at %p, not on a multiple of %d bytes", block,
                    SVF_LINEAR_ALIGNMENT);
  }
  if (bytes < header->bytes) {
    return svf_fail(SVF_ERR_SPACE, "block has %zu bytes, packing needs %llu", bytes,
                    (unsigned long long)header->bytes);
  }
  return SVF_OK;
}

svf_status svf_linear_pack_part(const svf_linear_source *source, void *block, size_t bytes,
                                size_t ith, size_t nth)
{
  svf_linear_header header = {0};
  const svf_status status = check_pack_call(source, block, bytes, &header);
  if (status != SVF_OK) return status;
  if (nth == 0) return svf_fail(SVF_ERR_ARGUMENT, "nth is 0");
  if (ith >= nth) return svf_fail(SVF_ERR_ARGUMENT, "ith is %zu, nth is %zu", ith, nth);

  char *base = block;
  if (ith == 0) {
    memcpy(base, &header, sizeof header);
    float *sigma = (float *)(void *)(base + header.sigma_offset);
    for (size_t i = 0; i < (header.v_offset - header.sigma_offset) / sizeof *sigma; ++i) {
      sigma[i] = i < source->r ? source->sigma[i] : 0.0f;
    }
  }
  const svf_factor v = svf_factor_of(source, 0), u = svf_factor_of(source, 1);
  const svf_parts to_v = svf_parts_of(&header, 0), to_u = svf_parts_of(&header, 1);
  pack_part(&v, &to_v, base + header.v_offset, ith, nth);
  pack_part(&u, &to_u, base + header.u_offset, ith, nth);
  return SVF_OK;
}

svf_status svf_linear_pack(const svf_linear_source *source, void *block, size_t bytes)
{
  const svf_status status = svf_linear_pack_part(source, block, bytes, 0, 1);
  return status == SVF_OK ? svf_linear_seal(block, bytes) : status;
}
