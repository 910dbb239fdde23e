/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile of the formats with integers, written once for the x86 vector ISAs. Before this is
 * included a kernel has its ISA's vec.h, line.h, and defines:
 *
 *   ivec                      as many int32 as vec has fp32
 *   i_zero() i_load(p) i_dup(p) i_add(x, y)       dup: the int32 at p in every lane
 *   i_shl16(x, n), i_sar16(x, n)                  shifts of int16
 *   i_to_f32(x), i_round(v)                       int32 to fp32 and back, rounded
 *   i_bits(v), i_max(x, y)                        fp32 as int32; the larger int32, both >= 0
 *   i_most(x), i_total(x)                         of all lanes: the largest, the sum
 *   i_pairs(a, w, sum)        sum + products of int16 pairs
 *   i_store_pairs(p, x)       16 int32 as int16, of each four in the order 0 2 1 3
 *   INT_QUADS                 1 if there is also:
 *   i_quads(a, w, sum)        sum + products of four uint8 of w with four int8 of a
 *   i_flip(x)                 int8 to uint8, 128 more
 *   i_store_quads(p, x)       16 int32 as int8
 *
 * A line of weights is shifted apart into pairs of int16: of int8 quads (0 2) and (1 3), of int4
 * (0 2), (4 6), (1 3), (5 7); A is laid out in that order. Where A is int8 (one plane, INT_QUADS)
 * the weights become unsigned instead, and sums start at -128 times the sum of A, which is in its
 * header.
 *
 *   A   block [header][line of k][row][64 bytes]: 32 steps of int16, or 64 of int8 */
#ifndef SVF_KERNELS_INT_TILE_H
#define SVF_KERNELS_INT_TILE_H

#include "kernels/int_scale.h"
#include "kernels/line.h"

enum { INT_LINE = 64 }; /* steps in a line of A, of two if it is int16 */

/* What is constant in a tile. */
typedef struct shape {
  int rows, panels;
  svf_format format; /* of the weights */
  bool quads;        /* A is int8 */
} shape;

typedef struct int_sums {
  ivec v[SVF_PANELS_MAX * VECS * SVF_ROWS_MAX]; /* [row][panel][VECS] */
} int_sums;

SVF_INLINE size_t whole_lines(size_t k)
{
  return k < SVF_BLOCK ? (k + INT_LINE - 1) / INT_LINE * INT_LINE : SVF_BLOCK;
}

/* Steps in a line of weights. */
SVF_INLINE int line_steps(svf_format format) { return format == SVF_FORMAT_W4 ? 8 : 4; }

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

/* A line of weights of every panel times every row. */
SVF_INLINE void line_step(const char *a, const char *b, size_t stride, const shape s, int_sums *sum)
{
  const int vecs = s.panels * VECS;
  ivec raw[SVF_PANELS_MAX * VECS], w[SVF_PANELS_MAX * VECS];
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) {
    raw[q] = i_load(b + (size_t)(q / VECS) * stride + q % VECS * LANES * 4);
  }
#if INT_QUADS
  if (s.quads) {
    SVF_UNROLL
    for (int q = 0; q < vecs; ++q) w[q] = i_flip(raw[q]);
    SVF_UNROLL
    for (int i = 0; i < s.rows; ++i) {
      const ivec x = i_dup(a + i * SVF_LINE);
      SVF_UNROLL
      for (int q = 0; q < vecs; ++q) {
        sum->v[i * vecs + q] = i_quads(x, w[q], sum->v[i * vecs + q]);
      }
    }
    return;
  }
#endif
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

/* Where sum e lies in c, [panel][row][16]. */
SVF_INLINE float *c_at(float *c, const shape s, int e)
{
  const int vecs = s.panels * VECS, i = e / vecs, q = e % vecs;
  return c + (q / VECS * s.rows + i) * SVF_PANEL + q % VECS * LANES;
}

