/* SPDX-License-Identifier: Apache-2.0
 *
 * The configurations of AMX tiles, for every format: 16 rows x 64 bytes each, or for groups
 * of 32 half as deep, and what is fetched between their loads. Before this is included an
 * ISA's vec.h is. */
#ifndef SVF_KERNELS_AMX_TILES_H
#define SVF_KERNELS_AMX_TILES_H

#include "kernels/line.h"

enum {
  ROWS = 16, /* of a tile */
  TILE_BYTES = ROWS * SVF_LINE,
  C_LINES = 4 /* of the next sums that a step fetches: those of 2 x 2 tiles in 16 steps */
};

/* Palette 1; bytes per row of each tile, and rows of each. */
typedef struct tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} tile_config;

#define TILES(depth)                                                                            \
  {                                                                                             \
    1, 0, {0},                                                                                  \
        {SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, 4 * (depth), 4 * (depth), SVF_LINE, SVF_LINE}, \
        {ROWS, ROWS, ROWS, ROWS, ROWS, ROWS, (depth), (depth)},                                 \
  }

/* A of 4 * depth bytes a row, B of depth rows. */
static const tile_config full_depth = TILES(ROWS), half_depth = TILES(ROWS / 2);

/* Groups of 32 of integers are half a tile deep. */
static void begin(int group)
{
  _tile_loadconfig(group == SVF_GROUP_LEAST ? &half_depth : &full_depth);
}
static void end(void) { _tile_release(); }

/* What a tile fetches. */
typedef struct fetches {
  svf_fetch a, b;
  const float *c;
} fetches;

SVF_INLINE fetches fetches_of(const svf_tile *tile)
{
  return (fetches){tile->a_ahead, tile->ahead, tile->c_ahead};
}

/* What is fetched during a step, in small portions between the loads of tiles, which they would
 * hold up: so many lines. */
typedef struct fetching {
  const char *a, *b;
  const float *c;
  size_t a_lines, b_lines, stride; /* b_lines of each panel */
} fetching;

SVF_INLINE const char *fetch_next(svf_fetch *f, size_t *lines)
{
  if (f->lines == 0) {
    f->from = f->then;
    f->lines = f->then_lines;
    f->then_lines = 0;
  }
  const char *from = f->from;
  *lines = f->lines < (size_t)f->rate ? f->lines : (size_t)f->rate;
  if (*lines > 0) f->from += *lines * SVF_LINE;
  f->lines -= *lines;
  return from;
}

SVF_INLINE fetching fetch_step(fetches *f, size_t stride)
{
  fetching now = {.c = f->c, .stride = stride};
  now.a = fetch_next(&f->a, &now.a_lines);
  now.b = fetch_next(&f->b, &now.b_lines);
  if (f->c) f->c += C_LINES * SVF_PANEL;
  return now;
}

SVF_INLINE void fetch_panel(const fetching *f, int panel)
{
  if (f->b_lines == 0) return;
  const char *from = f->b + (size_t)panel * f->stride;
  for (size_t i = 0; i < f->b_lines; ++i) v_prefetch(from + i * SVF_LINE);
}

SVF_INLINE void fetch_a_and_c(const fetching *f)
{
  for (int i = 0; f->c && i < C_LINES; ++i) v_prefetch_l1(f->c + i * SVF_PANEL);
  for (size_t i = 0; i < f->a_lines; ++i) v_prefetch(f->a + i * SVF_LINE);
}

#endif
