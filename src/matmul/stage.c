/* SPDX-License-Identifier: Apache-2.0
 *
 * One part of one stage: laying out X or T, or the loops of a product around the micro-kernel.
 *
 *   for each chunk of row blocks                        its slice of A stays in L2
 *     for each pass over panels                         its partial sums stay in L2
 *       for each slice of k
 *         for each group of panels                      read once from memory, used from L2
 *           for each row block
 *             for each tile                             micro-kernel
 *
 * While a group is used the next one is fetched, a share of it by every row block. In a chunk of
 * one row block each weight is used once: then a pass is one tile. */
#include "src/matmul/plan.h"

typedef struct part {
  const svf_plan_data *plan;
  const svf_product *product;
  bool from_x; /* A is of X, else of T */
  bool to_t;   /* the result is T, else Y */
  size_t panel0, panel1;
  float *c; /* scratch: sums */
} part;

/* Row blocks [block0, block1) of a part. */
typedef struct chunk {
  size_t block0, block1;
  size_t row0, rows;
  bool more; /* another chunk of this part follows */
} chunk;

/* Steps [k0, k0 + k) of a pass over panels [panel0, panel1). */
typedef struct slice {
  size_t panel0, panel1;
  size_t k0, k;
} slice;

/* Panels [panel0, panel1), and the panel and step of those to fetch meanwhile. */
typedef struct group {
  size_t panel0, panel1;
  size_t next, next_panels, next_k; /* next_panels = 0: nothing left to fetch */
} group;

/* Row blocks are cut in whole row units, so that only the last one needs padding. */
static size_t block_row(const svf_plan_data *plan, size_t block)
{
  const size_t rows = plan->args.rows, unit = (size_t)plan->kernel->row_unit;
  return svf_size_min(rows, svf_share((rows + unit - 1) / unit, plan->blocks, block) * unit);
}

static bool single(const chunk *ch) { return ch->block1 - ch->block0 == 1; }

/* --- A -----------------------------------------------------------------------------------------
 */

static const void *x_at(const svf_matmul_args *args, size_t row, size_t k)
{
  const ptrdiff_t at = (ptrdiff_t)row * args->x_stride + (ptrdiff_t)k;
  return (const char *)args->x + at * (ptrdiff_t)svf_dtype_size(args->x_type);
}

/* In the workspace, A of a row block that starts at `row`, from step k0 on, the first of a line. */
static char *a_at(const svf_plan_data *plan, int product, size_t row, size_t rows, size_t k0)
{
  const svf_kernel *kernel = plan->kernel;
  const svf_product *p = &plan->product[product];
  const size_t split = p->parts.split_k;
  return p->a + svf_a_split_bytes(kernel, row, p->k, p->a_planes, split) +
         svf_a_split_bytes(kernel, svf_rows_padded(kernel, rows), k0, p->a_planes, split);
}

/* The same of this part's product, wherever it is. */
static const void *a_of(const part *w, size_t row, size_t rows, size_t k0)
{
  if (w->from_x && w->plan->x_is_a) return x_at(&w->plan->args, row, k0);
  return a_at(w->plan, w->to_t ? 0 : 1, row, rows, k0);
}

/* A matrix that is to become A. */
typedef struct source {
  svf_dtype type;
  const char *data;
  ptrdiff_t stride; /* elements */
} source;

static source source_of(const svf_plan_data *plan, int product)
{
  const svf_matmul_args *args = &plan->args;
  if (product == plan->x_product) return (source){args->x_type, args->x, args->x_stride};
  return (source){SVF_F32, (const char *)plan->t, (ptrdiff_t)plan->t_stride};
}

/* Part ith of laying out X or T: a share of the pieces, row block after row block, so that a part
 * finds much of what it wrote in its own cache. */
