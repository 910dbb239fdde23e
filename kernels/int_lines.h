/* SPDX-License-Identifier: Apache-2.0
 *
 * A of the formats with integers: rows rounded to integers, span by span, and what becomes of
 * the exact sums of a group, in terms of the operations in ivec.h. A template header, see unit.h.
 * Before it is included a unit defines
 *
 *   INT_A8                    1: A is planes of int8. 0: A is int16, with the exceptions that
 *                             INT_QUADS and INT_TWO_QUADS name
 *   INT_QUADS                 1: an A of one plane is int8. Without INT_A8 weights are multiplied
 *                             with it as uint8, 128 more than they are, so a row's sums start at
 *                             -128 times the sum of the row
 *   INT_TWO_QUADS             N, with INT_QUADS: strips of at most N rows have two planes of int8
 *   INT_PAIRED                1: lines come in pairs, of two rows or of a row's two planes, eight
 *                             steps of each in turn
 *   INT_ROW_UNIT              rows of A are padded to a multiple of this
 *   INT_FEW                   N: in strips of at most N rows the low plane of a row lies N rows
 *                             after its high plane, in the padding. 0: there are no such strips
 *
 *   A   a span is [header][line of k][row][64 bytes]: 32 steps of int16, or 64 of int8. Two planes,
 *       with INT_A8 and in strips of at most INT_TWO_QUADS rows, are
 *                 [header][line of k][plane][row][64 bytes] */
#ifndef SVF_KERNELS_INT_LINES_H
#define SVF_KERNELS_INT_LINES_H

#include "kernels/finish.h"
#include "kernels/ivec.h"

/* Names of the unit's own, see unit.h. */
#define padded_rows SVF_NAME(padded_rows)
#define a_row_bytes SVF_NAME(a_row_bytes)
#define int_rows SVF_NAME(int_rows)
#define rows_of SVF_NAME(rows_of)
#define quads_at SVF_NAME(quads_at)
#define put_quads SVF_NAME(put_quads)
#define put_integers SVF_NAME(put_integers)
#define round_row SVF_NAME(round_row)
#define lanes_of SVF_NAME(lanes_of)
#define pack_row SVF_NAME(pack_row)
#define int_pack_sums SVF_NAME(pack_sums)
#define int_pack_rows SVF_NAME(pack_rows)
#define weight_scales SVF_NAME(weight_scales)
#define add_scaled SVF_NAME(add_scaled)

SVF_INLINE int padded_rows(int rows)
{
  return (rows + INT_ROW_UNIT - 1) / INT_ROW_UNIT * INT_ROW_UNIT;
}

/* Bytes of a step of a row. */
SVF_INLINE size_t a_row_bytes(int planes)
{
  return INT_A8 || (INT_QUADS && planes == 1) ? (size_t)planes : sizeof(int16_t);
}

/* Where the rows of a strip are. */
typedef struct int_rows {
  int padded;
  bool planes; /* an A of two planes has planes of int8 */
  int low;     /* from the high plane of a row to its low one, in rows */
} int_rows;

SVF_INLINE int_rows rows_of(int rows)
{
  const int padded = padded_rows(rows);
  return (int_rows){padded, INT_A8 || rows <= INT_TWO_QUADS, rows <= INT_FEW ? INT_FEW : padded};
}

/* Where step k of a row, a multiple of 16, is in a span's lines of int8. */
SVF_INLINE char *quads_at(char *lines, int_rows rows, int row, int planes, int plane, size_t k)
{
  const size_t from = k / INT_LINE * (size_t)(planes * rows.padded);
#if INT_PAIRED
  const size_t pair = from / 2 + (size_t)(planes == 2 ? row : row / 2);
  const int second = planes == 2 ? plane : row % 2;
  return lines + pair * 2 * SVF_LINE + k % INT_LINE * 2 + second * 8;
#else
  return lines + (from + (size_t)(plane * rows.low + row)) * SVF_LINE + k % INT_LINE;
#endif
}

#if INT_A8 || INT_QUADS
SVF_INLINE void put_quads(char *to, const ivec *x)
{
#if INT_PAIRED
  char bytes[16];
  i_store_quads(bytes, x);
  memcpy(to, bytes, 8);
  memcpy(to + 16, bytes + 8, 8);
#else
  i_store_quads(to, x);
#endif
}
#endif

/* 16 steps of a row, from step k on, become integers in a span's lines. */
SVF_INLINE void put_integers(char *lines, int_rows rows, int row, int planes, size_t k,
                             const ivec *x)
{
#if INT_A8 || INT_QUADS
  if (planes == 1) {
    put_quads(quads_at(lines, rows, row, 1, 0, k), x);
    return;
  }
#endif
#if INT_A8 || INT_TWO_QUADS
  if (rows.planes) {
    ivec high[VECS], low[VECS];
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) {
      high[q] = i_high(x[q]);
      low[q] = i_low(x[q], high[q]);
    }
    put_quads(quads_at(lines, rows, row, 2, 0, k), high);
    put_quads(quads_at(lines, rows, row, 2, 1, k), low);
    return;
  }
