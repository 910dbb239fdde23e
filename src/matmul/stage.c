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
 * While a group is used the next one is fetched, a share of it by every row block, and so is A of
 * the next slice. In a chunk of one row block each weight is used once: then a pass is one tile, a
 * slice all of k, and what is fetched lies a little ahead. */
#include "src/matmul/plan.h"

typedef struct part {
  const svf_plan_data *plan;
  const svf_product *product;
  bool from_x; /* A is of X, else of T */
  bool to_t;   /* the result is T, else Y */
  size_t panel0, panel1;
  float *c;   /* scratch: sums */
  char *room; /* scratch: weights for the row blocks of a group, or NULL */
} part;

/* A row block, and its A in the slice of the moment. */
typedef struct row_block {
  size_t row, rows, padded;
  int units;
  const char *a, *next; /* A at the first step; at the first step of what follows, or NULL */
  size_t lines;         /* of A */
} row_block;

/* Row blocks of a part whose A is in L2 together. */
typedef struct chunk {
  size_t blocks;
  size_t row0, padded;
  bool more; /* another chunk of this part follows */
  row_block block[SVF_CHUNK_BLOCKS];
} chunk;

/* Steps [k0, k0 + k) of a pass over panels [panel0, panel1). */
typedef struct slice {
  size_t panel0, panel1;
  size_t k0, k;
} slice;

/* Panels [panel0, panel1) of a slice, and what is fetched while they are used. */
typedef struct group {
  size_t panel0, panel1;
  const svf_kernel *kernel; /* of these weights */
  size_t b_stride;
  size_t next, next_panels, next_k; /* panels and step after these; next_panels = 0: none */
  const char *b, *next_b;           /* both */
  size_t lines, share;              /* of a panel: all in the slice; fetched by a row block */
  size_t a_from, a_to;              /* of each row block's next A, in 1/65536 */
  int rate, a_rate;
} group;

/* Row blocks are cut in whole row units, so that only the last one needs padding. */
static size_t block_row(const svf_plan_data *plan, size_t block)
{
  const size_t rows = plan->args.rows, unit = (size_t)plan->kernel->row_unit;
  return svf_size_min(rows, svf_share(svf_size_ceil(rows, unit), plan->blocks, block) * unit);
}

static bool single(const chunk *ch) { return ch->blocks == 1; }
static bool streams(const chunk *ch) { return ch->blocks <= SVF_STREAM_BLOCKS; }

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

/* Panels of the next tile when `left` remain; rather two smaller tiles than a full one and a rest
 * of one panel, whose FMAs would wait for each other. */
