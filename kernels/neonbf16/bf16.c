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
#include "kernels/registry.h"
#include "kernels/target.h"

#include <arm_neon.h>
#include <string.h>

#include <svf/cpu.h>

#ifdef __clang__
SVF_TARGET_BEGIN("bf16")
#else
SVF_TARGET_BEGIN("+bf16")
#endif

#include "kernels/neon/vec.h"
#include "kernels/line.h"

#define LINES_ABREAST 2 /* a vector: four steps of two rows */
#include "kernels/bf16_lines.h"

enum {
  PAIR = 2 * SVF_LINE, /* bytes of a pair of rows in A */
  FOUR = 4,            /* steps of a BFMMLA */
  STREAM_STEPS = 8,
  HALF = SVF_LINE / 2, /* of a line of weights: eight channels, */
  HALF_SUMS = 4,       /* and vectors of 2 x 2 sums for them and a pair of rows */
  PANEL_HALVES = 2
};

/* [half panel][pair of rows][HALF_SUMS] */
typedef struct sums {
  vec v[SVF_PANELS_MAX * PANEL_HALVES * SVF_ROWS_MAX / 2 * HALF_SUMS];
} sums;

/* In assembly, so that a sum stays in its register, and volatile, so that they stay in order;
 * clang 14 has the intrinsics only where every function of a file may use them. */
SVF_INLINE vec mm(vec y, vec b, vec sum)
{
  __asm__ volatile("bfmmla %0.4s, %1.8h, %2.8h" : "+w"(sum) : "w"(y), "w"(b));
  return sum;
}

/* Four steps of eight channels, from two lines: w[i] is of channels 2*i and 2*i + 1. */
SVF_INLINE void load_weights(const char *b, vec *w)
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
SVF_INLINE void four_steps(const char *a, const char *b, size_t stride, const int pairs,
                           const int halves, const int planes, sums *sum)
{
  const int own = pairs * HALF_SUMS; /* sums of a half panel */
  vec w[HALF_SUMS], y = v_zero();
  SVF_UNROLL
  for (int i = 0; i < halves * planes * own; ++i) {
    const int half = i / (planes * own), at = half * own + i % own;
    if (i % (planes * own) == 0) {
      load_weights(b + (size_t)(half / PANEL_HALVES) * stride + half % PANEL_HALVES * HALF, w);
    }
    if (i % HALF_SUMS == 0) {
      /* Loads stay where they are: compilers gather them, and spill sums to hold them. */
      __asm__ volatile("" ::: "memory");
      y = v_load((const float *)(const void *)(a + i / HALF_SUMS % (planes * pairs) * PAIR));
    }
    sum->v[at] = mm(y, w[i % HALF_SUMS], sum->v[at]);
  }
}

/* Two vectors of 2 x 2 sums are four channels of two rows, and the other way round. */
SVF_INLINE void exchange(vec *x, vec *y)
{
  const float64x2_t u = vreinterpretq_f64_f32(*x), v = vreinterpretq_f64_f32(*y);
  *x = vreinterpretq_f32_f64(vzip1q_f64(u, v));
  *y = vreinterpretq_f32_f64(vzip2q_f64(u, v));
}

/* Where the four channels of sums 2*n and 2*n + 1 lie in c, [panel][row][16]. */
SVF_INLINE float *c_at(float *c, const int pairs, int n)
{
  const int half = n / (2 * pairs), pair = n / 2 % pairs;
  c += (half / PANEL_HALVES * pairs + pair) * 2 * SVF_PANEL;
  return c + half % PANEL_HALVES * (SVF_PANEL / 2) + n % 2 * LANES;
}

/* What a tile prefetches, once. */
typedef struct fetching {
  svf_fetch a, b;
} fetching;

