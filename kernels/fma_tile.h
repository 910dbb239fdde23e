/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile in fp32 FMAs, written once for every vector ISA and for every format that widens its
 * weights to fp32, in terms of the operations in vec.h. A template header, see unit.h: a format's
 * unit defines FMA_BF16 as 0 or 1, includes this, and instantiates the tiles and the registry row
 * by FMA_UNIT. Everything is inlined with constant shapes, so that the sums stay in registers. A is
 * fp32 in every format, which holds every rounded value. */
#ifndef SVF_KERNELS_FMA_TILE_H
#define SVF_KERNELS_FMA_TILE_H

#include "kernels/finish.h"

/* Names of the unit's own, see unit.h. */
#define FMA_STEPS SVF_NAME(FMA_STEPS)
#define FMA_PER_LINE SVF_NAME(FMA_PER_LINE)
#define fma_carry SVF_NAME(fma_carry)
#define fma_finish_t SVF_NAME(fma_finish_t)
#define fma_finish SVF_NAME(fma_finish)
#define fma_sums SVF_NAME(fma_sums)
#define fma_b_at SVF_NAME(fma_b_at)
#define fma_step SVF_NAME(fma_step)
#define fma_steps SVF_NAME(fma_steps)
#define fma_c_at SVF_NAME(fma_c_at)
#define fma_tile SVF_NAME(fma_tile)
#define fma_pack_rows SVF_NAME(pack_rows)

enum {
  FMA_STEPS = 4,                  /* steps for which a row of A is loaded at once; divides a line */
  FMA_PER_LINE = FMA_BF16 ? 2 : 1 /* steps in a line of weights */
};

/* T as the format carries it. hi + lo is exact in fp32: lo has at most 8 bits, within the 24 of
 * t. */
SVF_INLINE vec fma_carry(vec t, bool hi_lo)
{
  if (!FMA_BF16) return t;
  const vec hi = v_bf16(t);
  if (!hi_lo) return hi;
  return v_add(hi, v_finite(hi, v_bf16(v_sub(t, hi))));
}

/* T = sum * gain, laid out as the A of the second product. Its lines are whole; what lies past r is
 * never read. */
static void fma_finish_t(const svf_epilogue *e, size_t channel, int lanes, int rows,
                         const float *sums)
{
  float *t = (float *)e->t + channel * (size_t)rows;
  if (e->keep) keep_sums(e, channel, lanes, rows, sums);
  for (int i = 0; i < rows; ++i) {
    const line gain = line_load_part(e->gains[i] + channel, lanes);
    line l = line_load(sums + i * SVF_PANEL);
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) l.v[v] = fma_carry(v_mul(l.v[v], gain.v[v]), e->hi_lo);
    line_store(t + i * SVF_PANEL, l);
  }
}

/* Hands the finished sums of a tile on while they are in L1. */
static void fma_finish(const svf_tile *tile, int rows, int panels)
{
  for (int p = 0; p < panels; ++p) {
    const int lanes = p == panels - 1 ? tile->lanes : SVF_PANEL;
    const size_t channel = tile->channel + (size_t)p * SVF_PANEL;
    const float *sums = tile->c + p * rows * SVF_PANEL;
    if (tile->epilogue->t) {
      fma_finish_t(tile->epilogue, channel, lanes, rows, sums);
    } else {
      finish_y(tile->epilogue, channel, lanes, rows, sums);
    }
  }
}

/* The sums of a tile, row by row, in the order of their use: [row][panel][VECS]. Loops over them
 * are shallow and do not jump: clang unrolls deep nests too late to keep the sums in registers, and
 * gcc spills what it has to permute. */
typedef struct fma_sums {
  vec v[SVF_PANELS_MAX * VECS * SVF_ROWS_MAX];
} fma_sums;

/* Vector q of the weights of step s; b is where an even step begins. */
SVF_INLINE vec fma_b_at(const char *b, size_t stride, const int q, const int s)
{
  const char *at = b + (size_t)(q / VECS) * stride + s / FMA_PER_LINE * SVF_LINE;
  at += q % VECS * LANES * 4;
  if (!FMA_BF16) return v_load((const float *)(const void *)at);
  return s % 2 ? v_odd((const uint16_t *)(const void *)at)
               : v_even((const uint16_t *)(const void *)at);
}

/* Step s of those that x holds: every row's A times every panel's line of B. */
SVF_INLINE void fma_step(const a_row *x, const int s, const char *b, size_t stride, const int rows,
                         const int panels, fma_sums *sum)
{
  const int vecs = panels * VECS;
  vec w[SVF_PANELS_MAX * VECS];
  a_value y = a_at(x[0], s);
  SVF_UNROLL
  for (int q = 0; q < vecs; ++q) w[q] = fma_b_at(b, stride, q, s);
  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) {
    if (e % vecs == 0) y = a_at(x[e / vecs], s);
    sum->v[e] = a_fma(y, w[e % vecs], sum->v[e]);
  }
  /* Loads stay in their step: compilers gather those of several, and spill sums to hold them. */
  __asm__ volatile("" ::: "memory");
}

/* `count` steps, at most FMA_STEPS; the first one is even. */
SVF_INLINE void fma_steps(const char *a, const char *b, size_t stride, const int rows,
                          const int panels, const int count, fma_sums *sum)
{
  /* Hidden from the compiler, which would compute the addresses of all steps beforehand and keep
   * them on the stack. */
  __asm__("" : "+r"(stride));
  a_row x[SVF_ROWS_MAX];
  SVF_UNROLL
  for (int i = 0; i < rows; ++i)
    x[i] = a_load((const float *)(const void *)(a + i * SVF_LINE), count);
  SVF_UNROLL
  for (int s = 0; s < count; ++s) fma_step(x, s, b, stride, rows, panels, sum);
}

