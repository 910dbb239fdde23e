/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile of the formats with integers, written once for the vector ISAs. Before this is included
 * a kernel has what int_lines.h wants and, in its ISA's ivec.h or itself, unless INT_A8
 *
 *   i_shl16(x, n), i_sar16(x, n)                  shifts of int16
 *   i_pairs(a, w, sum)        sum + products of int16 pairs
 *   isum                      the type of that sum, if INT_WIDE_SUMS is defined, else ivec; then
 *                             also s_zero() and s_add_up(sum), an ivec
 *
 * or, if INT_A8 or INT_QUADS, of int8:
 *
 *   i_quads(a, w, sum)        sum + products of four int8 of w with four of a; uint8 unless INT_A8
 *   i_flip(x)                 unless INT_A8: int8 to uint8, 128 more
 *   i_low4u(x), i_high4u(x)   INT_TWO_QUADS: 8 + the int4 in the low, high halves of bytes
 *   i_dup8(n)                 INT_TWO_QUADS: n in every byte
 *   i_low4(x), i_high4(x)     INT_A8: 16 times the int4 in the low, high halves of bytes
 *   i_join(h, l)              INT_A8, INT_TWO_QUADS: 128 * h + l
 *   i_sub(x, y)               INT_TWO_QUADS
 *   i_sar4(x)                 INT_A8: x / 16
 *
 * As int16 a line of weights is shifted apart into pairs: of int8 quads (0 2) and (1 3), of int4
 * (0 2), (4 6), (1 3), (5 7); A is laid out in that order. */
#ifndef SVF_KERNELS_INT_TILE_H
#define SVF_KERNELS_INT_TILE_H

#include "kernels/int_lines.h"

/* What is constant in a tile. */
typedef struct shape {
  int rows, panels;
  svf_format format; /* of the weights */
  int planes;        /* of A, if it is int8; 0: it is int16 */
} shape;

#ifndef INT_WIDE_SUMS
typedef ivec isum;
SVF_INLINE isum s_zero(void) { return i_zero(); }
SVF_INLINE ivec s_add_up(isum sum) { return sum; }
#endif

typedef struct int_sums {
  isum v[SVF_PANELS_MAX * VECS * SVF_ROWS_MAX]; /* [row][panel][VECS] */
#if INT_A8 || INT_TWO_QUADS
  ivec low[SVF_PANELS_MAX * VECS * SVF_ROWS_MAX]; /* of the second plane */
#endif
#if INT_TWO_QUADS
  ivec more[2][SVF_ROWS_MAX]; /* [plane][row]: what unsigned weights are more, times A */
#endif
} int_sums;

/* Whether weights are made unsigned and what that adds is summed beside. */
SVF_INLINE bool adds_more(const shape s) { return INT_TWO_QUADS > 0 && s.planes == 2; }

/* Exact sum e, of that row. */
SVF_INLINE ivec s_total(const int_sums *sum, int e, int row, const shape s)
{
  ivec x = s_add_up(sum->v[e]);
  (void)row, (void)s;
#if INT_A8 || INT_TWO_QUADS
  if (s.planes == 2) x = i_join(x, sum->low[e]);
#endif
#if INT_TWO_QUADS
  if (adds_more(s)) x = i_sub(x, i_join(sum->more[0][row], sum->more[1][row]));
#endif
#if INT_A8
  if (s.format == SVF_FORMAT_W4) x = i_sar4(x);
#endif
  return x;
}

/* Steps in a line of weights. */
SVF_INLINE int line_steps(svf_format format) { return format == SVF_FORMAT_W4 ? 8 : 4; }

/* A line of weights of every panel. */
SVF_INLINE void load_line(const char *b, size_t stride, const int vecs, ivec *raw)
{
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) {
    raw[q] = i_load(b + (size_t)(q / VECS) * stride + q % VECS * LANES * 4);
  }
}