static void lay_out(const svf_plan_data *plan, int product, size_t ith)
{
  const source s = source_of(plan, product);
  const svf_product *p = &plan->product[product];
  const size_t split = p->parts.split_k, before = (split + SVF_PIECE - 1) / SVF_PIECE;
  const size_t pieces = before + (p->k - split + SVF_PIECE - 1) / SVF_PIECE;
  const size_t end = svf_share(plan->blocks * pieces, plan->nth, ith + 1);
  for (size_t i = svf_share(plan->blocks * pieces, plan->nth, ith); i < end; ++i) {
    const size_t block = i / pieces, piece = i % pieces;
    const size_t k0 = piece < before ? piece * SVF_PIECE : split + (piece - before) * SVF_PIECE;
    const size_t end_k = piece < before ? split : p->k;
    const size_t row = block_row(plan, block), rows = block_row(plan, block + 1) - row;
    const ptrdiff_t at = (ptrdiff_t)row * s.stride + (ptrdiff_t)k0;
    plan->kernel->pack_rows(s.data + at * (ptrdiff_t)svf_dtype_size(s.type), s.type, s.stride,
                            (int)rows, svf_size_min(SVF_PIECE, end_k - k0), p->a_planes,
                            a_at(plan, product, row, rows, k0));
  }
}

/* --- Tiles -------------------------------------------------------------------------------------
 */

static int units(const svf_kernel *kernel, size_t rows)
{
  return (int)svf_rows_padded(kernel, rows) / kernel->row_unit;
}

/* Panels of the next tile when `left` remain; rather two smaller tiles than a full one and a rest
 * of one panel, whose FMAs would wait for each other. */
static size_t tile_panels(const svf_kernel *kernel, size_t rows, size_t left)
{
  const int u = units(kernel, rows);
  const size_t full = (size_t)kernel->tile[u].panels;
  if (left == full + 1 && full > 2 && kernel->tile[u].fn[full - 1]) return full - 1;
  if (left >= full) return full;
  while (!kernel->tile[u].fn[left]) --left;
  return left;
}

/* What becomes of a row block's sums; `gains` receives one pointer per row. */
static svf_epilogue epilogue_of(const part *w, size_t row, size_t rows, const float **gains)
{
  const svf_matmul_args *args = &w->plan->args;
  svf_epilogue e = {0};
  if (w->to_t) {
    for (size_t i = 0; i < rows; ++i) {
      const float *own = args->gains ? args->gains[row + i] : NULL;
      gains[i] = own ? own : w->plan->sigma;
    }
    e.gains = gains;
    if (w->plan->t) {
      e.y = w->plan->t + row * w->plan->t_stride;
      e.y_stride = (ptrdiff_t)w->plan->t_stride;
      e.y_type = SVF_F32;
      return e;
    }
    e.t = a_at(w->plan, 1, row, rows, 0);
    e.t_channels = w->product->channels;
    e.split = w->plan->format != svf_format_weights(w->plan->format);
    return e;
  }
  e.y = (char *)args->y + (ptrdiff_t)row * args->y_stride * (ptrdiff_t)svf_dtype_size(args->y_type);
  e.y_stride = args->y_stride;
  e.y_type = args->y_type;
  e.accumulate = (args->flags & SVF_ACCUMULATE) != 0;
  e.bias = args->bias;
  return e;
}

/* T of the next slice, which comes from memory: fetched while the last group of this slice runs. */
static const void *next_a(const part *w, const slice *s, const group *g, size_t row, size_t rows)
{
  const size_t k0 = s->k0 + s->k;
  if (w->from_x || g->panel1 < s->panel1) return NULL;
  if (k0 < w->product->k) return a_of(w, row, rows, k0);
  return s->panel1 < w->panel1 ? a_of(w, row, rows, 0) : NULL;
}

/* A panel at step k, the first of a line of it. */
static const char *panel_at(const part *w, size_t panel, size_t k)
{
  return w->product->weights + svf_parts_offset(&w->product->parts, panel, k);
}

