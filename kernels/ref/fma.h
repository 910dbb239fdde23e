/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains of FMAs in plain C: the twin that every kernel of fma_tile.h must match to the bit. fmaf
 * is one rounding whether the CPU has an FMA or libm emulates it. A format's file defines
 * FMA_PER_LINE, steps in a line of weights: 1 for fp32, 2 for bf16. */
#ifndef SVF_KERNELS_REF_FMA_H
#define SVF_KERNELS_REF_FMA_H

#include <math.h>

#include "kernels/bf16.h"
#include "kernels/ref/finish.h"
#include "kernels/registry.h"

enum { ROWS = 4 };

/* Where A of a row block, [k/16][row][16], has step k of a row. */
static size_t a_index(int rows, int row, size_t k)
{
  return (k / SVF_PANEL * (size_t)rows + (size_t)row) * SVF_PANEL + k % SVF_PANEL;
}

/* Weight of channel j in step k of a panel. */
static float weight(const svf_tile *tile, size_t k, int j)
{
  const size_t at = k / FMA_PER_LINE * SVF_PANEL + (size_t)j;
  if (FMA_PER_LINE == 1) return ((const float *)tile->b)[at];
  return svf_widen_bf16(((const uint16_t *)tile->b)[2 * at + k % 2]);
}

/* T as the format carries it. */
static float carry(float t, bool split)
{
  if (FMA_PER_LINE == 1) return t;
  const float hi = svf_widen_bf16(svf_round_bf16(t));
  return split && isfinite(hi) ? hi + svf_widen_bf16(svf_round_bf16(t - hi)) : hi;
}

static void tile_of(const svf_tile *tile, int rows)
{
  const svf_epilogue *e = tile->epilogue;
  const float *a = tile->a;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      float *c = tile->c + i * SVF_PANEL + j;
      float sum = tile->resume ? *c : 0.0f;
      for (size_t k = 0; k < tile->k; ++k) {
        sum = fmaf(a[a_index(rows, i, k)], weight(tile, k, j), sum);
      }
      const size_t channel = tile->channel + (size_t)j;
      if (!e) {
        *c = sum;
      } else if (j >= tile->lanes) {
        continue;
      } else if (e->t) {
        if (e->keep) e->keep[i * e->keep_stride + (ptrdiff_t)channel] = sum;
        ((float *)e->t)[a_index(rows, i, channel)] = carry(sum * e->gains[i][channel], e->split);
      } else {
        finish_y(e, i, channel, sum);
      }
    }
  }
}

static void tile_1(const svf_tile *tile) { tile_of(tile, 1); }
static void tile_2(const svf_tile *tile) { tile_of(tile, 2); }
static void tile_3(const svf_tile *tile) { tile_of(tile, 3); }
static void tile_4(const svf_tile *tile) { tile_of(tile, 4); }

static void pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                      int planes, void *a)
{
  (void)planes;
  for (int i = 0; i < rows; ++i) {
    for (size_t j = 0; j < k; ++j) {
      const ptrdiff_t at = i * stride + (ptrdiff_t)j;
      ((float *)a)[a_index(rows, i, j)] = type == SVF_DTYPE_F32
                                              ? carry(((const float *)x)[at], false)
                                              : svf_widen_bf16(((const uint16_t *)x)[at]);
    }
  }
}

#define REF_KERNEL(format_, enumerator)           \
  const svf_kernel svf_kernel_##format_##_ref = { \
      .name = "svf_" #format_ "_4x16_ref",        \
      .isa = SVF_ISA_REF,                         \
      .format = (enumerator),                     \
      .needs = 0,                                 \
      .rows = ROWS,                               \
      .row_unit = 1,                              \
      .a_steps = SVF_PANEL,                       \
      .a_lines = {0, 1, 1},                       \
      .blocking = SVF_VECTOR_BLOCKING,            \
      .cycles = SVF_PANEL,                        \
      .planes = false,                            \
      .reads_f32 = FMA_PER_LINE == 1,             \
      .fetch_unit = SVF_PANEL,                    \
      .stream_unit = SVF_PANEL,                   \
      .pack_rows = pack_rows,                     \
      .tile = {[1] = {1, {[1] = tile_1}},         \
               [2] = {1, {[1] = tile_2}},         \
               [3] = {1, {[1] = tile_3}},         \
               [4] = {1, {[1] = tile_4}}},        \
  }

#endif
