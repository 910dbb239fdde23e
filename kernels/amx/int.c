/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AMX: tiles of 16 rows x 64 steps (A), 16 quads of steps x 16 channels (B), 16 x 16
 * exact sums (C). A of 15 bits is two planes of int8, with sums of their own: at most four tiles of
 * sums in all, which a group ends by adding them, scaled, to those in fp32 in memory.
 *
 * int8 quads in the packed layout are tiles of B. int4 is widened to 16 times its value, in a tile
 * on the stack; so are groups of 32, of which a tile of B holds one and zeros for the other.
 *
 * Source: Intel SDM volume 2, TDPBSSD. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <immintrin.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/ivec.h"

#include "kernels/amx/tiles.h"

#define INT_A8 1
#define INT_QUADS 1
#define INT_PAIRED 0
#define INT_ROW_UNIT 16

SVF_INLINE ivec i_high(ivec x)
{
  return _mm512_srai_epi32(_mm512_add_epi32(x, _mm512_set1_epi32(64)), 7);
}
SVF_INLINE ivec i_low(ivec x, ivec high) { return _mm512_sub_epi32(x, _mm512_slli_epi32(high, 7)); }

#include "kernels/int_lines.h"

/* What is constant in a pass: `panels` panels of a tile's rows. */
typedef struct shape {
  int units, panels, planes;
  svf_format format; /* of the weights */
  bool halves;       /* groups of 32 */
} shape;

/* A tile of weights for every panel, and for both groups in it. */
typedef struct widened {
  _Alignas(SVF_LINE) char tile[4][2][TILE_BYTES];
} widened;

/* Exact sums, in the order of their registers. */
typedef struct amx_sums {
  _Alignas(SVF_LINE) int32_t tile[4][ROWS][SVF_PANEL];
} amx_sums;

/* --- Weights -----------------------------------------------------------------------------------
 */

SVF_INLINE size_t tile_bytes(svf_format format)
{
  return format == SVF_FORMAT_W4 ? TILE_BYTES / 2 : TILE_BYTES;
}

/* 64 steps of a panel at b as tiles of int8: lines that belong to the other group are zero from the
 * start. */
SVF_INLINE void widen(const char *b, const shape s, char tile[2][TILE_BYTES])
{
  const __m512i high = _mm512_set1_epi8((char)0xf0);
  SVF_UNROLL
  for (int l = 0; l < ROWS; l += 2) {
    char *to = tile[s.halves && l >= ROWS / 2] + l * SVF_LINE;
    if (s.format == SVF_FORMAT_W4) {
      const __m512i x = _mm512_loadu_si512(b + l / 2 * SVF_LINE);
      _mm512_store_si512(to, _mm512_and_si512(_mm512_slli_epi32(x, 4), high));
      _mm512_store_si512(to + SVF_LINE, _mm512_and_si512(x, high));
    } else {
      _mm512_store_si512(to, _mm512_loadu_si512(b + l * SVF_LINE));
      _mm512_store_si512(to + SVF_LINE, _mm512_loadu_si512(b + (l + 1) * SVF_LINE));
    }
  }
}

SVF_INLINE bool is_widened(const shape s) { return s.format == SVF_FORMAT_W4 || s.halves; }

/* The tiles of B of one step. */
typedef struct b_tiles {
  const char *panel[4];
} b_tiles;

/* --- Products ----------------------------------------------------------------------------------
 *
 * Registers: sums 0..3, A 4 and 5, B 6 and 7. Tiles of A in a line: [plane][unit], at most four;
 * sums: [panel][tile of A]. */

/* One tile of A, up to four panels. */
SVF_INLINE void step_1(const char *a, const b_tiles b, const int panels, const fetching *f)
{
  _tile_loadd(4, a, SVF_LINE);
  _tile_loadd(6, b.panel[0], SVF_LINE);
  _tile_dpbssd(0, 4, 6);
  fetch_panel(f, 0);
  if (panels < 2) return;
  _tile_loadd(7, b.panel[1], SVF_LINE);
  _tile_dpbssd(1, 4, 7);
  fetch_panel(f, 1);
  if (panels < 4) return;
  _tile_loadd(6, b.panel[2], SVF_LINE);
  _tile_dpbssd(2, 4, 6);
  fetch_panel(f, 2);
  _tile_loadd(7, b.panel[3], SVF_LINE);
  _tile_dpbssd(3, 4, 7);
  fetch_panel(f, 3);
}

