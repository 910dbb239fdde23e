/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 tile, written once for every vector ISA. An ISA's f32.c defines, before it includes
 * this:
 *
 *   vec, LANES                a vector of fp32 and its lanes: 4, 8 or 16
 *   v_zero() v_load(p) v_store(p, v) v_add(x, y) v_mul(x, y)                   any alignment
 *   a_step                    the values of A in one step, in as many registers as the ISA likes
 *   a_load(a, rows)           reads exactly `rows` floats
 *   a_fma(&step, i, b, sum)   sum + A[i]*b with one rounding
 *   v_widen(p), v_round(p, v)                       LANES bf16 to fp32; fp32 to bf16, nearest even
 *   v_prefetch(p)             towards the core
 *   t_store(t, rows, x)       t[j*rows + i] = lane j of x[i], i < rows, j < LANES; x has
 *                             SVF_ROWS_MAX elements, of which those past `rows` are zero
 *
 * and afterwards instantiates SVF_F32_TILE(rows, panels, isa) for the shapes of its registry row.
 * Everything is inlined with constant shapes, so that the sums stay in registers. Lanes that do not
 * exist (past r or m) are handled here, through a line on the stack. */
#ifndef SVF_KERNELS_F32_TILE_H
#define SVF_KERNELS_F32_TILE_H

#include <string.h>

#include "kernels/kernel.h"

#define SVF_INLINE static inline __attribute__((always_inline))
#define SVF_UNROLL _Pragma("GCC unroll 64")
#define SVF_UNROLL_4 _Pragma("GCC unroll 4")

enum { VECS = SVF_PANEL / LANES }; /* vectors in one line of a panel */

/* -DSVF_BREAK_TAIL=ON drops the last channel of a partial panel: proof that the checker can fail.
 */
#ifdef SVF_BREAK_TAIL
enum { TAIL_LOSS = 1 };
#else
enum { TAIL_LOSS = 0 };
#endif

/* One line of one row, 16 channels. */
typedef struct line {
  vec v[VECS];
} line;

SVF_INLINE line line_load(const float *p)
{
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_load(p + v * LANES);
  return l;
}

SVF_INLINE void line_store(float *p, line l)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) v_store(p + v * LANES, l.v[v]);
}

SVF_INLINE line line_add(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_add(x.v[v], y.v[v]);
  return x;
}

/* Gains, bias: fp32 of which only `lanes` may be touched. */
SVF_INLINE line line_load_part(const float *p, int lanes)
{
  if (lanes == SVF_PANEL) return line_load(p);
  float full[SVF_PANEL] = {0};
  memcpy(full, p, (size_t)lanes * sizeof *p);
  return line_load(full);
}

SVF_INLINE line row_load(const char *y, svf_dtype type, int lanes)
{
  if (type == SVF_F32) return line_load_part((const float *)(const void *)y, lanes);
  uint16_t full[SVF_PANEL] = {0};
  memcpy(full, y, (size_t)lanes * sizeof *full);
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_widen(full + v * LANES);
  return l;
}

SVF_INLINE void y_store(char *y, svf_dtype type, int lanes, line l)
{
  if (type == SVF_F32) {
    if (lanes == SVF_PANEL) {
      line_store((float *)(void *)y, l);
      return;
    }
    float full[SVF_PANEL];
    line_store(full, l);
    memcpy(y, full, (size_t)(lanes - TAIL_LOSS) * sizeof *full);
    return;
  }
  uint16_t full[SVF_PANEL];
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) v_round(full + v * LANES, l.v[v]);
  memcpy(y, full, (size_t)lanes * sizeof *full);
}

/* t[j*rows + i] = channel j of l[i], for j < lanes. */
SVF_INLINE void lines_transpose(float *t, const line *l, int rows, int lanes)
{
  float edge[SVF_PANEL * SVF_ROWS_MAX];
  float *to = lanes == SVF_PANEL ? t : edge;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) {
    vec x[SVF_ROWS_MAX];
    SVF_UNROLL
    for (int i = 0; i < SVF_ROWS_MAX; ++i) x[i] = i < rows ? l[i].v[v] : v_zero();
    t_store(to + v * LANES * rows, rows, x);
  }
  if (to == edge) memcpy(t, edge, (size_t)lanes * (size_t)rows * sizeof *t);
}

/* Stage 1: T = sum * gain, transposed into the layout that stage 2 reads as its A. */
static void finish_t(const svf_epilogue *e, size_t channel, int lanes, int rows, const float *sums)
{
  line sum[SVF_ROWS_MAX];
  for (int i = 0; i < rows; ++i) {
    const line gain = line_load_part(e->gains[i] + channel, lanes);
    sum[i] = line_load(sums + i * SVF_PANEL);
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) sum[i].v[v] = v_mul(sum[i].v[v], gain.v[v]);
  }
  lines_transpose(e->t + channel * (size_t)rows, sum, rows, lanes);
}

/* Stage 2: Y = sum (+ bias) (+ Y), rounded to Y's type last. */
static void finish_y(const svf_epilogue *e, size_t channel, int lanes, int rows, const float *sums)
{
  const ptrdiff_t size = e->y_type == SVF_F32 ? 4 : 2;
  char *y = (char *)e->y + (ptrdiff_t)channel * size;
  for (int i = 0; i < rows; ++i) {
    line l = line_load(sums + i * SVF_PANEL);
    if (e->bias) l = line_add(l, line_load_part(e->bias + channel, lanes));
    if (e->accumulate) l = line_add(l, row_load(y, e->y_type, lanes));
    y_store(y, e->y_type, lanes, l);
    y += e->y_stride * size;
  }
}

