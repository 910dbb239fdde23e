/* SPDX-License-Identifier: Apache-2.0
 *
 * Driving the tiles of a kernel: the only place that calls them. */
#ifndef SVF_MATMUL_TILE_H
#define SVF_MATMUL_TILE_H

#include "kernels/kernel.h"
#include "src/core/size.h"

/* Panels of the next tile of `units` row units when `left` panels remain. Two smaller tiles are
 * better than a full one and a rest of one panel, whose FMAs would wait for each other. */
static inline size_t svf_tile_panels(const svf_kernel *kernel, int units, size_t left)
{
  const size_t full = (size_t)kernel->tile[units].panels;
  if (left == full + 1 && full > 2 && kernel->tile[units].fn[full - 1]) return full - 1;
  if (left >= full) return full;
  while (!kernel->tile[units].fn[left]) --left;
  return left;
}

/* Always inlined, so that `prepare` is, too: compilers do not inline a call through a pointer. */
#define SVF_ALWAYS_INLINE static inline __attribute__((always_inline))

/* Tells a tile of n panels, the first of which is panel `at` of the run, what it needs besides its
 * operands. */
typedef void svf_tile_prepare(const void *context, size_t at, size_t n, svf_tile *tile);

/* Multiplies a strip of `units` row units by a run of panels, tile after tile.
 *
 *   tile      on the way in it describes all panels: a, planes, rows, b (the first one), b_stride,
 *             group, k, c (the sums, [panel][padded row][16]), resume, epilogue, channel. The
 *             members that differ from tile to tile are overwritten
 *   channels  outputs from the first panel on; the last panel may have fewer than 16 of them
 *   prepare   called before each tile, or NULL */
SVF_ALWAYS_INLINE void svf_tiles_run(const svf_kernel *kernel, int units, svf_tile *tile,
                                     size_t panels, size_t channels, svf_tile_prepare *prepare,
                                     const void *context)
{
  const char *b = tile->b;
  float *c = tile->c;
  const size_t channel = tile->channel;
  const size_t panel_sums = (size_t)(units * kernel->row_unit) * SVF_PANEL;
  for (size_t at = 0, n; at < panels; at += n) {
    n = svf_tile_panels(kernel, units, panels - at);
    tile->b = b + at * tile->b_stride;
    tile->c = c + at * panel_sums;
    tile->channel = channel + at * SVF_PANEL;
    tile->lanes = (int)svf_size_min(channels - (at + n - 1) * SVF_PANEL, SVF_PANEL);
    if (prepare) prepare(context, at, n, tile);
    kernel->tile[units].fn[n](tile);
  }
}

#endif
