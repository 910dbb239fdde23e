/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 by VDPBF16PS: two steps of 16 channels at a time, twice the rate of fp32 FMAs where the
 * instruction runs at full speed. Tile shapes are those of the FMA kernels.
 *
 * Source: Intel SDM volume 2, VDPBF16PS: the odd step first, then the even one, each a fused
 * multiply-add whose operands and result have denormals as zero. */
#define SVF_UNIT bf16
#define SVF_UNIT_ISA avx512bf16
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"

SVF_TARGET_BEGIN("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#define LINES_ABREAST 1
#include "kernels/bf16_lines.h"

enum { DOT_PAIRS = BF16_STEPS / 2, DOT_STREAM_PAIRS = 4 };

typedef struct dot_sums {
  vec v[SVF_PANELS_MAX * SVF_ROWS_MAX];
} dot_sums;

/* In assembly, so that a sum stays in its register. */
SVF_INLINE vec dot(vec y, vec b, vec sum)
{
  __asm__("vdpbf16ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(y), "v"(b));
  return sum;
}

/* A pair of steps of one row, in every lane. */
SVF_INLINE vec dot_pair_at(const char *a)
{
  int32_t bits;
  memcpy(&bits, a, sizeof bits);
  return _mm512_castsi512_ps(_mm512_set1_epi32(bits));
}

/* Every row's pair, hi before lo, times every panel's line. */
SVF_INLINE void dot_step(const char *a, const char *b, size_t stride, const int rows,
                         const int panels, const int planes, dot_sums *sum)
{
  vec w[SVF_PANELS_MAX];
  SVF_UNROLL
  for (int p = 0; p < panels; ++p) {
    w[p] = v_load((const float *)(const void *)(b + (size_t)p * stride));
  }
  SVF_UNROLL
  for (int i = 0; i < rows * planes; ++i) {
    const vec y = dot_pair_at(a + i * SVF_LINE);
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
  dot_sums sum;
  SVF_UNROLL
  for (int e = 0; e < rows * panels; ++e) {
    const float *from = c + (e % panels * rows + e / panels) * SVF_PANEL;
    sum.v[e] = tile->resume ? v_load(from) : v_zero();
  }
  for (size_t left = (tile->k + BF16_STEPS - 1) / BF16_STEPS; left > 0; --left) {
    if (!tile->stream) fetch_lines(&ahead, stride, panels, 1);
    fetch_lines(&a_ahead, 0, 1, 1);
    for (int q = 0; q < DOT_PAIRS; q += DOT_STREAM_PAIRS) {
      if (tile->stream) fetch_lines(&ahead, stride, panels, 1);
      /* Hidden from the compiler, which would compute the addresses of all pairs beforehand and
       * keep them on the stack. */
      __asm__("" : "+r"(stride));
      SVF_UNROLL
      for (int s = 0; s < DOT_STREAM_PAIRS; ++s) {
        dot_step(a + (q + s) * 4, b, stride, rows, panels, planes, &sum);
        b += SVF_LINE;
      }
    }
    a += rows * planes * SVF_LINE;
  }
  SVF_UNROLL
  for (int e = 0; e < rows * panels; ++e) {
    v_store(c + (e % panels * rows + e / panels) * SVF_PANEL, sum.v[e]);
  }
  if (tile->epilogue) lines_finish(tile, (size_t)rows, panels);
}

#define DOT_TILE(format, rows, panels)                                  \
  static void SVF_TILE_NAME(format, rows, panels)(const svf_tile *tile) \
  {                                                                     \
    if (tile->planes == 2) {                                            \
      dot_tile(tile, rows, panels, 2);                                  \
    } else {                                                            \
      dot_tile(tile, rows, panels, 1);                                  \
    }                                                                   \
  }

#define DOT_TILES FMA_SHAPES_AVX512(DOT_TILE, DOT_TILE, bf16)

DOT_TILES

#undef DOT_TILE
#undef DOT_TILES

static void svf_bf16_pack_rows_avx512bf16(const void *x, svf_dtype type, ptrdiff_t stride, int rows,
                                          size_t k, int planes, void *a)
{
  (void)planes;
  pack_lines(x, type, stride, rows, (size_t)rows, k, a);
}

const svf_kernel svf_kernel_bf16_avx512bf16 = {
    .name = "svf_bf16_8x48_avx512bf16",
    .isa = SVF_ISA_AVX512BF16,
    .format = SVF_FORMAT_BF16,
    .needs = VEC_NEEDS | SVF_CPU_AVX512BF16,
    .slow_on = SVF_CPU_INTEL, /* half the rate of FMAs */
    .rows = 8,
    .row_unit = 1,
    .a_steps = BF16_STEPS,
    .a_lines = {0, 1, 2},
    .blocking = SVF_VECTOR_BLOCKING,
    .cycles = 0.25,
    .planes = true,
    .reads_f32 = false,
    .fetch_unit = BF16_STEPS,
    .stream_unit = 2 * DOT_STREAM_PAIRS,
    .pack_rows = svf_bf16_pack_rows_avx512bf16,
    .tile = {FMA_SHAPES_AVX512(SVF_FULL_TILE, SVF_TILE, bf16)},
};

SVF_TARGET_END
#include "kernels/unit_end.h"