/* Half panels [half, half + halves) of a tile: those whose sums are in registers at once. */
SVF_INLINE void mm_pass(const svf_tile *tile, int half, const int pairs, const int halves,
                        const int planes, fetching *ahead)
{
  const int vectors = halves * pairs * HALF_SUMS, panels = (halves + 1) / PANEL_HALVES;
  const char *a = tile->a, *b = (const char *)tile->b + half * HALF;
  float *c = tile->c + half * (SVF_PANEL / 2);
  size_t stride = tile->b_stride;
  sums sum;
  SVF_UNROLL
  for (int e = 0; e < vectors; e += 2) {
    const float *from = c_at(c, pairs, e / 2);
    sum.v[e] = tile->resume ? v_load(from) : v_zero();
    sum.v[e + 1] = tile->resume ? v_load(from + SVF_PANEL) : v_zero();
    exchange(&sum.v[e], &sum.v[e + 1]);
  }
  for (size_t left = (tile->k + STEPS - 1) / STEPS; left > 0; --left) {
    if (!tile->stream) fetch_lines(&ahead->b, stride, panels, 1);
    fetch_lines(&ahead->a, 0, 1, 1);
    for (int s = 0; s < STEPS; s += STREAM_STEPS) {
      if (tile->stream) fetch_lines(&ahead->b, stride, panels, 1);
      /* Hidden, or addresses of all steps would be computed beforehand and kept on the stack. */
      __asm__("" : "+r"(stride));
      SVF_UNROLL
      for (int f = 0; f < STREAM_STEPS; f += FOUR) {
        four_steps(a + a_place(0, f), b, stride, pairs, halves, planes, &sum);
        b += FOUR / 2 * SVF_LINE;
      }
      a += a_place(0, STREAM_STEPS);
    }
    a += (planes * pairs - 1) * PAIR;
  }
  SVF_UNROLL
  for (int e = 0; e < vectors; e += 2) {
    float *to = c_at(c, pairs, e / 2);
    exchange(&sum.v[e], &sum.v[e + 1]);
    v_store(to, sum.v[e]);
    v_store(to + SVF_PANEL, sum.v[e + 1]);
  }
}

SVF_INLINE void mm_tile(const svf_tile *tile, const int pairs, const int panels, const int planes)
{
  const int halves = pairs > 3 ? 1 : panels * PANEL_HALVES;
  fetching ahead = {tile->a_ahead, tile->ahead};
  for (int half = 0; half < panels * PANEL_HALVES; half += halves) {
    mm_pass(tile, half, pairs, halves, planes, &ahead);
  }
  if (tile->epilogue) finish(tile, (size_t)pairs * 2, panels);
}

#define MM_TILE(pairs, panels)                           \
  static void tile_##pairs##x##panels(const svf_tile *t) \
  {                                                      \
    if (t->planes == 2) {                                \
      mm_tile(t, pairs, panels, 2);                      \
    } else {                                             \
      mm_tile(t, pairs, panels, 1);                      \
    }                                                    \
  }

MM_TILE(1, 2)
MM_TILE(1, 1)
MM_TILE(2, 1)
MM_TILE(3, 1)
MM_TILE(4, 1)
MM_TILE(5, 1)
MM_TILE(6, 1)

static void pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                      int planes, void *a)
{
  (void)planes;
  pack_lines(x, type, stride, rows, ((size_t)rows + 1) / 2 * 2, k, a);
}

const svf_kernel svf_kernel_bf16_neonbf16 = {
    .name = "svf_bf16_12x16_neonbf16",
    .isa = SVF_ISA_NEONBF16,
    .format = SVF_FORMAT_BF16,
    .needs = SVF_FMA_NEEDS | SVF_CPU_NEON_BF16,
    .rows = 12,
    .row_unit = 2,
    .a_steps = STEPS,
    .a_lines = {0, 1, 2},
    .blocking = SVF_VECTOR_BLOCKING,
    .cycles = 0.5,
    .planes = true,
    .reads_f32 = false,
    .fetch_unit = STEPS,
    .stream_unit = STREAM_STEPS,
    .pack_rows = pack_rows,
    .tile = {[1] = {2, {[1] = tile_1x1, [2] = tile_1x2}},
             [2] = {1, {[1] = tile_2x1}},
             [3] = {1, {[1] = tile_3x1}},
             [4] = {1, {[1] = tile_4x1}},
             [5] = {1, {[1] = tile_5x1}},
             [6] = {1, {[1] = tile_6x1}}},
};

SVF_TARGET_END
