/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats with integers in plain C: the twin that every other kernel of them must match to the
 * bit. A is int16 whatever its planes, [64 steps][row][64]. */
#include <math.h>

#include "kernels/int_scale.h"
#include "kernels/ref/finish.h"
#include "kernels/registry.h"

enum { ROWS = 4, STEPS = 64 };

static size_t a_index(int rows, int row, size_t k)
{
  return (k / STEPS * (size_t)rows + (size_t)row) * STEPS + k % STEPS;
}

/* Bytes of a block of A with `steps` steps, whole lines. */
static size_t a_block(int rows, size_t steps)
{
  return (size_t)rows * (SVF_A_HEADER + steps * sizeof(int16_t));
}

static size_t whole_lines(size_t k)
{
  return k < SVF_BLOCK ? (k + STEPS - 1) / STEPS * STEPS : SVF_BLOCK;
}

/* Step k of channel j in the data of a block. */
static int weight(const unsigned char *data, svf_format format, size_t k, size_t j)
{
  if (format != SVF_FORMAT_W4) return (int8_t)data[(k / 4 * SVF_PANEL + j) * 4 + k % 4];
  const int nibble = data[(k / 8 * SVF_PANEL + j) * 4 + k % 4] >> (k % 8 / 4 * 4) & 0xf;
  return nibble >= 8 ? nibble - 16 : nibble;
}

static float weight_scale(const char *block, svf_format format, size_t group, size_t j)
{
  const size_t at = group * SVF_PANEL + j;
  if (format == SVF_FORMAT_S8) return ((const float *)(const void *)block)[at];
  return svf_widen_bf16(((const uint16_t *)(const void *)block)[at]);
}

static size_t int_weights_bytes_ref(svf_format format, size_t group)
{
  const size_t weights = SVF_BLOCK * SVF_PANEL;
  return svf_scale_bytes(format, group) + (format == SVF_FORMAT_W4 ? weights / 2 : weights);
}

/* One block added to the sum of a row and channel. */
static float add_block(float sum, const svf_tile *tile, svf_format format, const char *a,
                       const char *b, int rows, int row, size_t j, size_t steps)
{
  const size_t group = (size_t)tile->group;
  const int16_t *x = (const int16_t *)(const void *)(a + rows * SVF_A_HEADER);
  const unsigned char *data = (const unsigned char *)b + svf_scale_bytes(format, group);
  for (size_t k0 = 0; k0 < steps; k0 += group) {
    const size_t k1 = k0 + group < steps ? k0 + group : steps;
    int32_t dot = 0;
    for (size_t k = k0; k < k1; ++k) dot += x[a_index(rows, row, k)] * weight(data, format, k, j);
    const float scale =
        weight_scale(b, format, k0 / group, j) * ((const float *)(const void *)a)[row];
    sum = fmaf((float)dot, scale, sum);
  }
  return sum;
}

static void tile_of(const svf_tile *tile, svf_format format, int rows)
{
  const svf_epilogue *e = tile->epilogue;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < SVF_PANEL; ++j) {
      float *c = tile->c + i * SVF_PANEL + j;
      float sum = tile->resume ? *c : 0.0f;
      const char *a = tile->a, *b = tile->b;
      for (size_t k = 0; k < tile->k; k += SVF_BLOCK) {
        const size_t steps = whole_lines(tile->k - k);
        sum = add_block(sum, tile, format, a, b, rows, i, (size_t)j, steps);
        a += a_block(rows, steps);
        b += int_weights_bytes_ref(format, (size_t)tile->group);
      }
      if (!e) {
        *c = sum;
      } else if (j < tile->lanes) {
        finish_y(e, i, tile->channel + (size_t)j, sum);
      }
    }
  }
}

static float element(const void *x, svf_dtype type, ptrdiff_t at)
{
  return type == SVF_DTYPE_F32 ? ((const float *)x)[at] : svf_widen_bf16(((const uint16_t *)x)[at]);
}

/* One row of a block: `k` values become its integers and its scale. */
static void round_row(const float *v, size_t k, int planes, int rows, int row, char *a)
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
  for (size_t j = 0; j < whole_lines(k); ++j) {
    int16_t q = 0;
    if (j < k && !s.empty) q = (int16_t)lrintf(v[j] * s.inverse);
    data[a_index(rows, row, j)] = q;
  }
}

static void pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                      int planes, void *a)
{
  char *to = a;
  for (size_t j = 0; j < k; j += SVF_BLOCK) {
    const size_t left = k - j < SVF_BLOCK ? k - j : SVF_BLOCK;
    for (int i = 0; i < rows; ++i) {
      float v[SVF_BLOCK];
      for (size_t l = 0; l < left; ++l) v[l] = element(x, type, i * stride + (ptrdiff_t)(j + l));
      round_row(v, left, planes, rows, i, to);
    }
    to += a_block(rows, whole_lines(left));
  }
}

static void pack_sums(const float *const *sums, const float *const *gains, size_t channel, int rows,
                      size_t k, int planes, void *a)
{
  for (int i = 0; i < rows; ++i) {
    float v[SVF_BLOCK];
    for (size_t j = 0; j < k; ++j) {
      v[j] = sums[j / SVF_PANEL][(size_t)i * SVF_PANEL + j % SVF_PANEL] * gains[i][channel + j];
    }
    round_row(v, k, planes, rows, i, a);
  }
}

#define TILES(name_, enumerator)                                                \
  static void name_##_1(const svf_tile *tile) { tile_of(tile, enumerator, 1); } \
  static void name_##_2(const svf_tile *tile) { tile_of(tile, enumerator, 2); } \
  static void name_##_3(const svf_tile *tile) { tile_of(tile, enumerator, 3); } \
  static void name_##_4(const svf_tile *tile) { tile_of(tile, enumerator, 4); } \
  const svf_kernel svf_kernel_##name_##_ref = {                                 \
      .name = "svf_" #name_ "_4x16_ref",                                        \
      .isa = SVF_ISA_REF,                                                       \
      .format = (enumerator),                                                   \
      .needs = 0,                                                               \
      .rows = ROWS,                                                             \
      .row_unit = 1,                                                            \
      .a_steps = STEPS,                                                         \
      .a_lines = {0, 2, 2},                                                     \
      .blocking = SVF_VECTOR_BLOCKING,                                          \
      .cycles = SVF_PANEL,                                                      \
      .planes = true,                                                           \
      .reads_f32 = false,                                                       \
      .fetch_unit = STEPS,                                                      \
      .stream_unit = STEPS,                                                     \
      .pack_rows = pack_rows,                                                   \
      .pack_sums = pack_sums,                                                   \
      .tile = {[1] = {1, {[1] = name_##_1}},                                    \
               [2] = {1, {[1] = name_##_2}},                                    \
               [3] = {1, {[1] = name_##_3}},                                    \
               [4] = {1, {[1] = name_##_4}}},                                   \
  };

TILES(s8, SVF_FORMAT_S8)
TILES(w8, SVF_FORMAT_W8)
TILES(w4, SVF_FORMAT_W4)
