/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 by VDPBF16PS: two steps of 16 channels at a time, twice the rate of fp32 FMAs where the
 * instruction runs at full speed. Tile shapes are those of the FMA kernels.
 *
 * Source: Intel SDM volume 2, VDPBF16PS: the odd step first, then the even one, each a fused
 * multiply-add whose operands and result have denormals as zero. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/vec.h"
#include "kernels/line.h"

#define LINES_ABREAST 1
#include "kernels/bf16_lines.h"

enum { PAIRS = STEPS / 2, STREAM_PAIRS = 4 };

typedef struct sums {
  vec v[SVF_PANELS_MAX * SVF_ROWS_MAX];
} sums;

/* In assembly, so that a sum stays in its register. */
SVF_INLINE vec dot(vec y, vec b, vec sum)
{
  __asm__("vdpbf16ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(y), "v"(b));
  return sum;
}

/* A pair of steps of one row, in every lane. */
SVF_INLINE vec pair_at(const char *a)
{
  int32_t bits;
  memcpy(&bits, a, sizeof bits);
  return _mm512_castsi512_ps(_mm512_set1_epi32(bits));
}

/* Every row's pair, hi before lo, times every panel's line. */
SVF_INLINE void pair_step(const char *a, const char *b, size_t stride, const int rows,
                          const int panels, const int planes, sums *sum)
{
  vec w[SVF_PANELS_MAX];
  SVF_UNROLL
  for (int p = 0; p < panels; ++p) {
    w[p] = v_load((const float *)(const void *)(b + (size_t)p * stride));
  }
  SVF_UNROLL
  for (int i = 0; i < rows * planes; ++i) {
    const vec y = pair_at(a + i * SVF_LINE);
    SVF_UNROLL
    for (int p = 0; p < panels; ++p) {
      const int e = i % rows * panels + p;
      sum->v[e] = dot(y, w[p], sum->v[e]);
    }
  }
  /* Loads stay in their step: compilers gather those of several, and spill sums to hold them. */
  __asm__ volatile("" ::: "memory");
}

SVF_INLINE void dot_tile(const svf_tile *tile, const int rows, const int panels, const int planes)
{
  size_t stride = tile->b_stride;
  svf_fetch ahead = tile->ahead, a_ahead = tile->a_ahead;
  const char *a = tile->a, *b = tile->b;
  float *c = tile->c;
  sums sum;
  SVF_UNROLL
  for (int e = 0; e < rows * panels; ++e) {
    const float *from = c + (e % panels * rows + e / panels) * SVF_PANEL;
    sum.v[e] = tile->resume ? v_load(from) : v_zero();
  }
  for (size_t left = (tile->k + STEPS - 1) / STEPS; left > 0; --left) {
    if (!tile->stream) fetch_lines(&ahead, stride, panels, 1);
    fetch_lines(&a_ahead, 0, 1, 1);
    for (int q = 0; q < PAIRS; q += STREAM_PAIRS) {
      if (tile->stream) fetch_lines(&ahead, stride, panels, 1);
      /* Hidden, or addresses of all pairs would be computed beforehand and kept on the stack. */
      __asm__("" : "+r"(stride));
      SVF_UNROLL
      for (int s = 0; s < STREAM_PAIRS; ++s) {
        pair_step(a + (q + s) * 4, b, stride, rows, panels, planes, &sum);
        b += SVF_LINE;
      }
    }
    a += rows * planes * SVF_LINE;
  }
  SVF_UNROLL
  for (int e = 0; e < rows * panels; ++e) {
    v_store(c + (e % panels * rows + e / panels) * SVF_PANEL, sum.v[e]);
  }
  if (tile->epilogue) finish(tile, (size_t)rows, panels);
}

#define SVF_FMA_TILE(rows, panels)                      \
  static void tile_##rows##x##panels(const svf_tile *t) \
  {                                                     \
    if (t->planes == 2) {                               \
      dot_tile(t, rows, panels, 2);                     \
    } else {                                            \
      dot_tile(t, rows, panels, 1);                     \
    }                                                   \
  }

SVF_FMA_TILES

static void pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                      int planes, void *a)
{
  (void)planes;
  pack_lines(x, type, stride, rows, (size_t)rows, k, a);
}

const svf_kernel svf_kernel_bf16_avx512bf16 = {
    .name = "svf_bf16_8x48_avx512bf16",
    .isa = SVF_ISA_AVX512BF16,
    .format = SVF_FORMAT_BF16,
    .needs = SVF_FMA_NEEDS | SVF_CPU_AVX512BF16,
    .slow_on = SVF_CPU_INTEL, /* half the rate of FMAs */
    .rows = 8,
    .row_unit = 1,
    .a_steps = STEPS,
    .a_lines = {0, 1, 2},
    .blocking = SVF_VECTOR_BLOCKING,
    .cycles = 0.25,
    .planes = true,
    .reads_f32 = false,
    .fetch_unit = STEPS,
    .stream_unit = 2 * STREAM_PAIRS,
    .pack_rows = pack_rows,
    .tile = {SVF_FMA_ROWS},
};

SVF_TARGET_END
