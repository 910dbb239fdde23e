/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 by BFMMLA: four steps of two rows and two channels at a time, twice the rate of BFDOT and
 * with its bits. It takes weights as four steps of a channel, so lines of two steps are zipped,
 * once for all rows of a tile: hence many rows and, past six, half panels, for which a tile runs
 * over k twice. 12 x 8: 24 sums, 4 weight vectors and one of A; 10 loads and 4 zips feed 24
 * BFMMLAs.
 *
 * Source: Arm ARM (DDI 0487), BFMMLA and BFDotAdd with FPCR.EBF = 0: per pair of steps both
 * products are added, then their sum to the total, each rounded to odd; denormals are zero on their
 * way in and out, and FPCR does not matter. */
#define SVF_UNIT bf16
#define SVF_UNIT_ISA neonbf16
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/vec.h"

#ifdef __clang__
SVF_TARGET_BEGIN("bf16")
#else
SVF_TARGET_BEGIN("+bf16")
#endif

#define LINES_ABREAST 2 /* a vector holds four steps of two rows */
#include "kernels/bf16_lines.h"

enum {
  MMLA_PAIR = 2 * SVF_LINE, /* bytes of a pair of rows in A */
  MMLA_STEPS = 4,           /* steps of a BFMMLA */
  MMLA_STREAM_STEPS = 8,
  MMLA_HALF = SVF_LINE / 2, /* bytes of half a line of weights: eight channels */
  MMLA_HALF_SUMS = 4,       /* vectors of 2 x 2 sums for eight channels and a pair of rows */
  MMLA_PANEL_HALVES = 2
};

/* [half panel][pair of rows][HALF_SUMS] */
typedef struct bfmmla_sums {
  vec v[SVF_PANELS_MAX * MMLA_PANEL_HALVES * SVF_ROWS_MAX / 2 * MMLA_HALF_SUMS];
} bfmmla_sums;

/* In assembly, so that a sum stays in its register, and volatile, so that they stay in order;
 * clang 14 has the intrinsics only where every function of a file may use them. */
SVF_INLINE vec bfmmla(vec y, vec b, vec sum)
{
  __asm__ volatile("bfmmla %0.4s, %1.8h, %2.8h" : "+w"(sum) : "w"(y), "w"(b));
  return sum;
}

/* Four steps of eight channels, from two lines: w[i] is of channels 2*i and 2*i + 1. */
SVF_INLINE void bfmmla_weights(const char *b, vec *w)
{
  const float *low = (const float *)(const void *)b, *high = low + SVF_PANEL;
  const vec x0 = v_load(low), x1 = v_load(low + LANES);
  const vec y0 = v_load(high), y1 = v_load(high + LANES);
  w[0] = vzip1q_f32(x0, y0);
  w[1] = vzip2q_f32(x0, y0);
  w[2] = vzip1q_f32(x1, y1);
  w[3] = vzip2q_f32(x1, y1);
}

/* Four steps of every row times half panels, hi before lo. */
SVF_INLINE void bfmmla_four_steps(const char *a, const char *b, size_t stride, const int pairs,
                                  const int halves, const int planes, bfmmla_sums *sum)
{
  const int own = pairs * MMLA_HALF_SUMS; /* sums of a half panel */
  vec w[MMLA_HALF_SUMS], y = v_zero();
  SVF_UNROLL
  for (int i = 0; i < halves * planes * own; ++i) {
    const int half = i / (planes * own), at = half * own + i % own;
    if (i % (planes * own) == 0) {
      bfmmla_weights(
          b + (size_t)(half / MMLA_PANEL_HALVES) * stride + half % MMLA_PANEL_HALVES * MMLA_HALF,
          w);
    }
    if (i % MMLA_HALF_SUMS == 0) {
      /* Loads stay where they are: compilers gather them, and spill sums to hold them. */
      __asm__ volatile("" ::: "memory");
      y = v_load(
          (const float *)(const void *)(a + i / MMLA_HALF_SUMS % (planes * pairs) * MMLA_PAIR));
    }
    sum->v[at] = bfmmla(y, w[i % MMLA_HALF_SUMS], sum->v[at]);
  }
}

/* Turns two vectors of 2 x 2 sums into four channels of each of two rows, or back. */
SVF_INLINE void bfmmla_exchange(vec *x, vec *y)
{
  const float64x2_t u = vreinterpretq_f64_f32(*x), v = vreinterpretq_f64_f32(*y);
  *x = vreinterpretq_f32_f64(vzip1q_f64(u, v));
  *y = vreinterpretq_f32_f64(vzip2q_f64(u, v));
}

/* Where the four channels of sums 2*n and 2*n + 1 lie in c, [panel][row][16]. */
SVF_INLINE float *bfmmla_c_at(float *c, const int pairs, int n)
{
  const int half = n / (2 * pairs), pair = n / 2 % pairs;
  c += (half / MMLA_PANEL_HALVES * pairs + pair) * 2 * SVF_PANEL;
  return c + half % MMLA_PANEL_HALVES * (SVF_PANEL / 2) + n % 2 * LANES;
}

/* What a tile prefetches, once. */
typedef struct bfmmla_fetch {
  svf_fetch a, b;
} bfmmla_fetch;

