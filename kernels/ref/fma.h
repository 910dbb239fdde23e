/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains of FMAs in plain C: the twin that every kernel of fma_tile.h must match to the bit. fmaf
 * rounds once, whether the CPU has an FMA or libm emulates it. A template header, see unit.h: a
 * format's unit defines FMA_BF16 as 0 or 1. */
#ifndef SVF_KERNELS_REF_FMA_H
#define SVF_KERNELS_REF_FMA_H

#include "kernels/bf16.h"
#include "kernels/ref/finish.h"
#include "kernels/unit.h"

/* Names of the unit's own, see unit.h. */
#define plain_index SVF_NAME(index)
#define plain_weight SVF_NAME(weight)
#define plain_carry SVF_NAME(carry)
#define plain_tile SVF_NAME(tile)
#define plain_pack_rows SVF_NAME(pack_rows)

/* Where in a strip, [k/16][row][16], step k of a row is. */
static size_t plain_index(int rows, int row, size_t k)
{
  return (k / SVF_PANEL * (size_t)rows + (size_t)row) * SVF_PANEL + k % SVF_PANEL;
}

/* The weight of channel j at step k of a panel. */
static float plain_weight(const svf_tile *tile, size_t k, int j)
{
  const size_t at = k / (FMA_BF16 ? 2 : 1) * SVF_PANEL + (size_t)j;
  if (!FMA_BF16) return svf_load_f32(tile->b, at);
  return svf_load_bf16(tile->b, 2 * at + k % 2);
}

/* T as the format carries it. */
static float plain_carry(float t, bool hi_lo)
{
  if (!FMA_BF16) return t;
  const float hi = svf_widen_bf16(svf_round_bf16(t));
  return hi_lo && isfinite(hi) ? hi + svf_widen_bf16(svf_round_bf16(t - hi)) : hi;
}

static void plain_tile(const svf_tile *tile, int rows)
{
  const svf_epilogue *e = tile->epilogue;
  const float *a = tile->a;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      float *c = tile->c + i * SVF_PANEL + j;
      float sum = tile->resume ? *c : 0.0f;
      for (size_t k = 0; k < tile->k; ++k) {
        sum = fmaf(a[plain_index(rows, i, k)], plain_weight(tile, k, j), sum);
      }
      const size_t channel = tile->channel + (size_t)j;
      if (!e) {
        *c = sum;
      } else if (j >= tile->lanes) {
        continue;
      } else if (e->t) {
        if (e->keep) e->keep[i * e->keep_stride + (ptrdiff_t)channel] = sum;
        ((float *)e->t)[plain_index(rows, i, channel)] =
            plain_carry(sum * svf_load_f32(e->gains[i], channel), e->hi_lo);
      } else {
        finish_y_ref(e, i, channel, sum);
      }
    }
  }
}

static void plain_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                            int planes, void *a)
{
  (void)planes;
  for (int i = 0; i < rows; ++i) {
    for (size_t j = 0; j < k; ++j) {
      const ptrdiff_t at = i * stride + (ptrdiff_t)j;
      ((float *)a)[plain_index(rows, i, j)] = type == SVF_DTYPE_F32
                                                  ? plain_carry(((const float *)x)[at], false)
                                                  : svf_widen_bf16(((const uint16_t *)x)[at]);
    }
  }
}

#define PLAIN_TILE(format, rows, panels) \
  static void SVF_TILE_NAME(format, rows, panels)(const svf_tile *tile) { plain_tile(tile, rows); }

#define PLAIN_SHAPES(tile, format) \
  tile(format, 1, 1) tile(format, 2, 1) tile(format, 3, 1) tile(format, 4, 1)

#define PLAIN_KERNEL                                   \
  const svf_kernel SVF_ROW_NAME(SVF_UNIT) = {          \
      .name = "svf_" SVF_STRING(SVF_UNIT) "_4x16_ref", \
      .isa = SVF_ISA_REF,                              \
      .format = SVF_JOIN(SVF_FORMAT, SVF_UNIT),        \
      .needs = 0,                                      \
      .rows = REF_ROWS,                                \
      .row_unit = 1,                                   \
      .a_steps = SVF_PANEL,                            \
      .a_lines = {0, 1, 1},                            \
      .blocking = SVF_VECTOR_BLOCKING,                 \
      .cycles = SVF_PANEL,                             \
      .planes = false,                                 \
      .reads_f32 = !FMA_BF16,                          \
      .fetch_unit = SVF_PANEL,                         \
      .stream_unit = SVF_PANEL,                        \
      .pack_rows = plain_pack_rows,                    \
      .tile = {PLAIN_SHAPES(SVF_FULL_TILE, SVF_UNIT)}, \
  };

#define PLAIN_UNIT PLAIN_SHAPES(PLAIN_TILE, SVF_UNIT) PLAIN_KERNEL

#endif
