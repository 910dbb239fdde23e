/* SPDX-License-Identifier: Apache-2.0
 *
 * One part of one stage; the loops of a product around the micro-kernel:
 *
 *   for each chunk of row blocks                        its slice of A stays in L2
 *     for each pass over panels                         its partial sums stay in L2
 *       for each slice of k
 *         for each run of panels                        read once from memory, used from L2
 *           for each row block
 *             for each tile                             micro-kernel
 *
 * While a run is used the next one is fetched, a share of it by every row block, and so is A of
 * the next slice. In a chunk of one row block each weight is used once: then a pass is one tile, or
 * the tiles of a block of T, a slice all of k, and what is fetched lies a little ahead. */
#include "src/matmul/layout.h"
#include "src/matmul/tile.h"

typedef struct cell {
  const svf_call *call;
  const svf_product *product;
  bool to_t;     /* the result is T, else Y */
  const char *a; /* from row a_row on, the first of a row block */
  size_t a_row;
  size_t panel0, panel1;
  float *c;   /* scratch: sums */
  char *room; /* scratch: weights for the row blocks of a run, or NULL */
} cell;

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
typedef struct panel_run {
  size_t panel0, panel1;
  const svf_kernel *kernel; /* of these weights */
  size_t b_stride;
  size_t next, next_panels, next_k; /* panels and step after these; next_panels = 0: none */
  const char *b, *next_b;           /* both */
  size_t lines, share;              /* of a panel: all in the slice; fetched by a row block */
  size_t a_from, a_to;              /* of each row block's next A, in 1/65536 */
  int rate, a_rate;
} panel_run;

static bool single(const chunk *ch) { return ch->blocks == 1; }
static bool streams(const chunk *ch) { return ch->blocks <= SVF_STREAM_BLOCKS; }

/* --- A ---------------------------------------------------------------------------------------- */

/* A of this part's product. */
static const void *a_of(const cell *w, const row_block *b, size_t k)
{
  if (w->product->maker == SVF_BY_CALLER) return svf_x_at(&w->call->args, b->row, k);
  return w->a + svf_a_offset(w->call, w->product, b->row - w->a_row, b->rows, k);
}

/* A of the second product, which the first one writes. */
static char *t_of(const cell *w, const row_block *b, size_t channel)
{
  const svf_product *second = &w->call->product[1];
  return second->a + svf_a_offset(w->call, second, b->row, b->rows, channel);
}

/* --- Tiles ------------------------------------------------------------------------------------ */

/* One pointer per row of a block. */
static void find_gains(const svf_call *call, const row_block *b, const float **gains)
{
  for (size_t i = 0; i < b->rows; ++i) {
    const float *own = call->args.gains ? call->args.gains[b->row + i] : NULL;
    gains[i] = own ? own : call->sigma;
  }
}

/* What becomes of a row block's sums; `gains` receives those of its rows. */
static svf_epilogue epilogue_of(const cell *w, const row_block *b, const float **gains)
{
  const svf_matmul_args *args = &w->call->args;
  svf_epilogue e = {0};
  if (w->to_t) {
    find_gains(w->call, b, gains);
    e.gains = gains;
    e.keep = args->t0 ? args->t0 + (ptrdiff_t)b->row * args->t0_stride : NULL;
    e.keep_stride = args->t0_stride;
    if (w->call->t) {
      e.y = w->call->t + b->row * w->call->t_stride;
      e.y_stride = (ptrdiff_t)w->call->t_stride;
      e.y_type = SVF_DTYPE_F32;
      return e;
    }
    e.t = t_of(w, b, 0);
    e.t_channels = w->product->channels;
    e.split = w->call->hi_lo;
    return e;
  }
  const ptrdiff_t at = (ptrdiff_t)b->row * args->y_stride;
  e.y = (char *)args->y + at * (ptrdiff_t)svf_dtype_size(args->y_type);
  e.y_stride = args->y_stride;
  e.y_type = args->y_type;
  e.accumulate = (args->flags & SVF_MATMUL_ACCUMULATE) != 0;
  e.bias = args->bias;
  return e;
}

