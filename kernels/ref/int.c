/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats with integers in plain C: the twin that every other kernel of them must match to the
 * bit. A is int16 whatever its planes: a span is [line of 64 steps][row][64]. */
#include <math.h>
#include <string.h>

#include "kernels/int_scale.h"
#include "kernels/ref/finish.h"
#include "kernels/registry.h"

static size_t int_index_ref(int rows, int row, size_t k)
{
  return (k / INT_LINE * (size_t)rows + (size_t)row) * INT_LINE + k % INT_LINE;
}

/* Bytes of a span of A with `steps` steps, which are whole lines. */
static size_t int_span_bytes_ref(int rows, size_t steps)
{
  return (size_t)rows * (SVF_A_HEADER + steps * sizeof(int16_t));
}

/* The integer of channel j at step k in the data of a span. */
static int int_weight_ref(const unsigned char *data, svf_format format, size_t k, size_t j)
{
  if (format != SVF_FORMAT_W4) return (int8_t)data[(k / 4 * SVF_PANEL + j) * 4 + k % 4];
  const int nibble = data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] >> (k % 8 / 4 * 4) & 0xf;
  return nibble >= 8 ? nibble - 16 : nibble;
}

static float int_weight_scale_ref(const char *span, svf_format format, size_t group, size_t j)
{
  const size_t at = group * SVF_PANEL + j;
  if (format == SVF_FORMAT_S8) return svf_load_f32(span, at);
  return svf_load_bf16(span, at);
}

static size_t int_weights_bytes_ref(svf_format format, size_t group)
{
  const size_t weights = SVF_SPAN * SVF_PANEL;
  return svf_scale_bytes(format, group) + (format == SVF_FORMAT_W4 ? weights / 2 : weights);
}

/* Adds one span to the sum of a row and a channel. */
static float int_add_span_ref(float sum, const svf_tile *tile, svf_format format, const char *a,
                              const char *b, int rows, int row, size_t j, size_t steps)
{
  const size_t group = (size_t)tile->group;
  const int16_t *x = (const int16_t *)(const void *)(a + rows * SVF_A_HEADER);
  const unsigned char *data = (const unsigned char *)b + svf_scale_bytes(format, group);
  for (size_t k0 = 0; k0 < steps; k0 += group) {
    const size_t k1 = k0 + group < steps ? k0 + group : steps;
    int32_t dot = 0;
    for (size_t k = k0; k < k1; ++k)
      dot += x[int_index_ref(rows, row, k)] * int_weight_ref(data, format, k, j);
    const float scale =
        int_weight_scale_ref(b, format, k0 / group, j) * ((const float *)(const void *)a)[row];
    sum = fmaf((float)dot, scale, sum);
  }
  return sum;
}

static void int_tile_ref(const svf_tile *tile, svf_format format, int rows)
{
  const svf_epilogue *e = tile->epilogue;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      float *c = tile->c + i * SVF_PANEL + j;
      float sum = tile->resume ? *c : 0.0f;
      const char *a = tile->a, *b = tile->b;
      for (size_t k = 0; k < tile->k; k += SVF_SPAN) {
        const size_t steps = int_whole_lines(tile->k - k);
        sum = int_add_span_ref(sum, tile, format, a, b, rows, i, (size_t)j, steps);
        a += int_span_bytes_ref(rows, steps);
        b += int_weights_bytes_ref(format, (size_t)tile->group);
      }
      if (!e) {
        *c = sum;
      } else if (j < tile->lanes) {
        finish_y_ref(e, i, tile->channel + (size_t)j, sum);
      }
    }
  }
}

static float int_element_ref(const void *x, svf_dtype type, ptrdiff_t at)
{
  return type == SVF_DTYPE_F32 ? ((const float *)x)[at] : svf_widen_bf16(((const uint16_t *)x)[at]);
}

/* Rounded to nearest, ties to even, whatever the caller's rounding mode. |x| < 2^22. */
static int16_t int_nearest_ref(float x)
{
  const int whole = (int)x;
  const float rest = x - (float)whole; /* exact */
  const int away = fabsf(rest) > 0.5f || (fabsf(rest) == 0.5f && whole % 2 != 0);
  return (int16_t)(rest < 0 ? whole - away : whole + away);
}