/* One row block against one group. It fetches the steps [fetch0, fetch1) of the next group. */
static void run_block(const part *w, const chunk *ch, const slice *s, const group *g, size_t block)
{
  const svf_product *product = w->product;
  const svf_parts *parts = &product->parts;
  const int in = svf_part_at(parts, g->panel0, s->k0);
  const svf_kernel *kernel = in ? w->plan->kernel : w->plan->head_kernel;
  const size_t row = block_row(w->plan, block), rows = block_row(w->plan, block + 1) - row;
  const size_t padded = svf_rows_padded(kernel, rows);
  const size_t blocks = ch->block1 - ch->block0, index = block - ch->block0;
  const size_t lines = svf_panel_bytes(parts->format[in], parts->group, s->k) / SVF_LINE;
  const size_t fetch0 = svf_share(lines, blocks, index);
  const size_t fetch = svf_share(lines, blocks, index + 1) - fetch0;
  const bool stream = blocks <= SVF_STREAM_BLOCKS;
  const size_t fetches_per_tile =
      s->k / (size_t)(stream ? kernel->stream_unit : kernel->fetch_unit);
  const float *gains[SVF_ROWS_MAX];
  const svf_epilogue epilogue = epilogue_of(w, row, rows, gains);
  float *c = w->c;
  if (!single(ch)) {
    c += (g->panel0 - s->panel0) * svf_rows_padded(kernel, ch->rows) * SVF_PANEL;
    c += (row - ch->row0) * (g->panel1 - g->panel0) * SVF_PANEL;
  }
  svf_tile tile = {
      .a = a_of(w, row, rows, s->k0),
      .planes = product->a_planes,
      .rows = (int)rows,
      .b_stride = parts->stride[in],
      .group = (int)parts->group,
      .k = s->k,
      .resume = s->k0 > 0,
      .a_ahead = next_a(w, s, g, row, rows),
      .epilogue = s->k0 + s->k == product->k ? &epilogue : NULL,
      .stream = stream,
      .fetch_rate =
          fetches_per_tile > 0 ? (int)((fetch + fetches_per_tile - 1) / fetches_per_tile) : 0,
  };
  for (size_t p = g->panel0, n; p < g->panel1; p += n) {
    const size_t at = p - g->panel0;
    n = tile_panels(kernel, rows, g->panel1 - p);
    const bool fetches = at + n <= g->next_panels;
    tile.b = panel_at(w, p, s->k0);
    tile.c = c + at * padded * SVF_PANEL;
    tile.channel = p * SVF_PANEL;
    tile.lanes = (int)svf_size_min(product->channels - (p + n - 1) * SVF_PANEL, SVF_PANEL);
    tile.fetch = fetches ? fetch : 0;
    tile.ahead =
        fetches ? panel_at(w, g->next + at, g->next_k) + fetch0 * SVF_LINE : (const char *)tile.b;
    kernel->tile[units(kernel, rows)].fn[n](&tile);
  }
}

/* --- Loops -------------------------------------------------------------------------------------
 */

/* Panels that tiles of both heights in a chunk divide. */
static size_t group_panels(const part *w)
{
  enum { AT_LEAST = 3 };
  const svf_kernel *kernel = w->plan->kernel;
  const size_t all = svf_rows_padded(kernel, w->plan->args.rows) / (size_t)kernel->row_unit;
  const size_t low = all / w->plan->blocks, high = low + (all % w->plan->blocks != 0);
  const size_t one = (size_t)kernel->tile[low].panels, other = (size_t)kernel->tile[high].panels;
  size_t n = one;
  while (n % other != 0 || n < AT_LEAST) n += one;
  return n;
}

/* Where fetching goes on behind a group, in the order of the loops. */
static void find_next(const part *w, const chunk *ch, const slice *s, size_t width, group *g)
{
  size_t limit;
  if (g->panel1 < s->panel1) {
    g->next = g->panel1;
    g->next_k = s->k0;
    limit = s->panel1;
  } else if (s->k0 + s->k < w->product->k) {
    g->next = s->panel0;
    g->next_k = s->k0 + s->k;
    limit = s->panel1;
  } else if (s->panel1 < w->panel1 || ch->more) {
    g->next = s->panel1 < w->panel1 ? s->panel1 : w->panel0;
    g->next_k = 0;
    limit = w->panel1;
  } else {
    g->next_panels = 0;
    return;
  }
  g->next_panels = svf_size_min(width, limit - g->next);
}

/* How far what begins at `at` may go: a split of the weights lies between two passes or slices. */
static size_t part_end(size_t at, size_t split, size_t end)
{
  return at < split ? svf_size_min(split, end) : end;
}