#if INT_A8 || INT_QUADS
/* Quad n of a line of weights. */
SVF_INLINE ivec weight_quads(ivec raw, svf_format format, const int n)
{
#if INT_A8
  if (format == SVF_FORMAT_W4) return n == 0 ? i_low4(raw) : i_high4(raw);
  return raw;
#else
#if INT_TWO_QUADS
  if (format == SVF_FORMAT_W4) return n == 0 ? i_low4u(raw) : i_high4u(raw);
#endif
  (void)format, (void)n;
  return i_flip(raw);
#endif
}

/* A line of weights of every panel times every row of int8. */
SVF_INLINE void quads_step(const char *a, const char *b, size_t stride, const shape s,
                           int_sums *sum)
{
  const int vecs = s.panels * VECS;
  ivec raw[SVF_PANELS_MAX * VECS], w[SVF_PANELS_MAX * VECS];
  load_line(b, stride, vecs, raw);
  SVF_UNROLL
  for (int n = 0; n < line_steps(s.format) / 4; ++n) {
    SVF_UNROLL
    for (int q = 0; q < vecs; ++q) w[q] = weight_quads(raw[q], s.format, n);
    SVF_UNROLL
    for (int i = 0; i < s.rows * s.planes; ++i) {
      const ivec x = i_dup(a + i * SVF_LINE + n * 4);
      isum *to = sum->v;
#if INT_A8 || INT_TWO_QUADS
      if (i >= s.rows) to = sum->low;
#endif
#if INT_TWO_QUADS
      ivec *more = &sum->more[i / s.rows][i % s.rows];
      const ivec offset = i_dup8(s.format == SVF_FORMAT_W4 ? 8 : (char)128);
      if (adds_more(s)) *more = i_quads(x, offset, *more);
#endif
      SVF_UNROLL
      for (int q = 0; q < vecs; ++q) {
        const int e = i % s.rows * vecs + q;
        to[e] = i_quads(x, w[q], to[e]);
      }
    }
  }
}
#endif

#if !INT_A8
/* Pairs n of a line of weights, and which int32 of A goes with them. */
SVF_INLINE ivec weight_pairs(ivec raw, svf_format format, const int n)
{
  if (format != SVF_FORMAT_W4) return i_sar16(n == 0 ? i_shl16(raw, 8) : raw, 8);
  switch (n) {
    case 0: return i_sar16(i_shl16(raw, 12), 12);
    case 1: return i_sar16(i_shl16(raw, 8), 12);
    case 2: return i_sar16(i_shl16(raw, 4), 12);
    default: return i_sar16(raw, 12);
  }
}

SVF_INLINE int pair_of_a(svf_format format, const int n)
{
  return format == SVF_FORMAT_W4 ? n % 2 * 2 + n / 2 : n;
}

/* A line of weights of every panel times every row of int16. */
SVF_INLINE void pairs_step(const char *a, const char *b, size_t stride, const shape s,
                           int_sums *sum)
{
  const int vecs = s.panels * VECS;
  ivec raw[SVF_PANELS_MAX * VECS], w[SVF_PANELS_MAX * VECS];
  load_line(b, stride, vecs, raw);
  SVF_UNROLL
  for (int n = 0; n < line_steps(s.format) / 2; ++n) {
    SVF_UNROLL
    for (int q = 0; q < vecs; ++q) w[q] = weight_pairs(raw[q], s.format, n);
    SVF_UNROLL
    for (int i = 0; i < s.rows; ++i) {
      const ivec x = i_dup(a + i * SVF_LINE + pair_of_a(s.format, n) * 4);
      SVF_UNROLL
      for (int q = 0; q < vecs; ++q) {
        sum->v[i * vecs + q] = i_pairs(x, w[q], sum->v[i * vecs + q]);
      }
    }
  }
}
#endif

SVF_INLINE void line_step(const char *a, const char *b, size_t stride, const shape s, int_sums *sum)
{
#if INT_A8
  quads_step(a, b, stride, s, sum);
#elif INT_QUADS
  if (s.planes > 0) {
    quads_step(a, b, stride, s, sum);
  } else {
    pairs_step(a, b, stride, s, sum);
  }
#else
  pairs_step(a, b, stride, s, sum);
#endif
}

