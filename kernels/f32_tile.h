/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 tile, written once for every vector ISA. An ISA's f32.c defines, before it includes
 * this:
 *
 *   vec, LANES                a vector of fp32 and its lanes: 4, 8 or 16
 *   v_zero() v_load(p) v_store(p, v) v_add(x, y) v_mul(x, y)                   any alignment
 *   a_row                     up to F32_STEPS values of one row of A, or where they are
 *   a_load(a, count)          reads no more than `count` floats
 *   a_value, a_at(x, s)       the value of step s
 *   a_fma(y, b, sum)          sum + y*b with one rounding
 *   v_widen(p), v_round(p, v)                       LANES bf16 to fp32; fp32 to bf16, nearest even
 *   v_prefetch(p)             towards the core
 *
 * and afterwards instantiates SVF_F32_TILE(rows, panels, isa) for the shapes of its registry row.
 * Everything is inlined with constant shapes, so that the sums stay in registers. Lanes that do not
 * exist (past r or m) are handled here, through a line on the stack. */
#ifndef SVF_KERNELS_F32_TILE_H
#define SVF_KERNELS_F32_TILE_H

#include <string.h>

#include "kernels/kernel.h"

#define SVF_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define SVF_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SVF_UNROLL _Pragma("GCC unroll 64")
#endif

enum {
  VECS = SVF_PANEL / LANES, /* vectors in one line of a panel */
  F32_STEPS = 4             /* steps for which a row of A is loaded at once; divides a line */
};
_Static_assert((int)SVF_STREAM_UNIT == (int)F32_STEPS, "a fetch per group of steps");

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

/* Stage 1: T = sum * gain, the A of stage 2. Its lines are whole; what lies past r is never read.
 */
static void finish_t(const svf_epilogue *e, size_t channel, int lanes, int rows, const float *sums)
{
  float *t = e->t + channel * (size_t)rows;
  for (int i = 0; i < rows; ++i) {
    const line gain = line_load_part(e->gains[i] + channel, lanes);
    line l = line_load(sums + i * SVF_PANEL);
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) l.v[v] = v_mul(l.v[v], gain.v[v]);
    line_store(t + i * SVF_PANEL, l);
  }
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

/* The sums of a tile, row by row, in the order of their use: [row][panel][VECS]. Loops over them
 * are shallow and do not jump: clang unrolls deep nests too late to keep the sums in registers, gcc
 * spills what it has to permute. */
typedef struct sums {
  vec v[SVF_PANELS_MAX * VECS * SVF_ROWS_MAX];
} sums;

/* Step s of those that x holds: every row's A times every panel's line of B. */
SVF_INLINE void f32_step(const a_row *x, const int s, const float *b, size_t stride, const int rows,
                         const int panels, sums *sum)
{
  const int vecs = panels * VECS;
  vec w[SVF_PANELS_MAX * VECS];
  a_value y = a_at(x[0], s);
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) w[q] = v_load(b + (size_t)(q / VECS) * stride + q % VECS * LANES);
  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) {
    if (e % vecs == 0) y = a_at(x[e / vecs], s);
    sum->v[e] = a_fma(y, w[e % vecs], sum->v[e]);
  }
  /* Loads stay in their step: compilers gather those of several, and spill sums to hold them. */
  __asm__ volatile("" ::: "memory");
}

/* F32_STEPS steps, or one. */
SVF_INLINE void f32_steps(const float *a, const float *b, size_t stride, const int rows,
                          const int panels, const int count, sums *sum)
{
  /* Hidden, or addresses of all steps would be computed beforehand and kept on the stack. */
  __asm__("" : "+r"(stride));
  a_row x[SVF_ROWS_MAX];
  SVF_UNROLL
  for (int i = 0; i < rows; ++i) x[i] = a_load(a + i * SVF_PANEL, count);
  SVF_UNROLL
  for (int s = 0; s < count; ++s) f32_step(x, s, b + s * SVF_PANEL, stride, rows, panels, sum);
}

/* Where sum e lies in c, [panel][row][16]. */
SVF_INLINE float *c_at(float *c, const int rows, const int vecs, int e)
{
  const int i = e / vecs, q = e % vecs;
  return c + (q / VECS * rows + i) * SVF_PANEL + q % VECS * LANES;
}

/* Up to `rate` steps of the panels wanted next. */
SVF_INLINE void f32_fetch(const float **ahead, size_t stride, const int panels, int rate,
                          size_t *left)
{
  for (; rate > 0 && *left > 0; --rate, --*left) {
    SVF_UNROLL
    for (int p = 0; p < panels; ++p) v_prefetch(*ahead + (size_t)p * stride);
    *ahead += SVF_PANEL;
  }
}

SVF_INLINE void f32_tile(const svf_tile *tile, const int rows, const int panels)
{
  const size_t stride = tile->b_stride;
  const float *a = tile->a, *b = tile->b, *ahead = tile->ahead, *a_ahead = tile->a_ahead;
  float *c = tile->c;
  const int vecs = panels * VECS;
  sums sum;
  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) {
    sum.v[e] = tile->resume ? v_load(c_at(c, rows, vecs, e)) : v_zero();
  }

  /* Where memory is the limit the fetching is spread evenly, else it stays out of the way. */
  size_t left = tile->k, fetch = tile->fetch;
  const int rate = tile->fetch_rate;
  for (; left >= SVF_PANEL; left -= SVF_PANEL) {
    if (!tile->stream) f32_fetch(&ahead, stride, panels, rate, &fetch);
    if (a_ahead) {
      for (int i = 0; i < rows; ++i) v_prefetch(a_ahead + i * SVF_PANEL);
      a_ahead += rows * SVF_PANEL;
    }
    for (int s = 0; s < SVF_PANEL; s += F32_STEPS) {
      if (tile->stream) f32_fetch(&ahead, stride, panels, rate, &fetch);
      f32_steps(a + s, b, stride, rows, panels, F32_STEPS, &sum);
      b += F32_STEPS * SVF_PANEL;
    }
    a += rows * SVF_PANEL;
  }
  for (; left >= F32_STEPS; left -= F32_STEPS) {
    f32_steps(a, b, stride, rows, panels, F32_STEPS, &sum);
    a += F32_STEPS;
    b += F32_STEPS * SVF_PANEL;
  }
  for (; left > 0; --left) {
    f32_steps(a++, b, stride, rows, panels, 1, &sum);
    b += SVF_PANEL;
  }

  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) v_store(c_at(c, rows, vecs, e), sum.v[e]);
  if (tile->epilogue) f32_finish(tile, rows, panels);
}

/* A row block of X in lines. Its rows lie far apart, where no hardware prefetcher follows, so the
 * block that comes next is fetched meanwhile. */
static void f32_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                          float *a)
{
  const ptrdiff_t size = type == SVF_F32 ? 4 : 2;
  for (size_t j = 0; j < k; j += SVF_PANEL) {
    const int lanes = k - j < SVF_PANEL ? (int)(k - j) : SVF_PANEL;
    const char *from = (const char *)x + (ptrdiff_t)j * size;
    for (int i = 0; i < rows; ++i) {
      v_prefetch((const float *)((uintptr_t)from + (uintptr_t)(rows * stride * size)));
      line_store(a, row_load(from, type, lanes));
      a += SVF_PANEL;
      from += stride * size;
    }
  }
}

#define SVF_F32_TILE(rows, panels, isa) \
  static void tile_##rows##x##panels##_##isa(const svf_tile *t) { f32_tile(t, rows, panels); }

#endif