static void run_chunk(const part *w, const chunk *ch)
{
  const size_t k = w->product->k;
  const size_t blocks = ch->block1 - ch->block0;
  const size_t longest = blocks <= SVF_STREAM_BLOCKS ? SVF_STREAM_SLICE : SVF_SLICE;
  const size_t slices = (k + longest - 1) / longest;
  const size_t unit = svf_slice_unit(w->plan->kernel), even = (k + slices - 1) / slices;
  const size_t steps = (even + unit - 1) / unit * unit;
  const bool one = single(ch);
  const size_t width = one ? 0 : group_panels(w);
  const size_t budget = one ? 0
                            : w->plan->c_floats /
                                  (svf_rows_padded(w->plan->kernel, ch->rows) * SVF_PANEL) / width *
                                  width;
  const size_t pass = budget > width ? budget : width;

  slice s;
  for (s.panel0 = w->panel0; s.panel0 < w->panel1; s.panel0 = s.panel1) {
    const size_t left = part_end(s.panel0, w->product->parts.split_panel, w->panel1) - s.panel0;
    s.panel1 =
        s.panel0 + (one ? tile_panels(w->plan->kernel, ch->rows, left) : svf_size_min(pass, left));
    for (s.k0 = 0; s.k0 < k; s.k0 += s.k) {
      s.k = svf_size_min(steps, part_end(s.k0, w->product->parts.split_k, k) - s.k0);
      group g = {0};
      for (g.panel0 = s.panel0; g.panel0 < s.panel1; g.panel0 = g.panel1) {
        const size_t rest = s.panel1 - g.panel0;
        /* A rest of one panel would be slow alone: it joins the group before it. */
        const size_t wide = one || rest == width + 1 ? rest : svf_size_min(width, rest);
        g.panel1 = g.panel0 + wide;
        find_next(w, ch, &s, wide, &g);
        for (size_t b = ch->block0; b < ch->block1; ++b) run_block(w, ch, &s, &g, b);
      }
    }
  }
}

/* Part ith of a product. */
static void multiply(const svf_plan_data *plan, int product, size_t ith)
{
  const svf_product *p = &plan->product[product];
  const size_t row_part = ith / p->panel_parts, panel_part = ith % p->panel_parts;
  if (row_part >= p->row_parts) return;

  part w = {.plan = plan, .product = p, .from_x = product == plan->x_product, .to_t = product == 0};
  w.panel0 = svf_share(p->panels, p->panel_parts, panel_part);
  w.panel1 = svf_share(p->panels, p->panel_parts, panel_part + 1);
  w.c = plan->c + ith * plan->c_floats;
  const size_t block0 = svf_share(plan->blocks, p->row_parts, row_part);
  const size_t block1 = svf_share(plan->blocks, p->row_parts, row_part + 1);
  const size_t most = SVF_CHUNK_ROWS / (size_t)plan->kernel->rows;
  const size_t chunks = (block1 - block0 + most - 1) / most;
  if (plan->kernel->begin) plan->kernel->begin();
  for (size_t i = 0; i < chunks; ++i) {
    chunk ch = {.block0 = block0 + svf_share(block1 - block0, chunks, i),
                .block1 = block0 + svf_share(block1 - block0, chunks, i + 1),
                .more = i + 1 < chunks};
    ch.row0 = block_row(plan, ch.block0);
    ch.rows = block_row(plan, ch.block1) - ch.row0;
    run_chunk(&w, &ch);
  }
  if (plan->kernel->end) plan->kernel->end();
}

void svf_matmul_stage(const svf_plan *plan, int stage, size_t ith)
{
  if (!plan || stage < 0 || stage >= SVF_STAGES || svf_matmul_next_stage(plan, stage) != stage)
    return;
  const svf_plan_data *p = svf_plan_read(plan);
  if (ith >= p->nth || p->blocks == 0) return;
  if (stage % 2 == 0) {
    lay_out(p, stage == 0 ? p->x_product : 1, ith);
  } else {
    multiply(p, stage / 2, ith);
  }
}

int svf_matmul_next_stage(const svf_plan *plan, int from)
{
  if (!plan || from >= SVF_STAGES) return SVF_STAGES;
  const svf_plan_data *p = svf_plan_read(plan);
  if (from <= 0 && !p->x_is_a) return 0;
  if (from <= 1 && p->x_product == 0) return 1;
  return from <= 2 && p->t ? 2 : 3;
}