/* Half panels [half, half + halves) of a tile: those whose sums are in registers together. */
SVF_INLINE void bfmmla_pass(const svf_tile *tile, int half, const int pairs, const int halves,
                            const int planes, bfmmla_fetch *ahead)
{
  const int vectors = halves * pairs * MMLA_HALF_SUMS, panels = (halves + 1) / MMLA_PANEL_HALVES;
  const char *a = tile->a, *b = (const char *)tile->b + half * MMLA_HALF;
  float *c = tile->c + half * (SVF_PANEL / 2);
  size_t stride = tile->b_stride;
  bfmmla_sums sum;
  SVF_UNROLL
  for (int e = 0; e < vectors; e += 2) {
    const float *from = bfmmla_c_at(c, pairs, e / 2);
    sum.v[e] = tile->resume ? v_load(from) : v_zero();
    sum.v[e + 1] = tile->resume ? v_load(from + SVF_PANEL) : v_zero();
    bfmmla_exchange(&sum.v[e], &sum.v[e + 1]);
  }
  for (size_t left = (tile->k + BF16_STEPS - 1) / BF16_STEPS; left > 0; --left) {
    if (!tile->stream) fetch_lines(&ahead->b, stride, panels, 1);
    fetch_lines(&ahead->a, 0, 1, 1);
    for (int s = 0; s < BF16_STEPS; s += MMLA_STREAM_STEPS) {
      if (tile->stream) fetch_lines(&ahead->b, stride, panels, 1);
      /* Hidden from the compiler, which would compute the addresses of all steps beforehand and
       * keep them on the stack. */
      __asm__("" : "+r"(stride));
      SVF_UNROLL
      for (int f = 0; f < MMLA_STREAM_STEPS; f += MMLA_STEPS) {
        bfmmla_four_steps(a + line_place(0, f), b, stride, pairs, halves, planes, &sum);
        b += MMLA_STEPS / 2 * SVF_LINE;
      }
      a += line_place(0, MMLA_STREAM_STEPS);
    }
    a += (planes * pairs - 1) * MMLA_PAIR;
  }
  SVF_UNROLL
  for (int e = 0; e < vectors; e += 2) {
    float *to = bfmmla_c_at(c, pairs, e / 2);
    bfmmla_exchange(&sum.v[e], &sum.v[e + 1]);
    v_store(to, sum.v[e]);
    v_store(to + SVF_PANEL, sum.v[e + 1]);
  }
}

SVF_INLINE void bfmmla_tile(const svf_tile *tile, const int pairs, const int panels,
                            const int planes)
{
  const int halves = pairs > 3 ? 1 : panels * MMLA_PANEL_HALVES;
  bfmmla_fetch ahead = {tile->a_ahead, tile->ahead};
  for (int half = 0; half < panels * MMLA_PANEL_HALVES; half += halves) {
    bfmmla_pass(tile, half, pairs, halves, planes, &ahead);
  }
  if (tile->epilogue) lines_finish(tile, (size_t)pairs * 2, panels);
}

#define BFMMLA_TILE(rows, panels)                                     \
  static void SVF_TILE_NAME(bf16, rows, panels)(const svf_tile *tile) \
  {                                                                   \
    if (tile->planes == 2) {                                          \
      bfmmla_tile(tile, (rows) / 2, panels, 2);                       \
    } else {                                                          \
      bfmmla_tile(tile, (rows) / 2, panels, 1);                       \
    }                                                                 \
  }

BFMMLA_TILE(2, 2)
BFMMLA_TILE(2, 1)
BFMMLA_TILE(4, 1)
BFMMLA_TILE(6, 1)
BFMMLA_TILE(8, 1)
BFMMLA_TILE(10, 1)
BFMMLA_TILE(12, 1)

#undef BFMMLA_TILE

static void svf_bf16_pack_rows_neonbf16(const void *x, svf_dtype type, ptrdiff_t stride, int rows,
                                        size_t k, int planes, void *a)
{
  (void)planes;
  pack_lines(x, type, stride, rows, ((size_t)rows + 1) / 2 * 2, k, a);
}

const svf_kernel svf_kernel_bf16_neonbf16 = {
    .name = "svf_bf16_12x16_neonbf16",
    .isa = SVF_ISA_NEONBF16,
    .format = SVF_FORMAT_BF16,
    .needs = VEC_NEEDS | SVF_CPU_NEON_BF16,
    .rows = 12,
    .row_unit = 2,
    .a_steps = BF16_STEPS,
    .a_lines = {0, 1, 2},
    .blocking = SVF_VECTOR_BLOCKING,
    .cycles = 0.5,
    .planes = true,
    .reads_f32 = false,
    .fetch_unit = BF16_STEPS,
    .stream_unit = MMLA_STREAM_STEPS,
    .pack_rows = svf_bf16_pack_rows_neonbf16,
    .tile = {[1] = {2, {[1] = svf_bf16_2x1_neonbf16, [2] = svf_bf16_2x2_neonbf16}},
             [2] = {1, {[1] = svf_bf16_4x1_neonbf16}},
             [3] = {1, {[1] = svf_bf16_6x1_neonbf16}},
             [4] = {1, {[1] = svf_bf16_8x1_neonbf16}},
             [5] = {1, {[1] = svf_bf16_10x1_neonbf16}},
             [6] = {1, {[1] = svf_bf16_12x1_neonbf16}}},
};

SVF_TARGET_END
#include "kernels/unit_end.h"
