/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers by SMMLA: eight steps of two channels and of a pair, which is two rows of int8 or the
 * two planes of a row; twice the rate of SDOT. Lines of weights are zipped, once for all pairs of a
 * pass: 3 pairs x 1 panel, 24 sums, 4 vectors of weights, 3 of A.
 *
 * Source: Arm ARM (DDI 0487), SMMLA. */
#define SVF_UNIT int
#define SVF_UNIT_ISA neoni8mm
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/ivec.h"

#ifdef __clang__
SVF_TARGET_BEGIN("i8mm")
#else
SVF_TARGET_BEGIN("arch=armv8.2-a+i8mm")
#endif

#define INT_A8 1
#define INT_PAIRED 1
#define INT_QUADS 1
#define INT_ROW_UNIT 2
#define INT_FEW 0
#define INT_TWO_QUADS 0
#include "kernels/int_lines.h"

enum {
  SMMLA_PAIR = 2 * SVF_LINE, /* bytes of a pair in a line of A */
  SMMLA_STEPS = 8,           /* steps of an SMMLA */
  SMMLA_PAIRS = 3,           /* most pairs in a pass */
  SMMLA_PAIR_SUMS = 2 * VECS /* vectors of 2 x 2 sums for a pair and a panel */
};

/* What is constant in a pass. */
typedef struct smmla_shape {
  int pairs, planes;
  svf_format format; /* of the weights */
} smmla_shape;

/* [pair][PAIR_SUMS] */
typedef struct smmla_sums {
  ivec v[SMMLA_PAIRS * SMMLA_PAIR_SUMS];
} smmla_sums;

/* In assembly, so that a sum stays in its register. */
SVF_INLINE ivec smmla(ivec a, ivec w, ivec sum)
{
  __asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(w));
  return sum;
}

/* Eight steps of channels [4*q, 4*q + 4): two of them in each of w. int4 comes as 16 times its
 * value. */
SVF_INLINE void smmla_weights(const char *b, svf_format format, const int q, ivec *w)
{
  ivec low = i_load(b + q * 16), high;
  if (format == SVF_FORMAT_W4) {
    high = vandq_s32(low, vdupq_n_s32((int32_t)0xf0f0f0f0));
    low = vreinterpretq_s32_s8(vshlq_n_s8(vreinterpretq_s8_s32(low), 4));
  } else {
    high = i_load(b + SVF_LINE + q * 16);
  }
  w[0] = vzip1q_s32(low, high);
  w[1] = vzip2q_s32(low, high);
}

SVF_INLINE size_t smmla_bytes(svf_format format)
{
  return format == SVF_FORMAT_W4 ? SVF_LINE : 2 * SVF_LINE;
}

SVF_INLINE void smmla_eight_steps(const char *a, const char *b, const smmla_shape s,
                                  smmla_sums *sum)
{
  ivec x[SMMLA_PAIRS];
  SVF_UNROLL
  for (int p = 0; p < s.pairs; ++p) x[p] = i_load(a + p * SMMLA_PAIR);
  SVF_UNROLL
  for (int q = 0; q < VECS; ++q) {
    ivec w[2];
    smmla_weights(b, s.format, q, w);
    SVF_UNROLL
    for (int p = 0; p < s.pairs; ++p) {
      ivec *to = &sum->v[p * SMMLA_PAIR_SUMS + 2 * q];
      to[0] = smmla(x[p], w[0], to[0]);
      to[1] = smmla(x[p], w[1], to[1]);
    }
  }
}

/* Adds the sums of a group to c; b is where the panel's span begins, c and a_scale are those of the
 * pass's first row. */
SVF_INLINE void smmla_add_group(const smmla_sums *sum, const char *b, size_t group,
                                const float *a_scale, float *c, const smmla_shape s)
{
  SVF_UNROLL
  for (int q = 0; q < VECS; ++q) {
    const vec w = weight_scales(b, s.format, group, q * LANES);
    SVF_UNROLL
    for (int p = 0; p < s.pairs; ++p) {
      const int64x2_t x = vreinterpretq_s64_s32(sum->v[p * SMMLA_PAIR_SUMS + 2 * q]);
      const int64x2_t y = vreinterpretq_s64_s32(sum->v[p * SMMLA_PAIR_SUMS + 2 * q + 1]);
      ivec first = vreinterpretq_s32_s64(vzip1q_s64(x, y));
      ivec second = vreinterpretq_s32_s64(vzip2q_s64(x, y));
      if (s.planes == 2) {
        first = vaddq_s32(vshlq_n_s32(first, 7), second);
        if (s.format == SVF_FORMAT_W4) first = vshrq_n_s32(first, 4);
        add_scaled(c + p * SVF_PANEL + q * LANES, first, w, a_scale[p]);
      } else {
        add_scaled(c + 2 * p * SVF_PANEL + q * LANES, first, w, a_scale[2 * p]);
        add_scaled(c + (2 * p + 1) * SVF_PANEL + q * LANES, second, w, a_scale[2 * p + 1]);
      }
    }
  }
}

/* What a tile prefetches, once. */
typedef struct smmla_fetch {
  svf_fetch a, b;
} smmla_fetch;

