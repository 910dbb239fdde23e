/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile of the formats with integers, written once for the vector ISAs, in terms of the
 * operations in ivec.h. A template header, see unit.h, with the parameters of int_lines.h.
 *
 * As int16 a line of weights is shifted apart into pairs: of int8 quads (0 2) and (1 3), of int4
 * (0 2), (4 6), (1 3), (5 7); A is laid out in that order. */
#ifndef SVF_KERNELS_INT_TILE_H
#define SVF_KERNELS_INT_TILE_H

#include "kernels/int_lines.h"

/* Names of the unit's own, see unit.h. */
#define int_shape SVF_NAME(int_shape)
#define int_sums SVF_NAME(int_sums)
#define adds_more SVF_NAME(adds_more)
#define s_total SVF_NAME(s_total)
#define line_steps SVF_NAME(line_steps)
#define load_line SVF_NAME(load_line)
#define weight_quads SVF_NAME(weight_quads)
#define quads_step SVF_NAME(quads_step)
#define weight_pairs SVF_NAME(weight_pairs)
#define pair_of_a SVF_NAME(pair_of_a)
#define pairs_step SVF_NAME(pairs_step)
#define line_step SVF_NAME(line_step)
#define int_c_at SVF_NAME(int_c_at)
#define add_group SVF_NAME(add_group)
#define int_fetch SVF_NAME(int_fetch)
#define sum_start SVF_NAME(sum_start)
#define start_sums SVF_NAME(start_sums)
#define group_sums SVF_NAME(group_sums)
#define int_tile SVF_NAME(int_tile)
#define int_planes SVF_NAME(int_planes)
#define int_s8_tile SVF_NAME(int_s8_tile)
#define int_w8_tile SVF_NAME(int_w8_tile)
#define int_w4_tile SVF_NAME(int_w4_tile)

/* If INT_WIDE_SUMS is defined the unit defines these itself. */
#define isum SVF_OF_ISA(isum)
#define s_zero SVF_OF_ISA(s_zero)
#define s_add_up SVF_OF_ISA(s_add_up)

/* What is constant in a tile's code. */
typedef struct int_shape {
  int rows, panels;
  svf_format format; /* of the weights */
  int planes;        /* planes of int8 that A has; 0: A is int16 */
} int_shape;

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
  ivec more[2][SVF_ROWS_MAX]; /* [plane][row]: what was added to unsigned weights, times A */
#endif
} int_sums;

/* True if weights are made unsigned and what that adds to the sums is summed up separately. */
SVF_INLINE bool adds_more(const int_shape s) { return INT_TWO_QUADS > 0 && s.planes == 2; }

/* Exact sum e, which belongs to `row`. */
SVF_INLINE ivec s_total(const int_sums *sum, int e, int row, const int_shape s)
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

/* Loads a line of weights of every panel. */
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

