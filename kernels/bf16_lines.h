/* SPDX-License-Identifier: Apache-2.0
 *
 * A in lines of 32 steps in bf16, for kernels that multiply pairs of them: from X, and from
 * finished sums. Lines are whole, with zeros past k. A template header, see unit.h. Before it is
 * included a unit defines
 *
 *   LINES_ABREAST    how many rows share their lines, LANES steps of each in turn; it divides
 *                    row_unit */
#ifndef SVF_KERNELS_BF16_LINES_H
#define SVF_KERNELS_BF16_LINES_H

#include "kernels/finish.h"

/* Names of the unit's own, see unit.h. */
#define BF16_STEPS SVF_NAME(BF16_STEPS)
#define line_place SVF_NAME(line_place)
#define line_put_half SVF_NAME(line_put_half)
#define lines_finish_t SVF_NAME(lines_finish_t)
#define lines_finish SVF_NAME(lines_finish)
#define pack_lines SVF_NAME(pack_lines)

enum { BF16_STEPS = 32 }; /* steps in a line of A */

/* Bytes from the start of a strip's lines to a row's step, which is a multiple of LANES. */
SVF_INLINE int line_place(int row, int step)
{
  const int turn = step / LANES * LINES_ABREAST + row % LINES_ABREAST;
  return row / LINES_ABREAST * LINES_ABREAST * SVF_LINE + turn * LANES * 2;
}

/* Rounds 16 values of a row to bf16: half 0 or 1 of its 32 steps. Returns what is lost. */
SVF_INLINE line line_put_half(char *a, int row, int half, line l)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) {
    const vec high = v_bf16(l.v[v]);
    char *to = a + line_place(row, half * SVF_PANEL + v * LANES);
    v_narrow((uint16_t *)(void *)to, high);
    l.v[v] = v_finite(high, v_sub(l.v[v], high));
  }
  return l;
}

/* T = sum * gain, in lines of 32 channels, with zeros past r since tiles read whole lines. */
static void lines_finish_t(const svf_epilogue *e, size_t channel, int lanes, const svf_tile *tile,
                           size_t padded, const float *sums)
{
  const int planes = e->hi_lo ? 2 : 1, half = (int)(channel / SVF_PANEL % 2);
  char *t = (char *)e->t + channel / BF16_STEPS * (size_t)planes * padded * SVF_LINE;
  if (e->keep) keep_sums(e, channel, lanes, tile->rows, sums);
  const bool pad = half == 0 && channel + SVF_PANEL >= e->t_channels;
  for (int i = 0; i < tile->rows; ++i) {
    const line gain = line_load_part(e->gains[i] + channel, lanes);
    line l = line_load_part(sums + i * SVF_PANEL, lanes);
    char *to = t;
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) l.v[v] = v_mul(l.v[v], gain.v[v]);
    for (int plane = 0; plane < planes; ++plane) {
      l = line_put_half(to, i, half, l);
      if (pad) line_put_half(to, i, 1, line_zero());
      to += padded * SVF_LINE;
    }
  }
}

static void lines_finish(const svf_tile *tile, size_t padded, int panels)
{
  for (int p = 0; p < panels; ++p) {
    const int lanes = p == panels - 1 ? tile->lanes : SVF_PANEL;
    const size_t channel = tile->channel + (size_t)p * SVF_PANEL;
    const float *sums = tile->c + (size_t)p * padded * SVF_PANEL;
    if (tile->epilogue->t) {
      lines_finish_t(tile->epilogue, channel, lanes, tile, padded, sums);
    } else {
      finish_y(tile->epilogue, channel, lanes, tile->rows, sums);
    }
  }
}

/* Rows of X rounded to bf16, `padded` lines for each 32 steps of the strip. Row by row, since rows
 * are often a power of two apart and would evict each other. */
SVF_INLINE void pack_lines(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t padded,
                           size_t k, void *a)
{
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  for (int i = 0; i < rows; ++i) {
    const char *from = (const char *)x + i * stride * size;
    char *to = a;
    for (size_t j = 0; j < k; j += BF16_STEPS, from += BF16_STEPS * size, to += padded * SVF_LINE) {
      const int left = k - j < BF16_STEPS ? (int)(k - j) : BF16_STEPS,
                low = left < SVF_PANEL ? left : SVF_PANEL;
      line_put_half(to, i, 0, row_load(from, type, low));
      line_put_half(to, i, 1,
                    left > SVF_PANEL ? row_load(from + SVF_PANEL * size, type, left - SVF_PANEL)
                                     : line_zero());
    }
  }
}

#endif