/* Two tiles of A, up to two panels. */
SVF_INLINE void step_2(const char *a, const b_tiles b, const int panels, const fetching *f)
{
  _tile_loadd(6, b.panel[0], SVF_LINE);
  _tile_loadd(4, a, SVF_LINE);
  _tile_dpbssd(0, 4, 6);
  _tile_loadd(5, a + TILE_BYTES, SVF_LINE);
  fetch_panel(f, 0);
  _tile_dpbssd(1, 5, 6);
  fetch_a_and_c(f);
  if (panels < 2) return;
  _tile_loadd(7, b.panel[1], SVF_LINE);
  _tile_dpbssd(2, 4, 7);
  fetch_panel(f, 1);
  _tile_dpbssd(3, 5, 7);
}

/* Four tiles of A, one panel. */
SVF_INLINE void step_4(const char *a, const b_tiles b, const fetching *f)
{
  _tile_loadd(6, b.panel[0], SVF_LINE);
  _tile_loadd(4, a, SVF_LINE);
  _tile_dpbssd(0, 4, 6);
  _tile_loadd(5, a + TILE_BYTES, SVF_LINE);
  _tile_dpbssd(1, 5, 6);
  _tile_loadd(4, a + 2 * TILE_BYTES, SVF_LINE);
  _tile_dpbssd(2, 4, 6);
  _tile_loadd(5, a + 3 * TILE_BYTES, SVF_LINE);
  _tile_dpbssd(3, 5, 6);
  fetch_panel(f, 0);
}

SVF_INLINE void step(const char *a, const b_tiles b, const shape s, const fetching *f)
{
  switch (s.units * s.planes) {
    case 1: step_1(a, b, s.panels, f); break;
    case 2: step_2(a, b, s.panels, f); break;
    default: step_4(a, b, f); break;
  }
}

