/* SPDX-License-Identifier: Apache-2.0
 *
 * A row for each format. cmake/documents.cmake reads the names from here, too. */
#include "kernels/format.h"

/* The whole block of 256 steps; or what svf_quant.group chooses from, the default first. */
static const size_t format_block[] = {SVF_BLOCK}, format_groups[] = {SVF_GROUP_LEAST, 64, 128};

#define FORMAT_BLOCK .groups = format_block, .group_count = 1
#define FORMAT_GROUPS \
  .groups = format_groups, .group_count = sizeof format_groups / sizeof *format_groups

/* Digits of weights, X and T. */
#define FORMAT_DIGITS(w, x, t) .weight_precision = (w), .x_precision = (x), .t_precision = (t)

/* At the index that is the format's value. */
/* clang-format off */
static const svf_format_row format_rows[] = {
    [SVF_FORMAT_F32] = {
        {.name = "f32", .weights = SVF_FORMAT_F32, .dense = SVF_FORMAT_F32,
         .weight_bits = 32, FORMAT_DIGITS(24, 24, 24)},
        .head = SVF_FORMAT_F32, .unit = 1, .x_planes = 1, .t_planes = 1},
    [SVF_FORMAT_BF16] = {
        {.name = "bf16", .weights = SVF_FORMAT_BF16, .dense = SVF_FORMAT_BF16,
         .weight_bits = 16, FORMAT_DIGITS(8, 8, 8)},
        .head = SVF_FORMAT_BF16, .unit = 32, .x_planes = 1, .t_planes = 1},
    [SVF_FORMAT_BF16_SPLIT] = {
        {.name = "bf16-split", .weights = SVF_FORMAT_BF16, .dense = SVF_FORMAT_BF16_SPLIT,
         .weight_bits = 16, FORMAT_DIGITS(8, 8, 16), .hi_lo = true},
        .head = SVF_FORMAT_BF16, .unit = 32, .x_planes = 1, .t_planes = 2},
    [SVF_FORMAT_S8] = {
        {.name = "s8", .weights = SVF_FORMAT_S8, .dense = SVF_FORMAT_S8,
         .integer = true, .weight_bits = 8, FORMAT_DIGITS(8, 8, 8), FORMAT_BLOCK},
        .head = SVF_FORMAT_S8, .scale = SVF_SCALE_F32, .unit = 64, .x_planes = 1, .t_planes = 1},
    [SVF_FORMAT_S8_SPLIT] = {
        {.name = "s8-split", .weights = SVF_FORMAT_S8, .dense = SVF_FORMAT_S8_SPLIT,
         .integer = true, .weight_bits = 8, FORMAT_DIGITS(8, 8, 15), .hi_lo = true, FORMAT_BLOCK},
        .head = SVF_FORMAT_S8, .scale = SVF_SCALE_F32, .unit = 64, .x_planes = 1, .t_planes = 2},
    [SVF_FORMAT_W8] = {
        {.name = "w8", .weights = SVF_FORMAT_W8, .dense = SVF_FORMAT_W8,
         .integer = true, .weight_bits = 8, FORMAT_DIGITS(8, 15, 15), FORMAT_GROUPS},
        .head = SVF_FORMAT_W8, .scale = SVF_SCALE_BF16, .unit = 64, .x_planes = 2, .t_planes = 2},
    [SVF_FORMAT_W4] = {
        {.name = "w4", .weights = SVF_FORMAT_W4, .dense = SVF_FORMAT_W4,
         .integer = true, .weight_bits = 4, FORMAT_DIGITS(4, 15, 15), FORMAT_GROUPS},
        .head = SVF_FORMAT_W4, .scale = SVF_SCALE_BF16, .unit = 64, .x_planes = 2, .t_planes = 2},
    [SVF_FORMAT_W84] = {
        {.name = "w84", .weights = SVF_FORMAT_W4, .dense = SVF_FORMAT_W4,
         .integer = true, .weight_bits = 4, FORMAT_DIGITS(4, 15, 15), .bands = true, FORMAT_GROUPS},
        .head = SVF_FORMAT_W8, .scale = SVF_SCALE_BF16, .unit = 64, .x_planes = 2, .t_planes = 2},
};
/* clang-format on */

enum { FORMATS_END = sizeof format_rows / sizeof *format_rows };

const svf_format_row *svf_format_of(svf_format format)
{
  return (unsigned)format < FORMATS_END && format_rows[format].traits.name ? &format_rows[format]
                                                                           : NULL;
}

size_t svf_format_count(void)
{
  size_t count = 0;
  for (size_t i = 0; i < FORMATS_END; ++i) count += format_rows[i].traits.name != NULL;
  return count;
}

svf_format svf_format_at(size_t i)
{
  for (size_t at = 0; at < FORMATS_END; ++at) {
    if (format_rows[at].traits.name && i-- == 0) return (svf_format)at;
  }
  return SVF_FORMAT_NONE;
}

svf_panel_layout svf_panel_layout_of(svf_format weights, size_t group)
{
  static const size_t scale_bytes[] = {
      [SVF_SCALE_NONE] = 0, [SVF_SCALE_F32] = sizeof(float), [SVF_SCALE_BF16] = sizeof(uint16_t)};
  const svf_format_row *row = &format_rows[weights];
  const size_t scales = group > 0 ? SVF_BLOCK / group * SVF_PANEL * scale_bytes[row->scale] : 0;
  return (svf_panel_layout){.step = (uint16_t)(SVF_PANEL * row->traits.weight_bits / 8),
                            .unit = row->unit,
                            .scales = (uint16_t)scales};
}
