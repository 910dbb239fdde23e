/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for AMX: tiles of 16 rows x 64 steps (A), 16 quads of steps x 16 channels (B), 16 x 16
 * exact sums (C). A of 15 bits is two planes of int8, each with sums of its own. There are at most
 * four tiles of sums in all; when a group ends, they are scaled and added to those in fp32 in
 * memory.
 *
 * int8 quads in the packed layout are tiles of B. int4 is widened to int8 in a tile on the stack.
 * For groups of 32 tiles are configured with half the depth.
 *
 * Source: Intel SDM volume 2, TDPBSSD. */
#define SVF_UNIT int
#define SVF_UNIT_ISA amx
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/ivec.h"
#include "kernels/amx/tiles.h"

SVF_TARGET_BEGIN("amx-tile,amx-int8,prfchw,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#define INT_A8 1
#define INT_QUADS 1
#define INT_PAIRED 0
#define INT_ROW_UNIT 16
#define INT_FEW 8
#define INT_TWO_QUADS 0

#include "kernels/int_lines.h"

/* What is constant in a pass: `panels` panels times one plane of 16 or 32 rows, or two planes of
 * 16. */
typedef struct amx_shape {
  int units, planes; /* one of them is 1 */
  bool few;          /* both planes are in one tile */
  int panels;        /* so that there are at most 4 tiles of sums */
  svf_format format; /* of the weights */
  bool halves;       /* groups of 32: tiles of half the depth */
} amx_shape;

/* Tiles of A in a step. */
SVF_INLINE int amx_tiles_of_a(const amx_shape s) { return s.few ? 1 : s.units * s.planes; }

/* --- Weights ---------------------------------------------------------------------------------- */

SVF_INLINE size_t amx_tile_bytes(svf_format format)
{
  return format == SVF_FORMAT_W4 ? AMX_TILE_BYTES / 2 : AMX_TILE_BYTES;
}

SVF_INLINE bool amx_is_widened(const amx_shape s) { return s.format == SVF_FORMAT_W4; }

/* 64 steps of int4 at b become a tile of int8. */
SVF_INLINE void amx_widen_panel(const char *b, char *to)
{
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i nibbles =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1));
  SVF_UNROLL
  for (int l = 0; l < AMX_ROWS; l += 2) {
    const __m512i x = _mm512_loadu_si512(b + l / 2 * SVF_LINE);
    const __m512i even = _mm512_and_si512(x, low);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi16(x, 4), low);
    _mm512_store_si512(to + l * SVF_LINE, _mm512_shuffle_epi8(nibbles, even));
    _mm512_store_si512(to + (l + 1) * SVF_LINE, _mm512_shuffle_epi8(nibbles, odd));
  }
}

SVF_INLINE void amx_widen(const char *b, size_t stride, const amx_shape s, char *to)
{
  SVF_UNROLL
  for (int p = 0; p < s.panels; ++p)
    amx_widen_panel(b + (size_t)p * stride, to + p * AMX_TILE_BYTES);
  __asm__ volatile("" ::: "memory"); /* gcc does not know that tiles are loaded from memory */
}

/* --- Products ------------------------------------------------------------------------------------
 *
 * Registers: sums 0..3, [panel][tile of A]; A 4 and 5; B 6 and 7. Tiles of A are `apart` bytes
 * apart, those of B `stride`. */

/* One tile of A times up to four panels. */
SVF_INLINE void dpbssd_step_1(const char *a, const char *b, size_t stride, const int panels,
                              const amx_fetching *f)
{
  _tile_loadd(4, a, SVF_LINE);
  _tile_loadd(6, b, SVF_LINE);
  _tile_dpbssd(0, 4, 6);
  amx_fetch_panel(f, 0);
  if (panels < 2) return;
  _tile_loadd(7, b + stride, SVF_LINE);
  _tile_dpbssd(1, 4, 7);
  amx_fetch_panel(f, 1);
  if (panels < 4) return;
  _tile_loadd(6, b + 2 * stride, SVF_LINE);
  _tile_dpbssd(2, 4, 6);
  amx_fetch_panel(f, 2);
  _tile_loadd(7, b + 3 * stride, SVF_LINE);
  _tile_dpbssd(3, 4, 7);
  amx_fetch_panel(f, 3);
}

