/* SPDX-License-Identifier: Apache-2.0
 *
 * A in lines of 32 steps in bf16, for kernels of AVX-512 machines that multiply pairs of them: from
 * X, and from finished sums. Lines are whole, with zeros past k. Include line.h before. */
#ifndef SVF_KERNELS_AVX512_BF16_LINES_H
#define SVF_KERNELS_AVX512_BF16_LINES_H

#include <string.h>

#include "kernels/line.h"

enum { STEPS = 32 }; /* of a line of A */

/* 16 values of T rounded to bf16: which half of a line they are is in `t`. Returns what is lost. */
SVF_INLINE vec put_half(char *t, vec v)
{
  const vec high = v_bf16(v);
  v_narrow((uint16_t *)(void *)t, high);
  return v_finite(high, v_sub(v, high));
}

/* T = sum * gain, in lines of 32 channels with zeros past r: tiles read whole lines. */
static void finish_t(const svf_epilogue *e, size_t channel, int lanes, const svf_tile *tile,
                     size_t padded, const float *sums)
{
  const size_t planes = e->split ? 2 : 1, half = channel / SVF_PANEL % 2;
  char *t = (char *)e->t + channel / STEPS * planes * padded * SVF_LINE + half * (SVF_LINE / 2);
  const bool pad = half == 0 && channel + SVF_PANEL >= e->t_channels;
  const __mmask16 real = (__mmask16)((1u << lanes) - 1);
  for (int i = 0; i < tile->rows; ++i) {
    const line gain = line_load_part(e->gains[i] + channel, lanes);
    char *to = t + i * SVF_LINE;
    vec v = _mm512_maskz_mul_ps(real, v_load(sums + i * SVF_PANEL), gain.v[0]);
    for (size_t plane = 0; plane < planes; ++plane) {
      v = put_half(to, v);
      if (pad) memset(to + SVF_LINE / 2, 0, SVF_LINE / 2);
      to += padded * SVF_LINE;
    }
  }
}

static void finish(const svf_tile *tile, size_t padded, int panels)
{
  for (int p = 0; p < panels; ++p) {
    const int lanes = p == panels - 1 ? tile->lanes : SVF_PANEL;
    const size_t channel = tile->channel + (size_t)p * SVF_PANEL;
    const float *sums = tile->c + (size_t)p * padded * SVF_PANEL;
    if (tile->epilogue->t) {
      finish_t(tile->epilogue, channel, lanes, tile, padded, sums);
    } else {
      finish_y(tile->epilogue, channel, lanes, tile->rows, sums);
    }
  }
}

/* Rows of X rounded to bf16, `padded` lines for a step of the block. Row by row: rows are often a
 * power of two apart, and would evict each other. */
SVF_INLINE void pack_lines(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t padded,
                           size_t k, void *a)
{
  const ptrdiff_t size = type == SVF_F32 ? 4 : 2;
  const size_t line_bytes = padded * SVF_LINE;
  for (int i = 0; i < rows; ++i) {
    const char *from = (const char *)x + i * stride * size;
    char *to = (char *)a + (size_t)i * SVF_LINE;
    for (size_t j = 0; j < k; j += STEPS, from += STEPS * size, to += line_bytes) {
      const int left = k - j < STEPS ? (int)(k - j) : STEPS,
                low = left < SVF_PANEL ? left : SVF_PANEL;
      v_narrow((uint16_t *)(void *)to, v_bf16(row_load(from, type, low).v[0]));
      if (left > SVF_PANEL) {
        v_narrow((uint16_t *)(void *)(to + SVF_LINE / 2),
                 v_bf16(row_load(from + SVF_PANEL * size, type, left - SVF_PANEL).v[0]));
      } else {
        memset(to + SVF_LINE / 2, 0, SVF_LINE / 2);
      }
    }
  }
}

#endif
