/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 for AMX: tiles of 16 rows x 32 steps (A), 16 pairs of steps x 16 channels (B), 16 x 16 sums
 * in fp32 (C). 2 x 2 sums for more than 16 rows, else 1 x 4. A strip is padded to whole tiles, so
 * one configuration serves every shape; what the rows of padding hold does not reach the others.
 *
 * Sources: Intel SDM volume 2, TDPBF16PS; Intel 64 optimization reference manual, chapter 20. */
#define SVF_UNIT bf16
#define SVF_UNIT_ISA amx
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"
#include "kernels/amx/tiles.h"

SVF_TARGET_BEGIN("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#define LINES_ABREAST 1
#include "kernels/bf16_lines.h"

enum { AMX_AWAKE = 8 }; /* steps between stores */

/* --- Tiles ---------------------------------------------------------------------------------------
 *
 * Registers: sums 0..3, [unit][panel] or [panel]; A 4 and 5; B 6 and 7. */

/* One line of each row of A, 16 lines of each panel. Loads and products alternate, since a tile
 * takes as long to load as to multiply. */
SVF_INLINE void dpbf16_step_1(const char *a, const char *b, size_t stride, const int panels,
                              const int planes, const amx_fetching *f)
{
  _tile_loadd(4, a, SVF_LINE);
  if (planes > 1) _tile_loadd(5, a + AMX_TILE_BYTES, SVF_LINE);
  _tile_loadd(6, b, SVF_LINE);
  _tile_dpbf16ps(0, 4, 6);
  if (planes > 1) _tile_dpbf16ps(0, 5, 6);
  amx_fetch_panel(f, 0);
  if (panels < 2) return;
  _tile_loadd(7, b + stride, SVF_LINE);
  _tile_dpbf16ps(1, 4, 7);
  if (planes > 1) _tile_dpbf16ps(1, 5, 7);
  amx_fetch_panel(f, 1);
  if (panels < 4) return;
  _tile_loadd(6, b + 2 * stride, SVF_LINE);
  _tile_dpbf16ps(2, 4, 6);
  if (planes > 1) _tile_dpbf16ps(2, 5, 6);
  amx_fetch_panel(f, 2);
  _tile_loadd(7, b + 3 * stride, SVF_LINE);
  _tile_dpbf16ps(3, 4, 7);
  if (planes > 1) _tile_dpbf16ps(3, 5, 7);
  amx_fetch_panel(f, 3);
}

/* The same for 32 rows; the weights stay for both planes. They are in L1 for all strips, if A,
 * which comes from L2, does not displace them. */
SVF_INLINE void dpbf16_step_2(const char *a, const char *b, size_t stride, const int panels,
                              const int planes, const amx_fetching *f)
{
  _tile_loadd(6, b, SVF_LINE);
  _tile_stream_loadd(4, a, SVF_LINE);
  _tile_dpbf16ps(0, 4, 6);
  _tile_stream_loadd(5, a + AMX_TILE_BYTES, SVF_LINE);
  amx_fetch_panel(f, 0);
  _tile_dpbf16ps(2, 5, 6);
  amx_fetch_a_and_c(f);
  if (panels > 1) {
    _tile_loadd(7, b + stride, SVF_LINE);
    _tile_dpbf16ps(1, 4, 7);
    amx_fetch_panel(f, 1);
    _tile_dpbf16ps(3, 5, 7);
  }
  if (planes < 2) return;
  _tile_stream_loadd(4, a + 2 * AMX_TILE_BYTES, SVF_LINE);
  _tile_dpbf16ps(0, 4, 6);
  _tile_stream_loadd(5, a + 3 * AMX_TILE_BYTES, SVF_LINE);
  _tile_dpbf16ps(2, 5, 6);
  if (panels > 1) {
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
}

/* All steps of a tile. On Sapphire Rapids and its successors what follows a long run of products
 * costs 0.25 us more, as if the pipeline had to run dry, unless a tile was stored within the last
 * 0.5 us or so: a store to the stack prevents it. */
SVF_INLINE void dpbf16_steps(const svf_tile *tile, const int units, const int panels,
                             const int planes)
{
  const char *a = tile->a, *b = tile->b;
  const size_t stride = tile->b_stride;
  const int a_line = planes * units * AMX_TILE_BYTES;
  amx_fetches ahead = amx_fetches_of(tile);
  char awake[SVF_LINE] __attribute__((aligned(SVF_LINE)));
  for (size_t left = (tile->k + BF16_STEPS - 1) / BF16_STEPS; left > 0; --left) {
    const amx_fetching f = amx_fetch_step(&ahead, stride);
    if (left % AMX_AWAKE == 0) _tile_stored(4, awake, 0);
    if (units == 2) {
      dpbf16_step_2(a, b, stride, panels, planes, &f);
    } else {
      dpbf16_step_1(a, b, stride, panels, planes, &f);
    }
    a += a_line;
    b += AMX_TILE_BYTES;
  }
}

/* Where tile n of the sums is in memory; `units` is the number of tiles of rows. */
SVF_INLINE float *dpbf16_c_at(float *c, const int units, int n)
{
  const int unit = units == 2 ? n / 2 : 0, panel = units == 2 ? n % 2 : n;
  return c + (panel * units + unit) * AMX_ROWS * SVF_PANEL;
}

#define SUM(n) (units == 2 ? (n) % 2 < panels : (n) < panels)

SVF_INLINE void dpbf16_tile(const svf_tile *tile, const int units, const int panels)
{
  float *c = tile->c;
  if (tile->resume) {
    if (SUM(0)) _tile_loadd(0, dpbf16_c_at(c, units, 0), SVF_LINE);
    if (SUM(1)) _tile_loadd(1, dpbf16_c_at(c, units, 1), SVF_LINE);
    if (SUM(2)) _tile_loadd(2, dpbf16_c_at(c, units, 2), SVF_LINE);
    if (SUM(3)) _tile_loadd(3, dpbf16_c_at(c, units, 3), SVF_LINE);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  if (tile->planes == 2) {
    dpbf16_steps(tile, units, panels, 2);
  } else {
    dpbf16_steps(tile, units, panels, 1);
  }
  if (SUM(0)) _tile_stored(0, dpbf16_c_at(c, units, 0), SVF_LINE);
  if (SUM(1)) _tile_stored(1, dpbf16_c_at(c, units, 1), SVF_LINE);
  if (SUM(2)) _tile_stored(2, dpbf16_c_at(c, units, 2), SVF_LINE);
  if (SUM(3)) _tile_stored(3, dpbf16_c_at(c, units, 3), SVF_LINE);
  if (tile->epilogue) lines_finish(tile, (size_t)units * AMX_ROWS, panels);
}

#undef SUM

#define DPBF16_TILE(rows, panels)                                     \
  static void SVF_TILE_NAME(bf16, rows, panels)(const svf_tile *tile) \
  {                                                                   \
    dpbf16_tile(tile, (rows) / AMX_ROWS, panels);                     \
  }

DPBF16_TILE(16, 4)
DPBF16_TILE(16, 2)
DPBF16_TILE(16, 1)
DPBF16_TILE(32, 2)
DPBF16_TILE(32, 1)

#undef DPBF16_TILE

static void svf_bf16_pack_rows_amx(const void *x, svf_dtype type, ptrdiff_t stride, int rows,
                                   size_t k, int planes, void *a)
{
  (void)planes;
  pack_lines(x, type, stride, rows, ((size_t)rows + AMX_ROWS - 1) / AMX_ROWS * AMX_ROWS, k, a);
}

const svf_kernel svf_kernel_bf16_amx = {
    .name = "svf_bf16_32x32_amx",
    .isa = SVF_ISA_AMX,
    .format = SVF_FORMAT_BF16,
    .needs = VEC_NEEDS | SVF_CPU_AMX_TILE | SVF_CPU_AMX_BF16,
    .rows = 2 * AMX_ROWS,
    .row_unit = AMX_ROWS,
    .a_steps = BF16_STEPS,
    .a_lines = {0, 1, 2},
    .blocking = {512, 512, 192 * 1024, 2},
    .cycles = 1.0 / 32,
    .planes = true,
    .reads_f32 = false,
    .fetch_unit = BF16_STEPS,
    .stream_unit = BF16_STEPS,
    .pack_rows = svf_bf16_pack_rows_amx,
    .begin = svf_begin_amx,
    .end = svf_end_amx,
    .tile = {[1] = {4, {[1] = svf_bf16_16x1_amx, [2] = svf_bf16_16x2_amx, [4] = svf_bf16_16x4_amx}},
             [2] = {2, {[1] = svf_bf16_32x1_amx, [2] = svf_bf16_32x2_amx}}},
};

SVF_TARGET_END
#include "kernels/unit_end.h"