/* The exact sums of a group, in fp32, times both scales, added to those in c. */
SVF_INLINE void add_group(const int_sums *sum, const char *b, size_t stride, size_t group,
                          const float *a_scale, float *c, const shape s)
{
  const int vecs = s.panels * VECS;
  vec w[SVF_PANELS_MAX * VECS];
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) {
    const char *panel = b + (size_t)(q / VECS) * stride;
    const size_t at = group * SVF_PANEL + (size_t)(q % VECS * LANES);
    w[q] = s.format == SVF_FORMAT_S8 ? v_load((const float *)(const void *)panel + at)
                                     : v_widen((const uint16_t *)(const void *)panel + at);
  }
  SVF_UNROLL
  for (int e = 0; e < vecs * s.rows; ++e) {
    float *to = c_at(c, s, e);
    const vec scale = v_mul(w[e % vecs], v_dup(a_scale[e / vecs]));
    v_store(to, v_fma(i_to_f32(sum->v[e]), scale, v_load(to)));
  }
}

/* What is fetched meanwhile. */
typedef struct int_fetch {
  const char *ahead, *a_ahead;
  size_t left;
} int_fetch;

/* One group of `steps` steps, whole lines of A. */
SVF_INLINE void group_sums(const svf_tile *tile, const char *a, const char *b, int steps,
                           int_fetch *f, const shape s, int_sums *sum)
{
  const int a_steps = s.quads ? INT_LINE : INT_LINE / 2, b_steps = line_steps(s.format);
  size_t stride = tile->b_stride;
  for (int k = 0; k < steps; k += a_steps) {
    fetch_lines(&f->ahead, stride, s.panels, tile->fetch_rate * a_steps / (INT_LINE / 2), &f->left);
    if (f->a_ahead) {
      for (int i = 0; i < s.rows; ++i) v_prefetch(f->a_ahead + i * SVF_LINE);
      f->a_ahead += s.rows * SVF_LINE;
    }
    const char *x = a;
    for (int j = 0; j < a_steps; j += b_steps) {
      /* Hidden, or addresses would be computed beforehand and kept on the stack. */
      __asm__("" : "+r"(stride));
      line_step(x, b, stride, s, sum);
      x += SVF_LINE * b_steps / a_steps;
      b += SVF_LINE;
    }
    a += s.rows * SVF_LINE;
  }
}

SVF_INLINE void int_tile(const svf_tile *tile, const shape s)
{
  const int sums = s.rows * s.panels * VECS;
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_BLOCK : (size_t)tile->group;
  const size_t row_bytes = s.quads ? 1 : 2; /* of A, per step */
  const char *a = tile->a, *b = tile->b;
  int_fetch f = {tile->ahead, tile->a_ahead, tile->fetch};
  int_sums sum;
  if (!tile->resume) {
    memset(tile->c, 0, (size_t)(s.rows * s.panels) * SVF_PANEL * sizeof(float));
  }
  for (size_t left = tile->k; left > 0; left -= left < SVF_BLOCK ? left : SVF_BLOCK) {
    const size_t steps = whole_lines(left);
    const float *a_scale = (const float *)(const void *)a;
    const char *x = a + s.rows * SVF_A_HEADER, *w = b + svf_scale_bytes(s.format, group);
    for (size_t k = 0, g = 0; k < steps; k += group, ++g) {
      const size_t count = steps - k < group ? steps - k : group;
      SVF_UNROLL
      for (int e = 0; e < sums; ++e) {
        sum.v[e] = s.quads ? i_dup(a + (s.rows + e / (s.panels * VECS)) * 4) : i_zero();
      }
      group_sums(tile, x, w, (int)count, &f, s, &sum);
      add_group(&sum, b, tile->b_stride, g, a_scale, tile->c, s);
      x += count * row_bytes * (size_t)s.rows;
      w += count / (size_t)line_steps(s.format) * SVF_LINE;
    }
    a += (size_t)s.rows * (SVF_A_HEADER + steps * row_bytes);
    b = w;
  }
  if (!tile->epilogue) return;
  for (int p = 0; p < s.panels; ++p) {
    finish_y(tile->epilogue, tile->channel + (size_t)p * SVF_PANEL,
             p == s.panels - 1 ? tile->lanes : SVF_PANEL, s.rows, tile->c + p * s.rows * SVF_PANEL);
  }
}

/* --- A -----------------------------------------------------------------------------------------
 */