#endif
#if !INT_A8
  (void)planes;
  enum { PAIRS_LINE = INT_LINE / 2 };
  const size_t l = k / PAIRS_LINE * (size_t)rows.padded + (size_t)row;
  i_store_pairs(lines + l * SVF_LINE + k % PAIRS_LINE * 2, x);
#endif
}

/* The `lines` lines of one row of a span become the row's integers, scale and start of its sums. */
SVF_INLINE void round_row(const line *v, size_t lines, int planes, int_rows rows, int row, char *a)
{
  ivec most = i_zero(), sum = i_zero();
  for (size_t l = 0; l < lines; ++l) {
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) most = i_max(most, i_bits(v_abs(v[l].v[q])));
  }
  const int_scale s = int_scale_of((uint32_t)i_most(most), planes);
  for (size_t l = 0; l < lines; ++l) {
    ivec n[VECS];
    SVF_UNROLL
    for (int q = 0; q < VECS; ++q) {
      n[q] = s.empty ? i_zero() : i_round(v_mul(v[l].v[q], v_dup(s.inverse)));
      sum = i_add(sum, n[q]);
    }
    put_integers(a + rows.padded * SVF_A_HEADER, rows, row, planes, l * SVF_PANEL, n);
  }
  const int32_t start = INT_QUADS && !INT_A8 && planes == 1 ? -128 * i_total(sum) : 0;
  memcpy(a + row * 4, &s.scale, sizeof s.scale);
  memcpy(a + (rows.padded + row) * 4, &start, sizeof start);
}

/* How many of `k` elements line l has; 0 in lines that only fill up the last 64 steps. */
SVF_INLINE int lanes_of(size_t k, size_t l)
{
  const size_t at = l * SVF_PANEL, left = k > at ? k - at : 0;
  return left < SVF_PANEL ? (int)left : SVF_PANEL;
}

static void pack_row(const char *x, svf_dtype type, size_t k, int planes, int_rows rows, int row,
                     char *a)
{
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  const size_t lines = int_whole_lines(k) / SVF_PANEL;
  line v[SVF_SPAN / SVF_PANEL];
  for (size_t l = 0; l < lines; ++l) {
    const int lanes = lanes_of(k, l);
    v[l] = line_zero();
    if (lanes > 0) v[l] = row_load(x + (ptrdiff_t)(l * SVF_PANEL) * size, type, lanes);
  }
  round_row(v, lines, planes, rows, row, a);
}

static void int_pack_sums(const float *const *sums, const svf_epilogue *e, size_t channel, int rows,
                          size_t k, int planes, void *a)
{
  const size_t lines = int_whole_lines(k) / SVF_PANEL;
  for (size_t l = 0; e->keep && lanes_of(k, l) > 0; ++l) {
    keep_sums(e, channel + l * SVF_PANEL, lanes_of(k, l), rows, sums[l]);
  }
  for (int i = 0; i < rows; ++i) {
    const float *gain = e->gains[i] + channel;
    line v[SVF_SPAN / SVF_PANEL];
    for (size_t l = 0; l < lines; ++l) {
      const int lanes = lanes_of(k, l);
      v[l] = line_zero();
      if (lanes > 0) {
        v[l] = line_mul(line_load_part(sums[l] + i * SVF_PANEL, lanes),
                        line_load_part(gain + l * SVF_PANEL, lanes));
      }
    }
    round_row(v, lines, planes, rows_of(rows), i, a);
  }
}

static void int_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                          int planes, void *packed)
{
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  const int_rows all = rows_of(rows);
  char *a = packed;
  for (size_t j = 0; j < k; j += SVF_SPAN) {
    const size_t count = k - j < SVF_SPAN ? k - j : SVF_SPAN;
    for (int i = 0; i < rows; ++i) {
      pack_row((const char *)x + (i * stride + (ptrdiff_t)j) * size, type, count, planes, all, i,
               a);
    }
    a += (size_t)all.padded * (SVF_A_HEADER + int_whole_lines(count) * a_row_bytes(planes));
  }
}

/* The scales of LANES channels in a group; `span` is where a span of a panel begins. */
SVF_INLINE vec weight_scales(const char *span, svf_format format, size_t group, int channel)
{
  const size_t at = group * SVF_PANEL + (size_t)channel;
  return format == SVF_FORMAT_S8 ? v_load((const float *)(const void *)span + at)
                                 : v_widen((const uint16_t *)(const void *)span + at);
}

/* Adds the exact sums of a group, in fp32 and times both scales, to those in c. */
SVF_INLINE void add_scaled(float *c, ivec sum, vec weight_scale, float a_scale)
{
  const vec scale = v_mul(weight_scale, v_dup(a_scale));
  v_store(c, v_fma(i_to_f32(sum), scale, v_load(c)));
}

#endif