/* Where sum e lies in c, [panel][row][16]. */
SVF_INLINE float *c_at(float *c, const shape s, int e)
{
  const int vecs = s.panels * VECS, i = e / vecs, q = e % vecs;
  return c + (q / VECS * s.rows + i) * SVF_PANEL + q % VECS * LANES;
}

/* The sums of a group, of the panels of a block at b. */
SVF_INLINE void add_group(const int_sums *sum, const char *b, size_t stride, size_t group,
                          const float *a_scale, float *c, const shape s)
{
  const int vecs = s.panels * VECS;
  vec w[SVF_PANELS_MAX * VECS];
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) {
    w[q] = weight_scales(b + (size_t)(q / VECS) * stride, s.format, group, q % VECS * LANES);
  }
  SVF_UNROLL
  for (int e = 0; e < vecs * s.rows; ++e) {
    add_scaled(c_at(c, s, e), s_total(sum, e, e / vecs, s), w[e % vecs], a_scale[e / vecs]);
  }
}

/* What is fetched meanwhile. */
typedef struct int_fetch {
  svf_fetch a, b;
} int_fetch;

SVF_INLINE isum sum_start(const char *header, const shape s, int row)
{
#if INT_QUADS && !INT_A8
  if (s.planes == 1) return i_dup(header + (s.rows + row) * 4);
#endif
  (void)header, (void)s, (void)row;
  return s_zero();
}

SVF_INLINE void start_sums(const char *header, const shape s, int_sums *sum)
{
  const int vecs = s.panels * VECS;
  SVF_UNROLL
  for (int e = 0; e < s.rows * vecs; ++e) {
    sum->v[e] = sum_start(header, s, e / vecs);
#if INT_A8 || INT_TWO_QUADS
    sum->low[e] = i_zero();
#endif
  }
#if INT_TWO_QUADS
  SVF_UNROLL
  for (int i = 0; i < s.rows; ++i) sum->more[0][i] = sum->more[1][i] = i_zero();
#endif
}

/* One group: steps [k0, k1) of a block, whose lines of A are at `lines`. */
SVF_INLINE void group_sums(const svf_tile *tile, const char *lines, const char *b, size_t k0,
                           size_t k1, int_fetch *f, const shape s, int_sums *sum)
{
  const int b_steps = line_steps(s.format), planes = s.planes > 0 ? s.planes : 1;
  const int a_line = s.planes > 0 ? INT_LINE : INT_LINE / 2;           /* steps in one of A */
  const int a_steps = INT_A8 || s.planes == 2 ? INT_LINE / 2 : a_line; /* at a time */
  const int row_lines = s.rows * planes;
  size_t stride = tile->b_stride;
  for (size_t k = k0; k < k1; k += (size_t)a_steps) {
    const size_t l = k / (size_t)a_line, in_line = k % (size_t)a_line;
    const char *x = lines + l * (size_t)row_lines * SVF_LINE + in_line * SVF_LINE / (size_t)a_line;
    fetch_lines(&f->b, stride, s.panels, a_steps / (INT_LINE / 2));
    fetch_lines(&f->a, 0, 1, a_steps / (INT_LINE / 2));
    for (int j = 0; j < a_steps; j += b_steps) {
      /* Hidden, or addresses would be computed beforehand and kept on the stack. */
      __asm__("" : "+r"(stride));
      line_step(x, b, stride, s, sum);
      x += SVF_LINE * b_steps / a_line;
      b += SVF_LINE;
    }
  }
}