/* One row of a block: `k` elements at x become the row's lines, scale and sum. */
SVF_INLINE void pack_row(const char *x, svf_dtype type, size_t k, int planes, int rows, int row,
                         char *a)
{
  const bool quads = INT_QUADS && planes == 1;
  const size_t size = type == SVF_F32 ? 4 : 2, lines = whole_lines(k) / SVF_PANEL;
  line v[SVF_BLOCK / SVF_PANEL];
  ivec most = i_zero(), sum = i_zero();
  for (size_t l = 0; l < lines; ++l) {
    const size_t at = l * SVF_PANEL, left = k > at ? k - at : 0;
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) v[l].v[q] = v_zero();
    if (left > 0) v[l] = row_load(x + at * size, type, left < SVF_PANEL ? (int)left : SVF_PANEL);
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) most = i_max(most, i_bits(v_abs(v[l].v[q])));
  }
  const int_scale s = int_scale_of((uint32_t)i_most(most), planes);
  char *to = a + rows * SVF_A_HEADER + row * SVF_LINE;
  for (size_t l = 0; l < lines; ++l) {
    ivec n[VECS];
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) {
      n[q] = s.empty ? i_zero() : i_round(v_mul(v[l].v[q], v_dup(s.inverse)));
      sum = i_add(sum, n[q]);
    }
#if INT_QUADS
    if (quads) {
      i_store_quads(to + l / 4 * (size_t)rows * SVF_LINE + l % 4 * 16, n);
      continue;
    }
#endif
    i_store_pairs(to + l / 2 * (size_t)rows * SVF_LINE + l % 2 * 32, n);
  }
  const int32_t start = quads ? -128 * i_total(sum) : 0;
  memcpy(a + row * 4, &s.scale, sizeof s.scale);
  memcpy(a + (rows + row) * 4, &start, sizeof start);
}

static void int_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                          int planes, void *packed)
{
  const ptrdiff_t size = type == SVF_F32 ? 4 : 2;
  char *a = packed;
  for (size_t j = 0; j < k; j += SVF_BLOCK) {
    const size_t count = k - j < SVF_BLOCK ? k - j : SVF_BLOCK;
    for (int i = 0; i < rows; ++i) {
      pack_row((const char *)x + (i * stride + (ptrdiff_t)j) * size, type, count, planes, rows, i,
               a);
    }
    a += (size_t)rows * (SVF_A_HEADER + whole_lines(count) * (INT_QUADS && planes == 1 ? 1 : 2));
  }
}

/* --- Tables: SVF_INT_TILES(tile) lists tile(rows, panels), SVF_INT_ROWS the registry's view ------
 */

#if INT_QUADS
#define INT_S8(rows, panels)                                    \
  static void s8_##rows##x##panels(const svf_tile *t)           \
  {                                                             \
    if (t->planes == 1) {                                       \
      int_tile(t, (shape){rows, panels, SVF_FORMAT_S8, true});  \
    } else {                                                    \
      int_tile(t, (shape){rows, panels, SVF_FORMAT_S8, false}); \
    }                                                           \
  }
#else
#define INT_S8(rows, panels)                                  \
  static void s8_##rows##x##panels(const svf_tile *t)         \
  {                                                           \
    int_tile(t, (shape){rows, panels, SVF_FORMAT_S8, false}); \
  }
#endif
#define INT_W8(rows, panels)                                  \
  static void w8_##rows##x##panels(const svf_tile *t)         \
  {                                                           \
    int_tile(t, (shape){rows, panels, SVF_FORMAT_W8, false}); \
  }
#define INT_W4(rows, panels)                                  \
  static void w4_##rows##x##panels(const svf_tile *t)         \
  {                                                           \
    int_tile(t, (shape){rows, panels, SVF_FORMAT_W4, false}); \
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
      .a_lines = {0, INT_QUADS ? 1 : 2, 2},                   \
      .cycles = VECS / 4.0,                                   \
      .planes = true,                                         \
      .reads_f32 = false,                                     \
      .fetch_unit = INT_LINE / 2,                             \
      .stream_unit = INT_LINE / 2,                            \
      .pack_rows = int_pack_rows,                             \
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