SVF_INLINE void zero_sums(void)
{
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/* The sums of a group, of the panels of a block at b; `c` is of panel 0. */
SVF_INLINE void add_group(const svf_tile *tile, const char *b, size_t group, const float *a_scale,
                          float *c, const shape s)
{
  const int tiles = s.units * s.planes, all = tiles * s.panels;
  amx_sums sum;
  _tile_stored(0, sum.tile[0], SVF_LINE);
  if (all > 1) _tile_stored(1, sum.tile[1], SVF_LINE);
  if (all > 2) _tile_stored(2, sum.tile[2], SVF_LINE);
  if (all > 2) _tile_stored(3, sum.tile[3], SVF_LINE);
  for (int p = 0; p < s.panels; ++p) {
    const vec w = weight_scales(b + (size_t)p * tile->b_stride, s.format, group, 0);
    for (int i = 0; i < tile->rows; ++i) {
      const int at = p * tiles + i / ROWS;
      ivec x = _mm512_load_si512(sum.tile[at][i % ROWS]);
      if (s.planes == 2) {
        const ivec low = _mm512_load_si512(sum.tile[at + s.units][i % ROWS]);
        x = _mm512_add_epi32(_mm512_slli_epi32(x, 7), low);
      }
      if (s.format == SVF_FORMAT_W4) x = _mm512_srai_epi32(x, 4);
      add_scaled(c + (p * s.units * ROWS + i) * SVF_PANEL, x, w, a_scale[i]);
    }
  }
}

/* --- A pass ------------------------------------------------------------------------------------
 */

/* Panels [panel, panel + s.panels) of a tile. */
SVF_INLINE void amx_pass(const svf_tile *tile, int panel, const shape s, widened *room, fetches *f)
{
  const int rows = s.units * ROWS;
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_BLOCK : (size_t)tile->group;
  const size_t a_line = (size_t)(s.planes * rows) * SVF_LINE;
  const size_t stride = tile->b_stride;
  const char *a = tile->a, *b = (const char *)tile->b + (size_t)panel * stride;
  float *c = tile->c + panel * rows * SVF_PANEL;
  for (size_t left = tile->k; left > 0; left -= left < SVF_BLOCK ? left : SVF_BLOCK) {
    const size_t steps = whole_lines(left);
    const float *a_scale = (const float *)(const void *)a;
    const char *w = b + svf_scale_bytes(s.format, group);
    a += rows * SVF_A_HEADER;
    zero_sums();
    for (size_t k = 0; k < steps; k += INT_LINE) {
      b_tiles now;
      for (int p = 0; p < s.panels; ++p) {
        const char *from = w + (size_t)p * stride;
        if (is_widened(s)) widen(from, s, room->tile[p]);
        now.panel[p] = is_widened(s) ? room->tile[p][0] : from;
      }
      const fetching fetch = fetch_step(f, stride);
      step(a, now, s, &fetch);
      if (s.halves) {
        const fetching none = {.stride = stride};
        add_group(tile, b, k / group, a_scale, c, s);
        zero_sums();
        for (int p = 0; p < s.panels; ++p) now.panel[p] = room->tile[p][1];
        step(a, now, s, &none);
      }
      a += a_line;
      w += tile_bytes(s.format);
      if ((k + INT_LINE) % group == 0 || k + INT_LINE == steps) {
        add_group(tile, b, (k + INT_LINE - 1) / group, a_scale, c, s);
        zero_sums();
      }
    }
    b = w;
  }
}

/* A tile, in passes that have sums for all its planes. */
SVF_INLINE void amx_tile(const svf_tile *tile, const int units, const int panels, const int planes,
                         const svf_format format, const bool split)
{
  const int most = 4 / (units * planes), n = panels < most ? panels : most;
  fetches f = fetches_of(tile);
  widened room;
  if (split) memset(&room, 0, sizeof room);
  for (int p = 0; p < panels; p += n) {
    amx_pass(tile, p, (shape){units, n, planes, format, split}, &room, &f);
  }
}

SVF_INLINE void start(const svf_tile *tile, const int units, const int panels)
{
  if (tile->resume) return;
  memset(tile->c, 0, (size_t)(units * panels) * ROWS * SVF_PANEL * sizeof(float));
}

SVF_INLINE void finish(const svf_tile *tile, const int units, const int panels)
{
  if (!tile->epilogue) return;
  for (int p = 0; p < panels; ++p) {
    finish_y(tile->epilogue, tile->channel + (size_t)p * SVF_PANEL,
             p == panels - 1 ? tile->lanes : SVF_PANEL, tile->rows,
             tile->c + p * units * ROWS * SVF_PANEL);
  }
}

SVF_INLINE void s8_tile(const svf_tile *tile, const int units, const int panels)
{
  start(tile, units, panels);
  if (tile->planes == 1) {
    amx_tile(tile, units, panels, 1, SVF_FORMAT_S8, false);
  } else {
    amx_tile(tile, units, panels, 2, SVF_FORMAT_S8, false);
  }
  finish(tile, units, panels);
}

SVF_INLINE void w_tile(const svf_tile *tile, const int units, const int panels,
                       const svf_format format)
{
  start(tile, units, panels);
  if (tile->group < INT_LINE) {
    amx_tile(tile, units, panels, 2, format, true);
  } else {
    amx_tile(tile, units, panels, 2, format, false);
  }
  finish(tile, units, panels);
}

#define AMX_TILES(units, panels)                                                      \
  static void s8_##units##x##panels(const svf_tile *t) { s8_tile(t, units, panels); } \
  static void w8_##units##x##panels(const svf_tile *t)                                \
  {                                                                                   \
    w_tile(t, units, panels, SVF_FORMAT_W8);                                          \
  }                                                                                   \
  static void w4_##units##x##panels(const svf_tile *t) { w_tile(t, units, panels, SVF_FORMAT_W4); }

AMX_TILES(1, 4)
AMX_TILES(1, 2)
AMX_TILES(1, 1)
AMX_TILES(2, 2)
AMX_TILES(2, 1)

#define AMX_KERNEL(format_, enumerator)                                                    \
  const svf_kernel svf_kernel_##format_##_amx = {                                          \
      .name = "svf_" #format_ "_32x32_amx",                                                \
      .isa = SVF_ISA_AMX,                                                                  \
      .format = (enumerator),                                                              \
      .needs = SVF_FMA_NEEDS | SVF_CPU_AMX_TILE | SVF_CPU_AMX_INT8,                        \
      .rows = 2 * ROWS,                                                                    \
      .row_unit = ROWS,                                                                    \
      .a_steps = INT_LINE,                                                                 \
      .a_lines = {0, 1, 2},                                                                \
      .blocking = {512, 1024, 256 * 1024, 2},                                              \
      .cycles = 1.0 / 32,                                                                  \
      .planes = true,                                                                      \
      .reads_f32 = false,                                                                  \
      .fetch_unit = INT_LINE,                                                              \
      .stream_unit = INT_LINE,                                                             \
      .pack_rows = int_pack_rows,                                                          \
      .begin = begin,                                                                      \
      .end = end,                                                                          \
      .tile = {[1] = {4, {[1] = format_##_1x1, [2] = format_##_1x2, [4] = format_##_1x4}}, \
               [2] = {2, {[1] = format_##_2x1, [2] = format_##_2x2}}},                     \
  };

AMX_KERNEL(s8, SVF_FORMAT_S8)
AMX_KERNEL(w8, SVF_FORMAT_W8)
AMX_KERNEL(w4, SVF_FORMAT_W4)

SVF_TARGET_END