/* The finished sums of a tile, still in L1. */
static void f32_finish(const svf_tile *tile, int rows, int panels)
{
  for (int p = 0; p < panels; ++p) {
    const int lanes = p == panels - 1 ? tile->lanes : SVF_PANEL;
    const size_t channel = tile->channel + (size_t)p * SVF_PANEL;
    const float *sums = tile->c + p * rows * SVF_PANEL;
    if (tile->epilogue->t) {
      finish_t(tile->epilogue, channel, lanes, rows, sums);
    } else {
      finish_y(tile->epilogue, channel, lanes, rows, sums);
    }
  }
}

/* One step: every row's A times every panel's line of B. */
SVF_INLINE void f32_step(const float *a, const float *b, size_t stride, const int rows,
                         const int panels, line sum[SVF_PANELS_MAX][SVF_ROWS_MAX])
{
  line w[SVF_PANELS_MAX];
  SVF_UNROLL
  for (int p = 0; p < panels; ++p) w[p] = line_load(b + (size_t)p * stride);
  const a_step x = a_load(a, rows);
  SVF_UNROLL
  for (int i = 0; i < rows; ++i) {
    SVF_UNROLL
    for (int p = 0; p < panels; ++p) {
      SVF_UNROLL
      for (int v = 0; v < VECS; ++v) {
        sum[p][i].v[v] = a_fma(&x, i, w[p].v[v], sum[p][i].v[v]);
      }
    }
  }
  /* Loads stay in their step: compilers gather those of several, and spill sums to hold them. */
  __asm__ volatile("" ::: "memory");
}

SVF_INLINE void f32_tile(const svf_tile *tile, const int rows, const int panels)
{
  const size_t stride = tile->b_stride;
  const float *a = tile->a, *b = tile->b, *ahead = tile->ahead, *a_ahead = tile->a_ahead;
  float *c = tile->c;
  line sum[SVF_PANELS_MAX][SVF_ROWS_MAX];

  SVF_UNROLL
  for (int p = 0; p < panels; ++p) {
    SVF_UNROLL
    for (int i = 0; i < rows; ++i) {
      SVF_UNROLL
      for (int v = 0; v < VECS; ++v) {
        sum[p][i].v[v] =
            tile->resume ? v_load(c + (p * rows + i) * SVF_PANEL + v * LANES) : v_zero();
      }
    }
  }

  size_t left = tile->k, fetch = tile->fetch;
  /* Weights that few row blocks use are bound by memory: the fetching is spread evenly. Where many
   * use them it is rare, and kept out of the inner loop. */
  if (tile->stream) {
    for (; left >= SVF_STREAM_UNIT; left -= SVF_STREAM_UNIT) {
      for (int f = 0; f < tile->fetch_rate && fetch > 0; ++f, --fetch) {
        SVF_UNROLL
        for (int p = 0; p < panels; ++p) v_prefetch(ahead + (size_t)p * stride);
        ahead += SVF_PANEL;
      }
      SVF_UNROLL
      for (int s = 0; s < SVF_STREAM_UNIT; ++s) {
        f32_step(a, b, stride, rows, panels, sum);
        a += rows;
        b += SVF_PANEL;
      }
    }
  }
  for (; left >= SVF_FETCH_UNIT; left -= SVF_FETCH_UNIT) {
    for (int f = 0; f < tile->fetch_rate && fetch > 0; ++f, --fetch) {
      SVF_UNROLL
      for (int p = 0; p < panels; ++p) v_prefetch(ahead + (size_t)p * stride);
      ahead += SVF_PANEL;
    }
    if (a_ahead) {
      for (int l = 0; l < rows * SVF_FETCH_UNIT; l += SVF_PANEL) v_prefetch(a_ahead + l);
      a_ahead += rows * SVF_FETCH_UNIT;
    }
    SVF_UNROLL_4 for (int s = 0; s < SVF_FETCH_UNIT; ++s)
    {
      f32_step(a, b, stride, rows, panels, sum);
      a += rows;
      b += SVF_PANEL;
    }
  }
  for (; left > 0; --left) {
    f32_step(a, b, stride, rows, panels, sum);
    a += rows;
    b += SVF_PANEL;
  }

  SVF_UNROLL
  for (int p = 0; p < panels; ++p) {
    SVF_UNROLL
    for (int i = 0; i < rows; ++i) line_store(c + (p * rows + i) * SVF_PANEL, sum[p][i]);
  }
  if (tile->epilogue) f32_finish(tile, rows, panels);
}

/* A row block of X, transposed 16 steps at a time. Its rows lie far apart, where no hardware
 * prefetcher follows, so the block that comes next is fetched meanwhile. */
static void f32_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                          float *a)
{
  const ptrdiff_t size = type == SVF_F32 ? 4 : 2;
  for (size_t j = 0; j < k; j += SVF_PANEL) {
    const int lanes = k - j < SVF_PANEL ? (int)(k - j) : SVF_PANEL;
    const char *from = (const char *)x + (ptrdiff_t)j * size;
    line l[SVF_ROWS_MAX];
    for (int i = 0; i < rows; ++i) {
      l[i] = row_load(from + i * stride * size, type, lanes);
      v_prefetch((const float *)((uintptr_t)from + (uintptr_t)((i + rows) * stride * size)));
    }
    lines_transpose(a, l, rows, lanes);
    a += SVF_PANEL * (size_t)rows;
  }
}

#define SVF_F32_TILE(rows, panels, isa) \
  static void tile_##rows##x##panels##_##isa(const svf_tile *t) { f32_tile(t, rows, panels); }

#endif