static size_t tile_panels(const svf_kernel *kernel, int u, size_t left)
{
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

/* A panel at step k, the first of a line of it. */
static const char *panel_at(const part *w, size_t panel, size_t k)
{
  return w->product->weights + svf_parts_offset(&w->product->parts, panel, k);
}

/* What a tile of n panels fetches: a share of the next group, but the first row block what is left
 * of this one, a little ahead of where it is used. A single row block reads weights as they lie,
 * which hardware prefetchers follow. */
static svf_fetch fetch_of(const part *w, const chunk *ch, const group *g, size_t index, size_t at,
                          size_t n)
{
  const bool exists = at + n <= g->next_panels;
  const char *next = g->next_b + (exists ? at * g->b_stride : 0);
  const size_t near = svf_size_min(w->plan->distance, g->lines);
  svf_fetch f = {.rate = g->rate};
  if (index == 0) {
    const size_t from = svf_size_max(near, svf_size_min(g->share * (ch->blocks - 1), g->lines));
    f.from = g->b + at * g->b_stride + from * SVF_LINE;
    f.lines = g->lines - from;
    f.then = next;
    f.then_lines = exists && single(ch) ? near : 0;
  } else if (exists && (index - 1) * g->share < g->lines) {
    const size_t from = (index - 1) * g->share;
    f.from = next + from * SVF_LINE;
    f.lines = svf_size_min(g->share, g->lines - from);
  }
  return f;
}

/* One row block against one group. */
static void run_block(const part *w, const chunk *ch, const slice *s, const group *g, size_t index)
{
  const svf_product *product = w->product;
  const row_block *b = &ch->block[index];
  const bool last = s->k0 + s->k == product->k;
  const float *gains[SVF_ROWS_MAX];
  const svf_epilogue epilogue = last ? epilogue_of(w, b->row, b->rows, gains) : (svf_epilogue){0};
  float *c = w->c;
  if (!single(ch)) {
    c += (g->panel0 - s->panel0) * ch->padded * SVF_PANEL;
    c += (b->row - ch->row0) * (g->panel1 - g->panel0) * SVF_PANEL;
  }
  svf_tile tile = {
      .a = b->a,
      .planes = product->a_planes,
      .rows = (int)b->rows,
      .b_stride = g->b_stride,
      .group = (int)product->parts.group,
      .k = s->k,
      .resume = s->k0 > 0,
      .epilogue = last ? &epilogue : NULL,
      .stream = streams(ch),
  };
  if (b->next) {
    const size_t from = b->lines * g->a_from >> 16;
    tile.a_ahead = (svf_fetch){.from = b->next + from * SVF_LINE,
                               .lines = (b->lines * g->a_to >> 16) - from,
                               .rate = g->a_rate};
  }
  for (size_t p = g->panel0, n; p < g->panel1; p += n) {
    const size_t at = p - g->panel0;
    n = tile_panels(g->kernel, b->units, g->panel1 - p);
    tile.b = g->b + at * g->b_stride;
    tile.c = c + at * b->padded * SVF_PANEL;
    tile.c_ahead = tile.resume && !streams(ch) ? tile.c + n * b->padded * SVF_PANEL : NULL;
    tile.channel = p * SVF_PANEL;
    tile.lanes = (int)svf_size_min(product->channels - (p + n - 1) * SVF_PANEL, SVF_PANEL);
    tile.ahead = fetch_of(w, ch, g, index, at, n);
    tile.room = single(ch) || n < g->panel1 - g->panel0 ? NULL : w->room;
    tile.fresh = index == 0;
    g->kernel->tile[b->units].fn[n](&tile);
    tile.a_ahead.lines = 0;
  }
}

/* --- Loops -------------------------------------------------------------------------------------
 */

/* Panels that tiles of both heights in a chunk divide; as few as the higher ones have, if there are
 * such for the lower ones. */
static size_t group_panels(const part *w)
{
  const svf_kernel *kernel = w->plan->kernel;
  const size_t all = svf_rows_padded(kernel, w->plan->args.rows) / (size_t)kernel->row_unit;
  const size_t low = all / w->plan->blocks, high = low + (all % w->plan->blocks != 0);
  const size_t other = (size_t)kernel->tile[high].panels;
  const size_t one = kernel->tile[low].fn[other] ? other : (size_t)kernel->tile[low].panels;
  size_t n = one;
  while (n % other != 0 || n < (size_t)kernel->blocking.group) n += one;
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

/* A group's panels, and who fetches how much of what comes next. */
static void enter_group(const part *w, const chunk *ch, const slice *s, size_t panel0, size_t width,
                        group *g)
{
  const svf_parts *parts = &w->product->parts;
  const int in = svf_part_at(parts, panel0, s->k0);
  *g = (group){.panel0 = panel0, .panel1 = panel0 + width, .b_stride = parts->stride[in]};
  g->kernel = in ? w->plan->kernel : w->plan->head_kernel;
  find_next(w, ch, s, width, g);
  g->lines = svf_panel_bytes(parts->format[in], parts->group, s->k) / SVF_LINE;
  g->share = svf_size_ceil(g->lines, ch->blocks);
  const size_t unit = (size_t)g->kernel->fetch_unit;
  const size_t stream_unit = streams(ch) ? (size_t)g->kernel->stream_unit : unit;
  g->rate = (int)svf_size_ceil(g->share, svf_size_max(s->k / stream_unit, 1));
  g->b = panel_at(w, panel0, s->k0);
  g->next_b = g->next_panels > 0 ? panel_at(w, g->next, g->next_k) : g->b;
  const size_t panels = s->panel1 - s->panel0;
  g->a_from = ((panel0 - s->panel0) << 16) / panels;
  g->a_to = ((panel0 + width - s->panel0) << 16) / panels;
  const size_t a_share = (ch->block[0].lines * (g->a_to - g->a_from) >> 16) + 1;
  g->a_rate = (int)svf_size_ceil(a_share, svf_size_max(s->k / unit, 1));
}

/* A of every row block, here and, where it does not stay in L2, in the slice that comes next. */
static void enter_slice(const part *w, const slice *s, chunk *ch)
{
  const svf_product *p = w->product;
  const svf_kernel *kernel = w->plan->kernel;
  const bool stays = svf_a_bytes(kernel, ch->padded, p->k, p->a_planes) <= SVF_A_STAYS;
  const bool further = s->k0 + s->k < p->k, again = s->panel1 < w->panel1;
  for (size_t i = 0; i < ch->blocks; ++i) {
    row_block *b = &ch->block[i];
    b->a = a_of(w, b->row, b->rows, s->k0);
    b->next = NULL;
    if (!stays && !single(ch) && (further || again)) {
      b->next = a_of(w, b->row, b->rows, further ? s->k0 + s->k : 0);
    }
    b->lines = svf_a_bytes(kernel, b->padded, s->k, p->a_planes) / SVF_LINE;
  }
}

/* How far what begins at `at` may go: a split of the weights lies between two passes or slices. */
static size_t part_end(size_t at, size_t split, size_t end)
{
  return at < split ? svf_size_min(split, end) : end;
}

static void run_chunk(const part *w, chunk *ch)
{
  const size_t k = w->product->k;
  const svf_kernel *kernel = w->plan->kernel;
  const bool one = single(ch);
  const size_t longest = one ? k : streams(ch) ? SVF_STREAM_SLICE : (size_t)kernel->blocking.steps;
  const size_t unit = svf_slice_unit(kernel), even = svf_size_ceil(k, svf_size_ceil(k, longest));
  const size_t steps = svf_size_ceil(even, unit) * unit;
  const size_t width = one ? 0 : group_panels(w);
  const size_t budget = one ? 0 : w->plan->c_floats / (ch->padded * SVF_PANEL) / width * width;
  const size_t pass = svf_size_max(budget, width);

  slice s;
  for (s.panel0 = w->panel0; s.panel0 < w->panel1; s.panel0 = s.panel1) {
    const size_t left = part_end(s.panel0, w->product->parts.split_panel, w->panel1) - s.panel0;
    s.panel1 =
        s.panel0 + (one ? tile_panels(kernel, ch->block[0].units, left) : svf_size_min(pass, left));
    for (s.k0 = 0; s.k0 < k; s.k0 += s.k) {
      s.k = svf_size_min(steps, part_end(s.k0, w->product->parts.split_k, k) - s.k0);
      enter_slice(w, &s, ch);
      group g;
      for (size_t panel = s.panel0; panel < s.panel1; panel = g.panel1) {
        const size_t rest = s.panel1 - panel;
        /* A rest of one panel would be slow alone: it joins the group before it. */
        const bool all = one || rest == width + 1;
        enter_group(w, ch, &s, panel, all ? rest : svf_size_min(width, rest), &g);
        for (size_t b = 0; b < ch->blocks; ++b) run_block(w, ch, &s, &g, b);
      }
    }
  }
}

/* Row blocks [block0, block1) as a chunk. */
static void enter_chunk(const svf_plan_data *plan, size_t block0, size_t block1, chunk *ch)
{
  ch->blocks = block1 - block0;
  ch->row0 = block_row(plan, block0);
  ch->padded = svf_rows_padded(plan->kernel, block_row(plan, block1) - ch->row0);
  for (size_t i = 0; i < ch->blocks; ++i) {
    row_block *b = &ch->block[i];
    b->row = block_row(plan, block0 + i);
    b->rows = block_row(plan, block0 + i + 1) - b->row;
    b->padded = svf_rows_padded(plan->kernel, b->rows);
    b->units = (int)b->padded / plan->kernel->row_unit;
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
  w.room = plan->room_bytes > 0 ? plan->room + ith * plan->room_bytes : NULL;
  const size_t block0 = svf_share(plan->blocks, p->row_parts, row_part);
  const size_t block1 = svf_share(plan->blocks, p->row_parts, row_part + 1);
  const svf_kernel *kernel = plan->kernel;
  const size_t most = (size_t)(kernel->blocking.rows / kernel->rows);
  const size_t chunks = svf_size_ceil(block1 - block0, most);
  if (plan->kernel->begin) plan->kernel->begin((int)p->parts.group);
  chunk ch;
  for (size_t i = 0; i < chunks; ++i) {
    enter_chunk(plan, block0 + svf_share(block1 - block0, chunks, i),
                block0 + svf_share(block1 - block0, chunks, i + 1), &ch);
    ch.more = i + 1 < chunks;
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