/* Multiplies a line of weights of every panel by every row, as int8. */
SVF_INLINE void quads_step(const char *a, const char *b, size_t stride, const int_shape s,
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
/* Pairs n of a line of weights; pair_of_a says which int32 of A goes with them. */
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

/* Multiplies a line of weights of every panel by every row, as int16. */
SVF_INLINE void pairs_step(const char *a, const char *b, size_t stride, const int_shape s,
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

SVF_INLINE void line_step(const char *a, const char *b, size_t stride, const int_shape s,
                          int_sums *sum)
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
SVF_INLINE float *int_c_at(float *c, const int_shape s, int e)
{
  const int vecs = s.panels * VECS, i = e / vecs, q = e % vecs;
  return c + (q / VECS * s.rows + i) * SVF_PANEL + q % VECS * LANES;
}

/* Adds the sums of a group to c; b is where the panels' span begins. */
SVF_INLINE void add_group(const int_sums *sum, const char *b, size_t stride, size_t group,
                          const float *a_scale, float *c, const int_shape s)
{
  const int vecs = s.panels * VECS;
  vec w[SVF_PANELS_MAX * VECS];
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) {
    w[q] = weight_scales(b + (size_t)(q / VECS) * stride, s.format, group, q % VECS * LANES);
  }
  SVF_UNROLL
  for (int e = 0; e < vecs * s.rows; ++e) {
    add_scaled(int_c_at(c, s, e), s_total(sum, e, e / vecs, s), w[e % vecs], a_scale[e / vecs]);
  }
}

/* What a tile prefetches. */
typedef struct int_fetch {
  svf_fetch a, b;
} int_fetch;

SVF_INLINE isum sum_start(const char *header, const int_shape s, int row)
{
#if INT_QUADS && !INT_A8
  if (s.planes == 1) return i_dup(header + (s.rows + row) * 4);
#endif
  (void)header, (void)s, (void)row;
  return s_zero();
}

SVF_INLINE void start_sums(const char *header, const int_shape s, int_sums *sum)
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

/* Sums up one group: steps [k0, k1) of a span, whose lines of A are at `lines`. */
SVF_INLINE void group_sums(const svf_tile *tile, const char *lines, const char *b, size_t k0,
                           size_t k1, int_fetch *f, const int_shape s, int_sums *sum)
{
  const int b_steps = line_steps(s.format), planes = s.planes > 0 ? s.planes : 1;
  const int a_line = s.planes > 0 ? INT_LINE : INT_LINE / 2;           /* steps in a line of A */
  const int a_steps = INT_A8 || s.planes == 2 ? INT_LINE / 2 : a_line; /* taken at a time */
  const int row_lines = s.rows * planes;
  size_t stride = tile->b_stride;
  for (size_t k = k0; k < k1; k += (size_t)a_steps) {
    const size_t l = k / (size_t)a_line, in_line = k % (size_t)a_line;
    const char *x = lines + l * (size_t)row_lines * SVF_LINE + in_line * SVF_LINE / (size_t)a_line;
    fetch_lines(&f->b, stride, s.panels, a_steps / (INT_LINE / 2));
    fetch_lines(&f->a, 0, 1, a_steps / (INT_LINE / 2));
    for (int j = 0; j < a_steps; j += b_steps) {
      /* Hidden from the compiler, which would compute addresses beforehand and keep them on the
       * stack. */
      __asm__("" : "+r"(stride));
      line_step(x, b, stride, s, sum);
      x += SVF_LINE * b_steps / a_line;
      b += SVF_LINE;
    }
  }
}

SVF_INLINE void int_tile(const svf_tile *tile, const int_shape s)
{
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_SPAN : (size_t)tile->group;
  const char *a = tile->a, *b = tile->b;
  int_fetch f = {tile->a_ahead, tile->ahead};
  int_sums sum;
  if (!tile->resume) {
    memset(tile->c, 0, (size_t)(s.rows * s.panels) * SVF_PANEL * sizeof(float));
  }
  for (size_t left = tile->k; left > 0; left -= left < SVF_SPAN ? left : SVF_SPAN) {
    const size_t steps = int_whole_lines(left);
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

/* --- Tables ----------------------------------------------------------------------------------- */

/* int_shape.planes of tiles whose A has one plane, in s8, and of those whose A has two. */
#define INT_ONE_PLANE (INT_A8 || INT_QUADS ? 1 : 0)
#define INT_TWO_PLANES(rows) (INT_A8 || (rows) <= INT_TWO_QUADS ? 2 : 0)

#define INT_TILE(weights, rows, panels)                                                      \
  static void SVF_TILE_NAME(weights, rows, panels)(const svf_tile *tile)                     \
  {                                                                                          \
    if (INT_ONE_PLANE != 0 && SVF_FORMAT_##weights == SVF_FORMAT_S8 && tile->planes == 1) {  \
      int_tile(tile, (int_shape){rows, panels, SVF_FORMAT_##weights, INT_ONE_PLANE});        \
    } else {                                                                                 \
      int_tile(tile, (int_shape){rows, panels, SVF_FORMAT_##weights, INT_TWO_PLANES(rows)}); \
    }                                                                                        \
  }

#define INT_KERNEL(weights, isa_, needs_, shapes)                                 \
  const svf_kernel SVF_ROW_NAME(weights) = {                                      \
      .name = "svf_" #weights "_" INT_SIZE_##shapes "_" SVF_STRING(SVF_UNIT_ISA), \
      .isa = (isa_),                                                              \
      .format = SVF_FORMAT_##weights,                                             \
      .needs = (needs_),                                                          \
      .rows = INT_ROWS_##shapes,                                                  \
      .row_unit = 1,                                                              \
      .a_steps = INT_LINE,                                                        \
      .a_lines = {0, INT_A8 || INT_QUADS ? 1 : 2, 2},                             \
      .blocking = SVF_VECTOR_BLOCKING,                                            \
      .cycles = VECS / 4.0,                                                       \
      .planes = true,                                                             \
      .reads_f32 = false,                                                         \
      .fetch_unit = INT_LINE / 2,                                                 \
      .stream_unit = INT_LINE / 2,                                                \
      .pack_rows = int_pack_rows,                                                 \
      .pack_sums = int_pack_sums,                                                 \
      .tile = {INT_SHAPES_##shapes(SVF_FULL_TILE, SVF_TILE, weights)},            \
  };

#define INT_FORMAT(weights, isa, needs, shapes) \
  INT_SHAPES_##shapes(INT_TILE, INT_TILE, weights) INT_KERNEL(weights, isa, needs, shapes)

/* The tiles INT_SHAPES_<shapes> in all formats, and their registry rows. */
#define INT_UNIT(isa, needs, shapes) \
  INT_FORMAT(s8, isa, needs, shapes) \
  INT_FORMAT(w8, isa, needs, shapes) \
  INT_FORMAT(w4, isa, needs, shapes)

#endif