/* `k` values of a row become its integers and its scale in a span. */
static void int_round_row_ref(const float *v, size_t k, int planes, int rows, int row, char *a)
{
  int16_t *data = (int16_t *)(void *)(a + rows * SVF_A_HEADER);
  uint32_t most = 0;
  for (size_t j = 0; j < k; ++j) {
    uint32_t bits;
    memcpy(&bits, &v[j], sizeof bits);
    bits &= 0x7fffffffu;
    if (bits > most) most = bits;
  }
  const int_scale s = int_scale_of(most, planes);
  ((float *)(void *)a)[row] = s.scale;
  for (size_t j = 0; j < int_whole_lines(k); ++j) {
    int16_t q = 0;
    if (j < k && !s.empty) q = int_nearest_ref(v[j] * s.inverse);
    data[int_index_ref(rows, row, j)] = q;
  }
}

static void svf_int_pack_rows_ref(const void *x, svf_dtype type, ptrdiff_t stride, int rows,
                                  size_t k, int planes, void *a)
{
  char *to = a;
  for (size_t j = 0; j < k; j += SVF_SPAN) {
    const size_t left = k - j < SVF_SPAN ? k - j : SVF_SPAN;
    for (int i = 0; i < rows; ++i) {
      float v[SVF_SPAN];
      for (size_t l = 0; l < left; ++l)
        v[l] = int_element_ref(x, type, i * stride + (ptrdiff_t)(j + l));
      int_round_row_ref(v, left, planes, rows, i, to);
    }
    to += int_span_bytes_ref(rows, int_whole_lines(left));
  }
}

static void svf_int_pack_sums_ref(const float *const *sums, const svf_epilogue *e, size_t channel,
                                  int rows, size_t k, int planes, void *a)
{
  for (int i = 0; i < rows; ++i) {
    float v[SVF_SPAN];
    for (size_t j = 0; j < k; ++j) {
      v[j] = sums[j / SVF_PANEL][(size_t)i * SVF_PANEL + j % SVF_PANEL];
      if (e->keep) e->keep[i * e->keep_stride + (ptrdiff_t)(channel + j)] = v[j];
      v[j] *= svf_load_f32(e->gains[i], channel + j);
    }
    int_round_row_ref(v, k, planes, rows, i, a);
  }
}

#define INT_KERNEL_REF(weights, format_)                                                        \
  static void svf_##weights##_1x1_ref(const svf_tile *tile) { int_tile_ref(tile, format_, 1); } \
  static void svf_##weights##_2x1_ref(const svf_tile *tile) { int_tile_ref(tile, format_, 2); } \
  static void svf_##weights##_3x1_ref(const svf_tile *tile) { int_tile_ref(tile, format_, 3); } \
  static void svf_##weights##_4x1_ref(const svf_tile *tile) { int_tile_ref(tile, format_, 4); } \
  const svf_kernel svf_kernel_##weights##_ref = {                                               \
      .name = "svf_" #weights "_4x16_ref",                                                      \
      .isa = SVF_ISA_REF,                                                                       \
      .format = (format_),                                                                      \
      .needs = 0,                                                                               \
      .rows = REF_ROWS,                                                                         \
      .row_unit = 1,                                                                            \
      .a_steps = INT_LINE,                                                                      \
      .a_lines = {0, 2, 2},                                                                     \
      .blocking = SVF_VECTOR_BLOCKING,                                                          \
      .cycles = SVF_PANEL,                                                                      \
      .planes = true,                                                                           \
      .reads_f32 = false,                                                                       \
      .fetch_unit = INT_LINE,                                                                   \
      .stream_unit = INT_LINE,                                                                  \
      .pack_rows = svf_int_pack_rows_ref,                                                       \
      .pack_sums = svf_int_pack_sums_ref,                                                       \
      .tile = {[1] = {1, {[1] = svf_##weights##_1x1_ref}},                                      \
               [2] = {1, {[1] = svf_##weights##_2x1_ref}},                                      \
               [3] = {1, {[1] = svf_##weights##_3x1_ref}},                                      \
               [4] = {1, {[1] = svf_##weights##_4x1_ref}}},                                     \
  };

INT_KERNEL_REF(s8, SVF_FORMAT_S8)
INT_KERNEL_REF(w8, SVF_FORMAT_W8)
INT_KERNEL_REF(w4, SVF_FORMAT_W4)

#undef INT_KERNEL_REF