/* Two tiles of A times up to two panels, which are in L1 for all strips if A does not displace
 * them. */
SVF_INLINE void dpbssd_step_2(const char *a, size_t apart, const char *b, size_t stride,
                              const int panels, const amx_fetching *f)
{
  _tile_loadd(6, b, SVF_LINE);
  _tile_stream_loadd(4, a, SVF_LINE);
  _tile_dpbssd(0, 4, 6);
  amx_fetch_panel(f, 0);
  _tile_stream_loadd(5, a + apart, SVF_LINE);
  _tile_dpbssd(1, 5, 6);
  amx_fetch_a_and_c(f);
  if (panels < 2) return;
  _tile_loadd(7, b + stride, SVF_LINE);
  _tile_dpbssd(2, 4, 7);
  amx_fetch_panel(f, 1);
  _tile_dpbssd(3, 5, 7);
}

SVF_INLINE void dpbssd_step(const char *a, size_t apart, const char *b, size_t stride,
                            const amx_shape s, const amx_fetching *f)
{
  if (amx_tiles_of_a(s) == 1) {
    dpbssd_step_1(a, b, stride, s.panels, f);
  } else {
    dpbssd_step_2(a, apart, b, stride, s.panels, f);
  }
}

SVF_INLINE void amx_zero_sums(void)
{
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/* --- Groups --------------------------------------------------------------------------------------
 *
 * The sums of a group are scaled and added by vectors while tiles multiply the next one. */

/* A group whose sums wait in memory, in the order of their registers, and memory for those of the
 * next one: tiles are slow to store to where vectors have just been read. */
typedef struct amx_waiting {
  _Alignas(SVF_LINE) int32_t sum[2][4][AMX_ROWS][SVF_PANEL];
  int which;
  const char *scales; /* the span of panel 0 that the group is in */
  size_t group;
  const float *a_scale; /* scales of the rows */
  int done, parts;      /* a part is a unit of rows times a panel */
} amx_waiting;

/* What a pass adds to. */
typedef struct amx_destination {
  float *c; /* of panel 0 */
  size_t c_stride, b_stride;
  int rows;
} amx_destination;

/* Lines of Y that a pass will write. A store that misses would hold up all stores after it,
 * those of tiles too, so the lines are fetched. */
typedef struct amx_result {
  const char *row;
  ptrdiff_t stride, panel; /* bytes */
  int rows;
} amx_result;

SVF_INLINE amx_result amx_result_of(const svf_tile *tile, const amx_destination *to, int row,
                                    int panel, const amx_shape s)
{
  const svf_epilogue *e = tile->epilogue;
  if (!e) return (amx_result){0};
  const ptrdiff_t size = e->y_type == SVF_DTYPE_F32 ? 4 : 2;
  const ptrdiff_t at = row * e->y_stride + (ptrdiff_t)tile->channel + panel * SVF_PANEL;
  return (amx_result){(const char *)e->y + at * size, e->y_stride * size, SVF_PANEL * size,
                      to->rows < s.units * AMX_ROWS ? to->rows : s.units * AMX_ROWS};
}

SVF_INLINE void amx_fetch_result(amx_result *y, const amx_shape s)
{
  for (int n = 0; n < 4 && y->rows > 0; ++n, --y->rows, y->row += y->stride) {
    for (int p = 0; p < s.panels; ++p) __builtin_prefetch(y->row + p * y->panel, 1);
  }
}

SVF_INLINE void amx_add_part(const amx_waiting *w, const amx_destination *to, const amx_shape s,
                             int part)
{
  const int panel = part / s.units, unit = part % s.units, tiles = amx_tiles_of_a(s);
  const vec scale = weight_scales(w->scales + (size_t)panel * to->b_stride, s.format, w->group, 0);
  const int32_t(*high)[SVF_PANEL] = w->sum[w->which][panel * tiles + unit];
  const int32_t(*low)[SVF_PANEL] = s.few ? high + INT_FEW : w->sum[w->which][panel * tiles + 1];
  const float *a_scale = w->a_scale + unit * AMX_ROWS;
  float *c = to->c + (size_t)panel * to->c_stride + unit * AMX_ROWS * SVF_PANEL;
  const int left = to->rows - unit * AMX_ROWS, rows = left < AMX_ROWS ? left : AMX_ROWS;
  for (int i = 0; i < rows; ++i) {
    ivec x = _mm512_load_si512(high[i]);
    if (s.planes == 2) x = i_join(x, _mm512_load_si512(low[i]));
    add_scaled(c + i * SVF_PANEL, x, scale, a_scale[i]);
  }
}

SVF_INLINE void amx_add_parts(amx_waiting *w, const amx_destination *to, const amx_shape s,
                              int most)
{
  for (; most > 0 && w->done < w->parts; --most, ++w->done) amx_add_part(w, to, s, w->done);
}

/* Puts the sums of a group aside to wait, and begins those of the next one. */
SVF_INLINE void amx_end_group(amx_waiting *w, const amx_shape s, const char *scales, size_t group,
                              const float *a_scale)
{
  const int all = amx_tiles_of_a(s) * s.panels;
  w->which = !w->which;
  _tile_stored(0, w->sum[w->which][0], SVF_LINE);
  if (all > 1) _tile_stored(1, w->sum[w->which][1], SVF_LINE);
  if (all > 2) _tile_stored(2, w->sum[w->which][2], SVF_LINE);
  if (all > 2) _tile_stored(3, w->sum[w->which][3], SVF_LINE);
  amx_zero_sums();
  w->scales = scales;
  w->group = group;
  w->a_scale = a_scale;
  w->done = 0;
  w->parts = s.panels * s.units;
}

/* --- A pass ----------------------------------------------------------------------------------- */

/* Where widened weights are: those of all steps, to be used again, or of this step and the next. */
typedef struct amx_room {
  char *tiles;
  size_t mask; /* step & mask is a step's place in `tiles` */
  bool fill;
} amx_room;

/* Panels [panel, panel + s.panels) of a tile of `units` row units, times s.units of these from
 * `unit` on. */
SVF_INLINE void amx_pass(const svf_tile *tile, const int units, int unit, int panel,
                         const amx_shape s, const amx_room r, amx_fetches *f)
{
  const int rows = units * AMX_ROWS;
  const size_t group = s.format == SVF_FORMAT_S8 ? SVF_SPAN : (size_t)tile->group;
  const size_t stride = tile->b_stride, plane = (size_t)rows * SVF_LINE;
  const size_t apart = s.planes == 2 ? plane : AMX_TILE_BYTES;
  const size_t scales = svf_scale_bytes(s.format, group),
               step_room = (size_t)s.panels * AMX_TILE_BYTES;
  const char *a = tile->a, *b = (const char *)tile->b + (size_t)panel * stride;
  const amx_destination to = {tile->c + (panel * rows + unit * AMX_ROWS) * SVF_PANEL,
                              plane / sizeof(float), stride, tile->rows - unit * AMX_ROWS};
  const int steps_in_group = s.halves ? 1 : (int)(group / INT_LINE);
  const int parts = (s.panels * s.units + steps_in_group - 1) / steps_in_group;
  const amx_fetching none = {.stride = stride};
  amx_result y = amx_result_of(tile, &to, unit * AMX_ROWS, panel, s);
  amx_waiting sums;
  sums.which = sums.done = sums.parts = 0;
  size_t i = 0; /* steps so far */
  if (amx_is_widened(s) && r.fill) amx_widen(b + scales, stride, s, r.tiles);
  amx_zero_sums();
  for (size_t left = tile->k; left > 0; left -= left < SVF_SPAN ? left : SVF_SPAN) {
    const size_t steps = int_whole_lines(left);
    const float *a_scale = (const float *)(const void *)a + unit * AMX_ROWS;
    const char *w = b + scales, *lines = a + rows * SVF_A_HEADER + unit * AMX_TILE_BYTES;
    for (size_t k = 0; k < steps; k += INT_LINE) {
      const amx_fetching fetch = amx_fetch_step(f, stride);
      const char *from = amx_is_widened(s) ? r.tiles + (i & r.mask) * step_room : w;
      const size_t from_stride = amx_is_widened(s) ? AMX_TILE_BYTES : stride;
      dpbssd_step(lines, apart, from, from_stride, s, &fetch);
      amx_fetch_result(&y, s);
      amx_add_parts(&sums, &to, s, parts);
      if (s.halves) {
        amx_end_group(&sums, s, b, k / group, a_scale);
        dpbssd_step(lines + INT_LINE / 2, apart, from + AMX_TILE_BYTES / 2, from_stride, s, &none);
      }
      ++i;
      w += amx_tile_bytes(s.format);
      /* Widened one step ahead: a tile load right after the stores would have to wait for them. */
      const bool ends = k + INT_LINE >= steps;
      if (amx_is_widened(s) && r.fill && !(ends && left <= SVF_SPAN)) {
        amx_widen(ends ? w + scales : w, stride, s, r.tiles + (i & r.mask) * step_room);
      }
      if (s.halves) amx_add_parts(&sums, &to, s, parts);
      lines += (size_t)s.planes * plane;
      if ((k + INT_LINE) % group == 0 || ends) {
        amx_add_parts(&sums, &to, s, s.panels * s.units);
        amx_end_group(&sums, s, b, (k + INT_LINE - 1) / group, a_scale);
      }
    }
    a += (size_t)rows * (SVF_A_HEADER + steps * (size_t)s.planes);
    b = w;
  }
  amx_add_parts(&sums, &to, s, s.panels * s.units);
}

/* A tile, in passes of as many panels and row units as there are sums for. */
SVF_INLINE void amx_tile(const svf_tile *tile, const int units, const int panels, const int planes,
                         const bool few, const svf_format format, const bool halves)
{
  amx_shape s = {planes == 2 ? 1 : units, planes, few, 1, format, halves};
  const int most = 4 / amx_tiles_of_a(s);
  s.panels = panels < most ? panels : most;
  const bool kept = tile->room && panels == s.panels && !few;
  _Alignas(SVF_LINE) char two_steps[2 * 4 * AMX_TILE_BYTES];
  amx_fetches f = amx_fetches_of(tile);
  for (int u = 0; u < units; u += s.units) {
    const amx_room r = {kept ? tile->room : two_steps, kept ? SIZE_MAX : 1,
                        !kept || (tile->fresh && u == 0)};
    for (int p = 0; p < panels; p += s.panels) amx_pass(tile, units, u, p, s, r, &f);
  }
}

SVF_INLINE void amx_two_planes(const svf_tile *tile, const int units, const int panels,
                               const svf_format format, const bool halves)
{
  if (units == 1 && tile->rows <= INT_FEW) {
    amx_tile(tile, units, panels, 2, true, format, halves);
  } else {
    amx_tile(tile, units, panels, 2, false, format, halves);
  }
}

SVF_INLINE void amx_start(const svf_tile *tile, const int units, const int panels)
{
  if (tile->resume) return;
  memset(tile->c, 0, (size_t)(units * panels) * AMX_ROWS * SVF_PANEL * sizeof(float));
}

SVF_INLINE void amx_finish(const svf_tile *tile, const int units, const int panels)
{
  if (!tile->epilogue) return;
  for (int p = 0; p < panels; ++p) {
    finish_y(tile->epilogue, tile->channel + (size_t)p * SVF_PANEL,
             p == panels - 1 ? tile->lanes : SVF_PANEL, tile->rows,
             tile->c + p * units * AMX_ROWS * SVF_PANEL);
  }
}

SVF_INLINE void amx_s8_tile(const svf_tile *tile, const int units, const int panels)
{
  amx_start(tile, units, panels);
  if (tile->planes == 1) {
    amx_tile(tile, units, panels, 1, false, SVF_FORMAT_S8, false);
  } else {
    amx_two_planes(tile, units, panels, SVF_FORMAT_S8, false);
  }
  amx_finish(tile, units, panels);
}

SVF_INLINE void amx_w_tile(const svf_tile *tile, const int units, const int panels,
                           const svf_format format)
{
  amx_start(tile, units, panels);
  if (tile->group == SVF_GROUP_LEAST) {
    amx_two_planes(tile, units, panels, format, true);
  } else {
    amx_two_planes(tile, units, panels, format, false);
  }
  amx_finish(tile, units, panels);
}

#define DPBSSD_TILES(rows, panels)                                  \
  static void SVF_TILE_NAME(s8, rows, panels)(const svf_tile *tile) \
  {                                                                 \
    amx_s8_tile(tile, (rows) / AMX_ROWS, panels);                   \
  }                                                                 \
  static void SVF_TILE_NAME(w8, rows, panels)(const svf_tile *tile) \
  {                                                                 \
    amx_w_tile(tile, (rows) / AMX_ROWS, panels, SVF_FORMAT_W8);     \
  }                                                                 \
  static void SVF_TILE_NAME(w4, rows, panels)(const svf_tile *tile) \
  {                                                                 \
    amx_w_tile(tile, (rows) / AMX_ROWS, panels, SVF_FORMAT_W4);     \
  }

DPBSSD_TILES(16, 4)
DPBSSD_TILES(16, 2)
DPBSSD_TILES(16, 1)
DPBSSD_TILES(32, 2)
DPBSSD_TILES(32, 1)

#define DPBSSD_KERNEL(weights, least_32, least, room_)                                            \
  const svf_kernel SVF_ROW_NAME(weights) = {                                                      \
      .name = "svf_" #weights "_32x32_amx",                                                       \
      .isa = SVF_ISA_AMX,                                                                         \
      .format = SVF_FORMAT_##weights,                                                             \
      .needs = VEC_NEEDS | SVF_CPU_AMX_TILE | SVF_CPU_AMX_INT8,                                   \
      .rows = 2 * AMX_ROWS,                                                                       \
      .row_unit = AMX_ROWS,                                                                       \
      .a_steps = INT_LINE,                                                                        \
      .a_lines = {0, 1, 2},                                                                       \
      .least_rows = {(least_32), (least)},                                                        \
      .room = (room_),                                                                            \
      .blocking = {256, 512, 128 * 1024, 2},                                                      \
      .cycles = 1.0 / 32,                                                                         \
      .planes = true,                                                                             \
      .reads_f32 = false,                                                                         \
      .fetch_unit = INT_LINE,                                                                     \
      .stream_unit = INT_LINE,                                                                    \
      .pack_rows = int_pack_rows,                                                                 \
      .pack_sums = int_pack_sums,                                                                 \
      .begin = svf_begin_amx,                                                                     \
      .end = svf_end_amx,                                                                         \
      .tile[1] = {4,                                                                              \
                  {[1] = SVF_TILE_NAME(weights, 16, 1),                                           \
                   [2] = SVF_TILE_NAME(weights, 16, 2),                                           \
                   [4] = SVF_TILE_NAME(weights, 16, 4)}},                                         \
      .tile[2] = {2, {[1] = SVF_TILE_NAME(weights, 32, 1), [2] = SVF_TILE_NAME(weights, 32, 2)}}, \
  };

DPBSSD_KERNEL(s8, 0, 5, 0)
DPBSSD_KERNEL(w8, 9, 8, 0)
DPBSSD_KERNEL(w4, 9, 4, SVF_PANEL)

#undef DPBSSD_TILES
#undef DPBSSD_KERNEL

SVF_TARGET_END
#include "kernels/unit_end.h"