/* A panel at step k, the first of a line of it. */
static const char *panel_at(const cell *w, size_t panel, size_t k)
{
  return w->product->weights + svf_parts_offset(&w->product->parts, panel, k);
}

/* What a tile of n panels fetches: a share of the next run, but the first row block what is left
 * of this one, a little ahead of where it is used. A single row block reads weights as they lie,
 * which hardware prefetchers follow. */
static svf_fetch fetch_of(const cell *w, const chunk *ch, const panel_run *g, size_t index,
                          size_t at, size_t n)
{
  const bool exists = single(ch) ? g->next_panels > 0 : at + n <= g->next_panels;
  const char *next = g->next_b + (exists ? at * g->b_stride : 0);
  const size_t near = svf_size_min(w->call->distance, g->lines);
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

/* Sums of a pass, in the order [run][row block][panel][row]: those of a row block in a run. */
static float *sums_at(const cell *w, const chunk *ch, const slice *s, const row_block *b,
                      size_t panel0, size_t panels)
{
  return w->c + (panel0 - s->panel0) * ch->padded * SVF_PANEL +
         (b->row - ch->row0) * panels * SVF_PANEL;
}

/* A row block against a run of panels. */
typedef struct meeting {
  const cell *w;
  const chunk *ch;
  const panel_run *g;
  size_t index;   /* of the row block in the chunk */
  size_t c_panel; /* floats from the sums of a panel to those of the next one */
} meeting;

/* What a tile fetches, and where it keeps widened weights. */
static void prepare_tile(const void *context, size_t at, size_t n, svf_tile *tile)
{
  const meeting *m = context;
  const size_t panels = m->g->panel1 - m->g->panel0;
  if (at > 0) tile->a_ahead.lines = 0;
  tile->c_ahead = tile->resume && !tile->stream ? tile->c + n * m->c_panel : NULL;
  tile->ahead = fetch_of(m->w, m->ch, m->g, m->index, at, n);
  tile->room = single(m->ch) || n < panels ? NULL : m->w->room;
}

static void run_block(const cell *w, const chunk *ch, const slice *s, const panel_run *g,
                      size_t index)
{
  const svf_product *product = w->product;
  const row_block *b = &ch->block[index];
  const bool ends = s->k0 + s->k == product->k && !product->whole_blocks;
  const float *gains[SVF_ROWS_MAX];
  const svf_epilogue epilogue = ends ? epilogue_of(w, b, gains) : (svf_epilogue){0};
  const size_t panels = g->panel1 - g->panel0, channel = g->panel0 * SVF_PANEL;
  svf_tile tile = {
      .a = b->a,
      .planes = product->a_planes,
      .rows = (int)b->rows,
      .b = g->b,
      .b_stride = g->b_stride,
      .group = (int)product->parts.group,
      .k = s->k,
      .c = sums_at(w, ch, s, b, g->panel0, panels),
      .resume = s->k0 > 0,
      .epilogue = ends ? &epilogue : NULL,
      .channel = channel,
      .stream = streams(ch),
      .fresh = index == 0,
  };
  if (b->next) {
    const size_t from = b->lines * g->a_from >> 16;
    tile.a_ahead = (svf_fetch){.from = b->next + from * SVF_LINE,
                               .lines = (b->lines * g->a_to >> 16) - from,
                               .rate = g->a_rate};
  }
  const meeting m = {w, ch, g, index, b->padded * SVF_PANEL};
  svf_tiles_run(g->kernel, b->units, &tile, panels, product->channels - channel, prepare_tile, &m);
}

/* The first panel of the run that has this one, and one past its last. A rest of one panel
 * would be slow alone: it joins the run before it. */
static size_t run_begin(const slice *s, size_t width, size_t panel)
{
  const size_t first = s->panel0 + (panel - s->panel0) / width * width;
  return first > s->panel0 && first + 1 == s->panel1 ? first - width : first;
}

static size_t run_end(const slice *s, size_t width, size_t first)
{
  return s->panel1 - first <= width + 1 ? s->panel1 : first + width;
}

/* Finished sums of a pass over whole blocks of T become A of the second product. */
static void pack_blocks(const cell *w, const chunk *ch, const slice *s, size_t width)
{
  const svf_product *second = &w->call->product[1];
  const float *gains[SVF_ROWS_MAX], *sums[SVF_BLOCK / SVF_PANEL];
  for (size_t i = 0; i < ch->blocks; ++i) {
    const row_block *b = &ch->block[i];
    const svf_epilogue epilogue = epilogue_of(w, b, gains);
    for (size_t panel = s->panel0, end; panel < s->panel1; panel = end) {
      const size_t channel = panel * SVF_PANEL;
      const size_t k = svf_block_end(&second->parts, channel, second->k) - channel;
      end = panel + svf_size_ceil(k, SVF_PANEL);
      for (size_t p = panel; p < end; ++p) {
        const size_t first = run_begin(s, width, p), panels = run_end(s, width, first) - first;
        sums[p - panel] = sums_at(w, ch, s, b, first, panels) + (p - first) * b->padded * SVF_PANEL;
      }
      w->call->kernel->pack_sums(sums, &epilogue, channel, (int)b->rows, k, second->a_planes,
                                 t_of(w, b, channel));
    }
  }
}

/* --- Loops ------------------------------------------------------------------------------------ */

/* Panels that tiles of both heights in a chunk divide; as few as the higher ones have, if there are
 * such for the lower ones. */
static size_t run_panels(const cell *w)
{
  const svf_kernel *kernel = w->call->kernel;
  const size_t all = svf_rows_padded(kernel, w->call->args.rows) / (size_t)kernel->row_unit;
  const size_t low = all / w->call->blocks, high = low + (all % w->call->blocks != 0);
  const size_t other = (size_t)kernel->tile[high].panels;
  const size_t one = kernel->tile[low].fn[other] ? other : (size_t)kernel->tile[low].panels;
  size_t n = one;
  while (n % other != 0 || n < (size_t)kernel->blocking.group) n += one;
  return n;
}

/* Where fetching goes on after a run, in the order of the loops. */
static void find_next(const cell *w, const chunk *ch, const slice *s, size_t width, panel_run *g)
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

/* A run's panels, and who fetches how much of what comes next. */
static void enter_run(const cell *w, const chunk *ch, const slice *s, size_t panel0, size_t width,
                      panel_run *g)
{
  const svf_parts *parts = &w->product->parts;
  const int in = svf_part_at(parts, panel0, s->k0);
  *g = (panel_run){.panel0 = panel0, .panel1 = panel0 + width, .b_stride = parts->stride[in]};
  g->kernel = in ? w->call->kernel : w->call->head_kernel;
  find_next(w, ch, s, width, g);
  g->lines = svf_panel_bytes(&parts->layout[in], s->k) / SVF_LINE;
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
static void enter_slice(const cell *w, const slice *s, chunk *ch)
{
  const svf_product *p = w->product;
  const svf_kernel *kernel = w->call->kernel;
  const bool stays = svf_a_bytes(kernel, ch->padded, p->k, p->a_planes) <= SVF_A_STAYS;
  const bool further = s->k0 + s->k < p->k, again = s->panel1 < w->panel1;
  for (size_t i = 0; i < ch->blocks; ++i) {
    row_block *b = &ch->block[i];
    b->a = a_of(w, b, s->k0);
    b->next = NULL;
    if (!stays && !single(ch) && (further || again)) {
      b->next = a_of(w, b, further ? s->k0 + s->k : 0);
    }
    b->lines = svf_a_bytes(kernel, b->padded, s->k, p->a_planes) / SVF_LINE;
  }
}

/* How far what begins at `at` may go: a split of the weights lies between two passes or slices. */
static size_t part_end(size_t at, size_t split, size_t end)
{
  return at < split ? svf_size_min(split, end) : end;
}

/* Panels of a pass that may have `left`, for the sums of which there must be room; whole blocks of
 * T if they are packed after it. */
static size_t pass_panels(const cell *w, const chunk *ch, size_t width, size_t left)
{
  const bool whole = w->product->whole_blocks;
  const size_t unit = whole ? SVF_BLOCK / SVF_PANEL : width;
  if (single(ch)) {
    return whole ? svf_size_min(unit, left)
                 : svf_tile_panels(w->call->kernel, ch->block[0].units, left);
  }
  const size_t budget = w->call->c_floats / (ch->padded * SVF_PANEL) / unit * unit;
  return svf_size_min(svf_size_max(budget, unit), left);
}

static void run_chunk(const cell *w, chunk *ch)
{
  const svf_product *product = w->product;
  const size_t k = product->k;
  const svf_kernel *kernel = w->call->kernel;
  const bool one = single(ch);
  const size_t longest = one ? k : streams(ch) ? SVF_STREAM_SLICE : (size_t)kernel->blocking.steps;
  const size_t unit = svf_slice_unit(kernel), even = svf_size_ceil(k, svf_size_ceil(k, longest));
  const size_t steps = svf_size_ceil(even, unit) * unit;
  const size_t width = one ? SVF_BLOCK / SVF_PANEL : run_panels(w);

  slice s;
  for (s.panel0 = w->panel0; s.panel0 < w->panel1; s.panel0 = s.panel1) {
    const size_t left = part_end(s.panel0, product->parts.split_panel, w->panel1) - s.panel0;
    s.panel1 = s.panel0 + pass_panels(w, ch, width, left);
    for (s.k0 = 0; s.k0 < k; s.k0 += s.k) {
      s.k = svf_size_min(steps, part_end(s.k0, product->parts.split_k, k) - s.k0);
      enter_slice(w, &s, ch);
      panel_run g;
      for (size_t panel = s.panel0; panel < s.panel1; panel = g.panel1) {
        const size_t panels = one ? svf_tile_panels(kernel, ch->block[0].units, s.panel1 - panel)
                                  : run_end(&s, width, panel) - panel;
        enter_run(w, ch, &s, panel, panels, &g);
        for (size_t b = 0; b < ch->blocks; ++b) run_block(w, ch, &s, &g, b);
      }
    }
    if (product->whole_blocks) pack_blocks(w, ch, &s, width);
  }
}

/* Row blocks [block0, block1) as a chunk. */
static void enter_chunk(const svf_call *call, size_t block0, size_t block1, chunk *ch)
{
  ch->blocks = block1 - block0;
  ch->row0 = svf_block_row(call, block0);
  ch->padded = svf_rows_padded(call->kernel, svf_block_row(call, block1) - ch->row0);
  for (size_t i = 0; i < ch->blocks; ++i) {
    row_block *b = &ch->block[i];
    b->row = svf_block_row(call, block0 + i);
    b->rows = svf_block_row(call, block0 + i + 1) - b->row;
    b->padded = svf_rows_padded(call->kernel, b->rows);
    b->units = (int)b->padded / call->kernel->row_unit;
  }
}

/* What a part multiplies by: where in A's own layout it is. A in `own` is that of `made`, if that
 * is not NULL, which further calls of a group may read, too. */
typedef struct own_a {
  char *a;
  const svf_call *made;
} own_a;

static void make_own(const svf_plan_data *plan, const svf_call *call, int product, size_t block0,
                     size_t block1, own_a *own)
{
  const svf_call *made = product == call->x_product ? &plan->call[call->x_call] : NULL;
  if (!made || made != own->made) svf_lay_out(call, product, block0, block1, own->a);
  own->made = made;
}

/* Part ith of one call's product: `panel_part` of its panels. */
static void run_cell(const svf_plan_data *plan, const svf_call *call, int product, size_t ith,
                     own_a *own)
{
  const svf_grid *grid = &plan->grid[product];
  const size_t row_part = ith / grid->panel_parts, panel_part = ith % grid->panel_parts;
  const svf_product *p = &call->product[product];
  const svf_kernel *kernel = call->kernel;
  cell w = {.call = call, .product = p, .to_t = product == 0, .a = p->a};
  w.panel0 = svf_first_panel(grid, p, panel_part);
  w.panel1 = svf_first_panel(grid, p, panel_part + 1);
  if (w.panel0 == w.panel1) return;
  w.c = plan->c + ith * plan->c_floats;
  w.room = plan->room_bytes > 0 ? plan->room + ith * plan->room_bytes : NULL;
  const size_t block0 = svf_share(call->blocks, grid->row_parts, row_part);
  const size_t block1 = svf_share(call->blocks, grid->row_parts, row_part + 1);
  if (p->maker == SVF_BY_PART) {
    make_own(plan, call, product, block0, block1, own);
    w.a = own->a;
    w.a_row = svf_block_row(call, block0);
  }
  const size_t most = (size_t)(kernel->blocking.rows / kernel->rows);
  const size_t chunks = svf_size_ceil(block1 - block0, most);
  if (kernel->begin) kernel->begin((int)p->parts.group);
  chunk ch;
  for (size_t i = 0; i < chunks; ++i) {
    enter_chunk(call, block0 + svf_share(block1 - block0, chunks, i),
                block0 + svf_share(block1 - block0, chunks, i + 1), &ch);
    ch.more = i + 1 < chunks;
    run_chunk(&w, &ch);
  }
  if (kernel->end) kernel->end();
}

/* Part ith of a product of all calls. */
static void multiply_all(const svf_plan_data *plan, int product, size_t ith)
{
  const svf_grid *grid = &plan->grid[product];
  own_a own = {.a = plan->own + ith * plan->own_bytes};
  if (ith / grid->panel_parts >= grid->row_parts) return;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (svf_has_product(call, product)) run_cell(plan, call, product, ith, &own);
  }
}

static void lay_out_x(const svf_plan_data *plan, size_t ith)
{
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (call->x_call != i || call->product[call->x_product].maker != SVF_BY_STAGE) continue;
    svf_lay_out_share(call, call->x_product, ith, plan->nth);
  }
}

static void lay_out_t(const svf_plan_data *plan, size_t ith)
{
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (svf_is_dense(call) || call->product[1].maker != SVF_BY_STAGE) continue;
    svf_lay_out_share(call, 1, ith, plan->nth);
  }
}

/* --- Public ----------------------------------------------------------------------------------- */

void svf_matmul_stage(const svf_plan *plan, int stage, size_t ith)
{
  if (!plan || stage < 0 || stage >= SVF_STAGES) return;
  const svf_plan_data *p = svf_plan_read(plan);
  if (!p->needed[stage] || ith >= p->nth) return;
  switch ((svf_stage)stage) {
    case SVF_STAGE_X: lay_out_x(p, ith); break;
    case SVF_STAGE_FIRST: multiply_all(p, 0, ith); break;
    case SVF_STAGE_T: lay_out_t(p, ith); break;
    default: multiply_all(p, 1, ith); break;
  }
}

int svf_matmul_next_stage(const svf_plan *plan, int from)
{
  int stage = from > 0 ? from : 0;
  if (!plan) return -1;
  const svf_plan_data *p = svf_plan_read(plan);
  while (stage < SVF_STAGES && !p->needed[stage]) ++stage;
  return stage < SVF_STAGES ? stage : -1;
}