SVF_INLINE void int_tile(const svf_tile *tile, const shape s)
{
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_BLOCK : (size_t)tile->group;
  const char *a = tile->a, *b = tile->b;
  int_fetch f = {tile->a_ahead, tile->ahead};
  int_sums sum;
  if (!tile->resume) {
    memset(tile->c, 0, (size_t)(s.rows * s.panels) * SVF_PANEL * sizeof(float));
  }
  for (size_t left = tile->k; left > 0; left -= left < SVF_BLOCK ? left : SVF_BLOCK) {
    const size_t steps = whole_lines(left);
    const char *w = b + svf_scale_bytes(s.format, group);
    for (size_t k = 0, g = 0; k < steps; k += group, ++g) {
      const size_t end = steps - k < group ? steps : k + group;
      start_sums(a, s, &sum);
      group_sums(tile, a + s.rows * SVF_A_HEADER, w, k, end, &f, s, &sum);
      add_group(&sum, b, tile->b_stride, g, (const float *)(const void *)a, tile->c, s);
      w += (end - k) / (size_t)line_steps(s.format) * SVF_LINE;
    }
    a += (size_t)s.rows * (SVF_A_HEADER + steps * a_row_bytes(tile->planes));
    b = w;
  }
  if (!tile->epilogue) return;
  for (int p = 0; p < s.panels; ++p) {
    finish_y(tile->epilogue, tile->channel + (size_t)p * SVF_PANEL,
             p == s.panels - 1 ? tile->lanes : SVF_PANEL, s.rows, tile->c + p * s.rows * SVF_PANEL);
  }
}

/* --- Tables: SVF_INT_TILES(tile) lists tile(rows, panels), SVF_INT_ROWS the registry's view --- */

/* What shape has for tiles of one plane, and of two. */
enum { ONE_PLANE = INT_A8 || INT_QUADS ? 1 : 0 };
#define TWO_PLANES(rows) (INT_A8 || (rows) <= INT_TWO_QUADS ? 2 : 0)

#define INT_S8(rows, panels)                                               \
  static void s8_##rows##x##panels(const svf_tile *t)                      \
  {                                                                        \
    if (ONE_PLANE != 0 && t->planes == 1) {                                \
      int_tile(t, (shape){rows, panels, SVF_FORMAT_S8, ONE_PLANE});        \
    } else {                                                               \
      int_tile(t, (shape){rows, panels, SVF_FORMAT_S8, TWO_PLANES(rows)}); \
    }                                                                      \
  }
#define INT_W8(rows, panels)                                             \
  static void w8_##rows##x##panels(const svf_tile *t)                    \
  {                                                                      \
    int_tile(t, (shape){rows, panels, SVF_FORMAT_W8, TWO_PLANES(rows)}); \
  }
#define INT_W4(rows, panels)                                             \
  static void w4_##rows##x##panels(const svf_tile *t)                    \
  {                                                                      \
    int_tile(t, (shape){rows, panels, SVF_FORMAT_W4, TWO_PLANES(rows)}); \
  }

/* The registry row of one format. */
#define INT_KERNEL(format_, enumerator, suffix, isa_, needs_) \
  const svf_kernel svf_kernel_##format_##_##suffix = {        \
      .name = "svf_" #format_ "_" INT_TILE_NAME "_" #suffix,  \
      .isa = (isa_),                                          \
      .format = (enumerator),                                 \
      .needs = (needs_),                                      \
      .rows = INT_ROWS,                                       \
      .row_unit = 1,                                          \
      .a_steps = INT_LINE,                                    \
      .a_lines = {0, INT_A8 || INT_QUADS ? 1 : 2, 2},         \
      .blocking = SVF_VECTOR_BLOCKING,                        \
      .cycles = VECS / 4.0,                                   \
      .planes = true,                                         \
      .reads_f32 = false,                                     \
      .fetch_unit = INT_LINE / 2,                             \
      .stream_unit = INT_LINE / 2,                            \
      .pack_rows = int_pack_rows,                             \
      .pack_sums = int_pack_sums,                             \
      .tile = {SVF_INT_ROWS(format_)},                        \
  };

#define INT_KERNELS(suffix, isa, needs)             \
  SVF_INT_TILES(INT_S8)                             \
  SVF_INT_TILES(INT_W8)                             \
  SVF_INT_TILES(INT_W4)                             \
  INT_KERNEL(s8, SVF_FORMAT_S8, suffix, isa, needs) \
  INT_KERNEL(w8, SVF_FORMAT_W8, suffix, isa, needs) \
  INT_KERNEL(w4, SVF_FORMAT_W4, suffix, isa, needs)

#endif
