/* SPDX-License-Identifier: Apache-2.0
 *
 * The configurations of AMX tiles, for every format: 16 rows x 64 bytes each, or half as deep for
 * groups of 32. And what is fetched between the loads of tiles. */
#ifndef SVF_KERNELS_AMX_TILES_H
#define SVF_KERNELS_AMX_TILES_H

#include "kernels/avx512/vec.h"

enum {
  AMX_ROWS = 16, /* rows of a tile */
  AMX_TILE_BYTES = AMX_ROWS * SVF_LINE,
  AMX_C_LINES = 4 /* lines of the next tile's sums that a step fetches: 2 x 2 tiles take 16 steps */
};

/* Called before and after the tiles of a share. Tiles are half as deep for groups of 32. A caller's
 * own configuration is put back, as engines make it once per thread; the contents of its tiles are
 * lost, as with any other configuration. */
void svf_begin_amx(int group, svf_kernel_state *callers);
void svf_end_amx(const svf_kernel_state *callers);

SVF_TARGET_AVX512

/* What remains to be fetched during a tile. */
typedef struct amx_fetches {
  svf_fetch a, b;
  const float *c;
} amx_fetches;

SVF_INLINE amx_fetches amx_fetches_of(const svf_tile *tile)
{
  return (amx_fetches){tile->a_ahead, tile->ahead, tile->c_ahead};
}

/* What is fetched during one step, in small portions between the loads of tiles, which prefetches
 * would hold up otherwise. */
typedef struct amx_fetching {
  const char *a, *b;
  const float *c;
  size_t a_lines, b_lines, stride; /* lines of A, lines of each panel, bytes between panels */
} amx_fetching;

SVF_INLINE const char *amx_fetch_next(svf_fetch *f, size_t *lines)
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

SVF_INLINE amx_fetching amx_fetch_step(amx_fetches *f, size_t stride)
{
  amx_fetching now = {.c = f->c, .stride = stride};
  now.a = amx_fetch_next(&f->a, &now.a_lines);
  now.b = amx_fetch_next(&f->b, &now.b_lines);
  if (f->c) f->c += AMX_C_LINES * SVF_PANEL;
  return now;
}

SVF_INLINE void amx_fetch_panel(const amx_fetching *f, int panel)
{
  if (f->b_lines == 0) return;
  const char *from = f->b + (size_t)panel * f->stride;
  for (size_t i = 0; i < f->b_lines; ++i) v_prefetch_avx512(from + i * SVF_LINE);
}

SVF_INLINE void amx_fetch_a_and_c(const amx_fetching *f)
{
  for (int i = 0; f->c && i < AMX_C_LINES; ++i) v_prefetch_l1_avx512(f->c + i * SVF_PANEL);
  for (size_t i = 0; i < f->a_lines; ++i) v_prefetch_avx512(f->a + i * SVF_LINE);
}

SVF_TARGET_END

#endif
