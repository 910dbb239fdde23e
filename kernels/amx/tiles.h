/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration of AMX tiles, for every format: 16 rows x 64 bytes each, and what is fetched
 * between their loads. Before this is included an ISA's vec.h is. */
#ifndef SVF_KERNELS_AMX_TILES_H
#define SVF_KERNELS_AMX_TILES_H

#include "kernels/line.h"

enum {
  ROWS = 16, /* of a tile */
  TILE_BYTES = ROWS * SVF_LINE
};

/* Palette 1; bytes 16..31: bytes per row of each tile, from 48: rows of each. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} config = {1,
            0,
            {0},
            {SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE},
            {ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, ROWS}};

static void begin(void) { _tile_loadconfig(&config); }
static void end(void) { _tile_release(); }

/* The lines to fetch during a step: of each panel wanted next, `lines` from `from` on. */
typedef struct fetching {
  const char *from;
  size_t stride;
  size_t lines;
} fetching;

/* Those of one panel. In small portions between the loads of tiles, which they would hold up. */
SVF_INLINE void fetch_panel(const fetching *f, int panel)
{
  const char *from = f->from + (size_t)panel * f->stride;
  for (size_t i = 0; i < f->lines; ++i) v_prefetch(from + i * SVF_LINE);
}

#endif