/* Pairs [pair, pair + s.pairs) of a tile's strip. */
SVF_INLINE void smmla_pass(const svf_tile *tile, int rows, int pair, const smmla_shape s,
                           smmla_fetch *ahead)
{
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_SPAN : (size_t)tile->group;
  const size_t a_line = (size_t)(rows * s.planes) * SVF_LINE;
  const int row = s.planes == 2 ? pair : 2 * pair;
  const char *a = tile->a, *b = tile->b;
  float *c = tile->c + row * SVF_PANEL;
  for (size_t left = tile->k; left > 0; left -= left < SVF_SPAN ? left : SVF_SPAN) {
    const size_t steps = int_whole_lines(left);
    const float *a_scale = (const float *)(const void *)a + row;
    const char *w = b + svf_scale_bytes(s.format, group);
    a += rows * SVF_A_HEADER;
    for (size_t k0 = 0, g = 0; k0 < steps; k0 += group, ++g) {
      const size_t k1 = steps - k0 < group ? steps : k0 + group;
      smmla_sums sum;
      SVF_UNROLL
      for (int e = 0; e < s.pairs * SMMLA_PAIR_SUMS; ++e) sum.v[e] = i_zero();
      for (size_t k = k0; k < k1; k += INT_LINE / 2) {
        const char *x = a + k / INT_LINE * a_line + pair * SMMLA_PAIR + k % INT_LINE * 2;
        fetch_lines(&ahead->b, tile->b_stride, 1, 1);
        fetch_lines(&ahead->a, 0, 1, 1);
        SVF_UNROLL
        for (int i = 0; i < INT_LINE / 2; i += SMMLA_STEPS) {
          smmla_eight_steps(x + 2 * i, w, s, &sum);
          w += smmla_bytes(s.format);
        }
      }
      smmla_add_group(&sum, b, g, a_scale, c, s);
    }
    a += steps / INT_LINE * a_line;
    b = w;
  }
}

/* As many pairs as a tile has, in passes. */
SVF_INLINE void smmla_tile(const svf_tile *tile, const svf_format format, const int planes)
{
  const int rows = padded_rows(tile->rows), pairs = planes == 2 ? tile->rows : rows / 2;
  smmla_fetch ahead = {tile->a_ahead, tile->ahead};
  if (!tile->resume) memset(tile->c, 0, (size_t)rows * SVF_PANEL * sizeof(float));
  for (int p = 0; p < pairs; p += SMMLA_PAIRS) {
    switch (pairs - p) {
      case 1: smmla_pass(tile, rows, p, (smmla_shape){1, planes, format}, &ahead); break;
      case 2: smmla_pass(tile, rows, p, (smmla_shape){2, planes, format}, &ahead); break;
      default: smmla_pass(tile, rows, p, (smmla_shape){SMMLA_PAIRS, planes, format}, &ahead); break;
    }
  }
  if (tile->epilogue) {
    finish_y(tile->epilogue, tile->channel, tile->lanes, tile->rows, tile->c);
  }
}

static void svf_s8_6x1_neoni8mm(const svf_tile *tile)
{
  if (tile->planes == 2) {
    smmla_tile(tile, SVF_FORMAT_S8, 2);
  } else {
    smmla_tile(tile, SVF_FORMAT_S8, 1);
  }
}
static void svf_w8_6x1_neoni8mm(const svf_tile *tile) { smmla_tile(tile, SVF_FORMAT_W8, 2); }
static void svf_w4_6x1_neoni8mm(const svf_tile *tile) { smmla_tile(tile, SVF_FORMAT_W4, 2); }

#define SMMLA_KERNEL(weights)                                    \
  const svf_kernel SVF_ROW_NAME(weights) = {                     \
      .name = "svf_" #weights "_6x16_neoni8mm",                  \
      .isa = SVF_ISA_NEON,                                       \
      .format = SVF_FORMAT_##weights,                            \
      .needs = VEC_NEEDS | SVF_CPU_NEON_I8MM,                    \
      .rows = 6,                                                 \
      .row_unit = INT_ROW_UNIT,                                  \
      .a_steps = INT_LINE,                                       \
      .a_lines = {0, 1, 2},                                      \
      .blocking = SVF_VECTOR_BLOCKING,                           \
      .cycles = 0.5,                                             \
      .planes = true,                                            \
      .reads_f32 = false,                                        \
      .fetch_unit = INT_LINE / 2,                                \
      .stream_unit = INT_LINE / 2,                               \
      .pack_rows = int_pack_rows,                                \
      .pack_sums = int_pack_sums,                                \
      .tile = {[1] = {1, {[1] = SVF_TILE_NAME(weights, 6, 1)}},  \
               [2] = {1, {[1] = SVF_TILE_NAME(weights, 6, 1)}},  \
               [3] = {1, {[1] = SVF_TILE_NAME(weights, 6, 1)}}}, \
  };

SMMLA_KERNEL(s8)
SMMLA_KERNEL(w8)
SMMLA_KERNEL(w4)

#undef SMMLA_KERNEL

SVF_TARGET_END
#include "kernels/unit_end.h"