/* Where sum e lies in c, [panel][row][16]. */
SVF_INLINE float *fma_c_at(float *c, const int rows, const int vecs, int e)
{
  const int i = e / vecs, q = e % vecs;
  return c + (q / VECS * rows + i) * SVF_PANEL + q % VECS * LANES;
}

SVF_INLINE void fma_tile(const svf_tile *tile, const int rows, const int panels)
{
  const size_t stride = tile->b_stride;
  const char *a = tile->a, *b = tile->b;
  float *c = tile->c;
  const int vecs = panels * VECS;
  fma_sums sum;
  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) {
    sum.v[e] = tile->resume ? v_load(fma_c_at(c, rows, vecs, e)) : v_zero();
  }

  /* Where memory is the limit, prefetches are spread evenly; else they stay out of the way. */
  svf_fetch ahead = tile->ahead, a_ahead = tile->a_ahead;
  size_t left = tile->k;
  for (; left >= SVF_PANEL; left -= SVF_PANEL) {
    if (!tile->stream) fetch_lines(&ahead, stride, panels, 1);
    fetch_lines(&a_ahead, 0, 1, 1);
    for (int s = 0; s < SVF_PANEL; s += FMA_STEPS) {
      if (tile->stream) fetch_lines(&ahead, stride, panels, 1);
      fma_steps(a + s * 4, b, stride, rows, panels, FMA_STEPS, &sum);
      b += FMA_STEPS / FMA_PER_LINE * SVF_LINE;
    }
    a += rows * SVF_LINE;
  }
  for (; left >= FMA_STEPS; left -= FMA_STEPS) {
    fma_steps(a, b, stride, rows, panels, FMA_STEPS, &sum);
    a += FMA_STEPS * 4;
    b += FMA_STEPS / FMA_PER_LINE * SVF_LINE;
  }
  for (; left >= FMA_PER_LINE; left -= FMA_PER_LINE) {
    fma_steps(a, b, stride, rows, panels, FMA_PER_LINE, &sum);
    a += FMA_PER_LINE * 4;
    b += SVF_LINE;
  }
  if (left > 0) fma_steps(a, b, stride, rows, panels, 1, &sum);

  SVF_UNROLL
  for (int e = 0; e < vecs * rows; ++e) v_store(fma_c_at(c, rows, vecs, e), sum.v[e]);
  if (tile->epilogue) fma_finish(tile, rows, panels);
}

/* A strip of X in lines. Its rows lie far apart, where no hardware prefetcher follows, so the next
 * strip is fetched meanwhile. */
static void fma_pack_rows(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                          int planes, void *packed)
{
  (void)planes;
  float *a = packed;
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  for (size_t j = 0; j < k; j += SVF_PANEL) {
    const int lanes = k - j < SVF_PANEL ? (int)(k - j) : SVF_PANEL;
    for (int i = 0; i < rows; ++i) {
      const char *from = (const char *)x + (i * stride + (ptrdiff_t)j) * size;
      v_prefetch((const void *)((uintptr_t)from + (uintptr_t)rows * (uintptr_t)(stride * size)));
      line l = row_load(from, type, lanes);
      SVF_UNROLL
      for (int v = 0; v < VECS; ++v) l.v[v] = fma_carry(l.v[v], false);
      line_store(a, l);
      a += SVF_PANEL;
    }
  }
}

#define FMA_TILE(format, rows, panels)                                  \
  static void SVF_TILE_NAME(format, rows, panels)(const svf_tile *tile) \
  {                                                                     \
    fma_tile(tile, rows, panels);                                       \
  }

#define FMA_KERNEL(isa_, shapes)                                                              \
  const svf_kernel SVF_ROW_NAME(SVF_UNIT) = {                                                 \
      .name = "svf_" SVF_STRING(SVF_UNIT) "_" FMA_SIZE_##shapes "_" SVF_STRING(SVF_UNIT_ISA), \
      .isa = (isa_),                                                                          \
      .format = SVF_JOIN(SVF_FORMAT, SVF_UNIT),                                               \
      .needs = VEC_NEEDS,                                                                     \
      .rows = FMA_ROWS_##shapes,                                                              \
      .row_unit = 1,                                                                          \
      .a_steps = SVF_PANEL,                                                                   \
      .a_lines = {0, 1, 1},                                                                   \
      .blocking = SVF_VECTOR_BLOCKING,                                                        \
      .cycles = VECS / 2.0,                                                                   \
      .planes = false,                                                                        \
      .reads_f32 = !FMA_BF16,                                                                 \
      .fetch_unit = SVF_PANEL,                                                                \
      .stream_unit = FMA_STEPS,                                                               \
      .pack_rows = fma_pack_rows,                                                             \
      .tile = {FMA_SHAPES_##shapes(SVF_FULL_TILE, SVF_TILE, SVF_UNIT)},                       \
  };

/* The tiles FMA_SHAPES_<shapes>, and their registry row. */
#define FMA_UNIT(isa, shapes) \
  FMA_SHAPES_##shapes(FMA_TILE, FMA_TILE, SVF_UNIT) FMA_KERNEL(isa, shapes)

#endif
