/* SPDX-License-Identifier: Apache-2.0
 *
 * One share of one stage. The loops of a product around the micro-kernel are
 *
 *   for each chunk of strips                            its slice of A stays in L2
 *     for each pass over panels                         its partial sums stay in L2
 *       for each slice of k
 *         for each panel run                            read once from memory, used from L2
 *           for each strip
 *             for each tile                             micro-kernel
 *
 * While a run is used the next one is fetched, a portion of it by every strip, and so is A of the
 * next slice. In a chunk of one strip each weight is used once: then a pass is one tile, or the
 * tiles of one span of T, a slice is all of k, and what is fetched lies only a little ahead. */
#include "src/matmul/layout.h"
#include "src/matmul/tile.h"

typedef struct cell {
  const svf_call *call;
  const svf_product *product;
  bool to_t;     /* the result is T; else it is Y */
  const char *a; /* A from row a_row on, which is the first row of a strip */
  size_t a_row;
  size_t panel0, panel1;
  float *c;   /* scratch: sums */
  char *room; /* scratch: a run's weights as the kernel wants them, for all strips; or NULL */
} cell;

/* A strip, and its A in the current slice. */
typedef struct row_strip {
  size_t row, rows, padded;
  int units;
  const char *a;    /* A at the first step of the slice */
  const char *next; /* A at the first step of the slice that follows, to be fetched; or NULL */
  size_t lines;     /* lines of A in the slice */
} row_strip;

/* Strips of a share whose A is in L2 together. */
typedef struct chunk {
  size_t strips;
  size_t row0, padded;
  bool more; /* another chunk of this share follows */
  row_strip strip[SVF_CHUNK_STRIPS];
} chunk;

/* Steps [k0, k0 + k) of a pass over panels [panel0, panel1). */
typedef struct slice {
  size_t panel0, panel1;
  size_t k0, k;
} slice;

/* Panels [panel0, panel1) of a slice, and what is fetched while they are used. */
typedef struct panel_run {
  size_t panel0, panel1;
  const svf_kernel *kernel; /* the kernel of these weights */
  size_t b_stride;
  size_t next, next_panels, next_k; /* panels and step that come next; next_panels = 0: none do */
  const char *b, *next_b;           /* weights of this run, and of the next one */
  size_t lines;                     /* lines of a panel in the slice */
  size_t portion;                   /* lines of a panel that each strip fetches */
  size_t a_from, a_to; /* what is fetched of each strip's next A meanwhile, in 1/65536 of it */
  int rate, a_rate;    /* lines of weights and of A that are fetched at a time */
} panel_run;

static bool single(const chunk *ch) { return ch->strips == 1; }
static bool streams(const chunk *ch) { return ch->strips <= SVF_STREAM_STRIPS; }

/* --- A ---------------------------------------------------------------------------------------- */

/* A of the product, from step k of a strip on. */
static const void *a_of(const cell *w, const row_strip *r, size_t k)
{
  if (w->product->maker == SVF_BY_CALLER) return svf_x_at(&w->call->args, r->row, k);
  return w->a + svf_a_offset(w->call, w->product, r->row - w->a_row, r->rows, k);
}

/* Where the first product writes A of the second one. */
static char *t_of(const cell *w, const row_strip *r, size_t channel)
{
  const svf_product *second = &w->call->product[1];
  return second->a + svf_a_offset(w->call, second, r->row, r->rows, channel);
}

/* --- Tiles ------------------------------------------------------------------------------------ */

/* Finds the gains of a strip: one pointer per row. */
static void find_gains(const svf_call *call, const row_strip *r, const float **gains)
{
  for (size_t i = 0; i < r->rows; ++i) {
    const float *own = call->args.gains ? call->args.gains[r->row + i] : NULL;
    gains[i] = own ? own : call->sigma;
  }
}

/* What becomes of a strip's sums; `gains` receives a pointer for each of its rows. */
static svf_epilogue epilogue_of(const cell *w, const row_strip *r, const float **gains)
{
  const svf_matmul_args *args = &w->call->args;
  svf_epilogue e = {0};
  if (w->to_t) {
    find_gains(w->call, r, gains);
    e.gains = gains;
    e.keep = args->t0 ? args->t0 + (ptrdiff_t)r->row * args->t0_stride : NULL;
    e.keep_stride = args->t0_stride;
    if (w->call->t) {
      e.y = w->call->t + r->row * w->call->t_stride;
      e.y_stride = (ptrdiff_t)w->call->t_stride;
      e.y_type = SVF_DTYPE_F32;
      return e;
    }
    e.t = t_of(w, r, 0);
    e.t_channels = w->product->channels;
    e.hi_lo = w->call->hi_lo;
    return e;
  }
  const ptrdiff_t at = (ptrdiff_t)r->row * args->y_stride;
  e.y = (char *)args->y + at * (ptrdiff_t)svf_dtype_size(args->y_type);
  e.y_stride = args->y_stride;
  e.y_type = args->y_type;
  e.accumulate = (args->flags & SVF_MATMUL_ACCUMULATE) != 0;
  e.bias = args->bias;
  return e;
}

/* A panel's weights at step k, which a line begins with. */
static const char *panel_at(const cell *w, size_t panel, size_t k)
{
  return w->product->weights + svf_bands_offset(&w->product->bands, panel, k);
}

/* What a tile of n panels fetches: a portion of the next run; but the first strip fetches what is
 * left of this run, a little ahead of where it is used. A single strip reads weights in the order
 * in which they lie, which hardware prefetchers follow. */
static svf_fetch fetch_of(const cell *w, const chunk *ch, const panel_run *g, size_t index,
                          size_t at, size_t n)
{
  const bool exists = single(ch) ? g->next_panels > 0 : at + n <= g->next_panels;
  const char *next = g->next_b + (exists ? at * g->b_stride : 0);
  const size_t near = svf_size_min(w->call->distance, g->lines);
  svf_fetch f = {.rate = g->rate};
  if (index == 0) {
    const size_t from = svf_size_max(near, svf_size_min(g->portion * (ch->strips - 1), g->lines));
    f.from = g->b + at * g->b_stride + from * SVF_LINE;
    f.lines = g->lines - from;
    f.then = next;
    f.then_lines = exists && single(ch) ? near : 0;
  } else if (exists && (index - 1) * g->portion < g->lines) {
    const size_t from = (index - 1) * g->portion;
    f.from = next + from * SVF_LINE;
    f.lines = svf_size_min(g->portion, g->lines - from);
  }
  return f;
}

/* The sums of a strip in a run. Those of a pass lie in the order [run][strip][panel][row]. */
static float *sums_at(const cell *w, const chunk *ch, const slice *s, const row_strip *r,
                      size_t panel0, size_t panels)
{
  return w->c + (panel0 - s->panel0) * ch->padded * SVF_PANEL +
         (r->row - ch->row0) * panels * SVF_PANEL;
}

/* A strip and the panel run that it is multiplied by. */
typedef struct meeting {
  const cell *w;
  const chunk *ch;
  const panel_run *g;
  size_t index;   /* index of the strip in the chunk */
  size_t c_panel; /* floats from the sums of a panel to those of the next one */
} meeting;

/* Tells a tile what to fetch and where to keep widened weights. */
static void prepare_tile(const void *context, size_t at, size_t n, svf_tile *tile)
{
  const meeting *m = context;
  const size_t panels = m->g->panel1 - m->g->panel0;
  if (at > 0) tile->a_ahead.lines = 0;
  tile->c_ahead = tile->resume && !tile->stream ? tile->c + n * m->c_panel : NULL;
  tile->ahead = fetch_of(m->w, m->ch, m->g, m->index, at, n);
  tile->room = single(m->ch) || n < panels ? NULL : m->w->room;
}

static void run_strip(const cell *w, const chunk *ch, const slice *s, const panel_run *g,
                      size_t index)
{
  const svf_product *product = w->product;
  const row_strip *r = &ch->strip[index];
  const bool ends = s->k0 + s->k == product->k && !product->whole_spans;
  const float *gains[SVF_ROWS_MAX];
  const svf_epilogue epilogue = ends ? epilogue_of(w, r, gains) : (svf_epilogue){0};
  const size_t panels = g->panel1 - g->panel0, channel = g->panel0 * SVF_PANEL;
  svf_tile tile = {
      .a = r->a,
      .planes = product->a_planes,
      .rows = (int)r->rows,
      .b = g->b,
      .b_stride = g->b_stride,
      .group = (int)product->bands.group,
      .k = s->k,
      .c = sums_at(w, ch, s, r, g->panel0, panels),
      .resume = s->k0 > 0,
      .epilogue = ends ? &epilogue : NULL,
      .channel = channel,
      .stream = streams(ch),
      .fresh = index == 0,
  };
  if (r->next) {
    const size_t from = r->lines * g->a_from >> 16;
    tile.a_ahead = (svf_fetch){.from = r->next + from * SVF_LINE,
                               .lines = (r->lines * g->a_to >> 16) - from,
                               .rate = g->a_rate};
  }
  const meeting m = {w, ch, g, index, r->padded * SVF_PANEL};
  svf_tiles_run(g->kernel, r->units, &tile, panels, product->channels - channel, prepare_tile, &m);
}

/* The first panel of the run that `panel` is in; run_end is one past its last panel. A rest of one
 * panel would be slow alone, so it joins the run before it. */
static size_t run_begin(const slice *s, size_t width, size_t panel)
{
  const size_t first = s->panel0 + (panel - s->panel0) / width * width;
  return first > s->panel0 && first + 1 == s->panel1 ? first - width : first;
}

static size_t run_end(const slice *s, size_t width, size_t first)
{
  return s->panel1 - first <= width + 1 ? s->panel1 : first + width;
}

/* Makes A of the second product of the finished sums of a pass over whole spans of T. */
static void pack_spans(const cell *w, const chunk *ch, const slice *s, size_t width)
{
  const svf_product *second = &w->call->product[1];
  const float *gains[SVF_ROWS_MAX], *sums[SVF_SPAN / SVF_PANEL];
  for (size_t i = 0; i < ch->strips; ++i) {
    const row_strip *r = &ch->strip[i];
    const svf_epilogue epilogue = epilogue_of(w, r, gains);
    for (size_t panel = s->panel0, end; panel < s->panel1; panel = end) {
      const size_t channel = panel * SVF_PANEL;
      const size_t k = svf_span_end(&second->bands, channel, second->k) - channel;
      end = panel + svf_size_ceil(k, SVF_PANEL);
      for (size_t p = panel; p < end; ++p) {
        const size_t first = run_begin(s, width, p), panels = run_end(s, width, first) - first;
        sums[p - panel] = sums_at(w, ch, s, r, first, panels) + (p - first) * r->padded * SVF_PANEL;
      }
      w->call->kernel->pack_sums(sums, &epilogue, channel, (int)r->rows, k, second->a_planes,
                                 t_of(w, r, channel));
    }
  }
}

/* --- Loops ------------------------------------------------------------------------------------ */

/* Panels of a run: a multiple of the panels of tiles of both heights in a chunk. Lower tiles take
 * as few panels as the higher ones if there is such a tile. */
static size_t run_panels(const cell *w)
{
  const svf_kernel *kernel = w->call->kernel;
  const size_t all = svf_rows_padded(kernel, w->call->args.rows) / (size_t)kernel->row_unit;
  const size_t low = all / w->call->strips, high = low + (all % w->call->strips != 0);
  const size_t other = (size_t)kernel->tile[high].panels;
  const size_t one = kernel->tile[low].fn[other] ? other : (size_t)kernel->tile[low].panels;
  size_t n = one;
  while (n % other != 0 || n < (size_t)kernel->blocking.group) n += one;
  return n;
}

/* Finds where fetching continues after a run, in the order of the loops. */
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

/* Sets a run's panels, and how much of what comes next each strip fetches. */
static void enter_run(const cell *w, const chunk *ch, const slice *s, size_t panel0, size_t width,
                      panel_run *g)
{
  const svf_bands *bands = &w->product->bands;
  const int in = svf_band_at(bands, panel0, s->k0);
  *g = (panel_run){.panel0 = panel0, .panel1 = panel0 + width, .b_stride = bands->stride[in]};
  g->kernel = in ? w->call->kernel : w->call->head_kernel;
  find_next(w, ch, s, width, g);
  g->lines = svf_panel_bytes(&bands->layout[in], s->k) / SVF_LINE;
  g->portion = svf_size_ceil(g->lines, ch->strips);
  const size_t unit = (size_t)g->kernel->fetch_unit;
  const size_t stream_unit = streams(ch) ? (size_t)g->kernel->stream_unit : unit;
  g->rate = (int)svf_size_ceil(g->portion, svf_size_max(s->k / stream_unit, 1));
  g->b = panel_at(w, panel0, s->k0);
  g->next_b = g->next_panels > 0 ? panel_at(w, g->next, g->next_k) : g->b;
  const size_t panels = s->panel1 - s->panel0;
  g->a_from = ((panel0 - s->panel0) << 16) / panels;
  g->a_to = ((panel0 + width - s->panel0) << 16) / panels;
  const size_t a_portion = (ch->strip[0].lines * (g->a_to - g->a_from) >> 16) + 1;
  g->a_rate = (int)svf_size_ceil(a_portion, svf_size_max(s->k / unit, 1));
}

/* Finds A of every strip in this slice and, where it does not stay in L2, in the next one. */
static void enter_slice(const cell *w, const slice *s, chunk *ch)
{
  const svf_product *p = w->product;
  const svf_kernel *kernel = w->call->kernel;
  const bool stays = svf_a_bytes(kernel, ch->padded, p->k, p->a_planes) <= SVF_A_STAYS;
  const bool further = s->k0 + s->k < p->k, again = s->panel1 < w->panel1;
  for (size_t i = 0; i < ch->strips; ++i) {
    row_strip *r = &ch->strip[i];
    r->a = a_of(w, r, s->k0);
    r->next = NULL;
    if (!stays && !single(ch) && (further || again)) {
      r->next = a_of(w, r, further ? s->k0 + s->k : 0);
    }
    r->lines = svf_a_bytes(kernel, r->padded, s->k, p->a_planes) / SVF_LINE;
  }
}

/* Where a pass or slice that begins at `at` must end at the latest: none crosses the cut. */
static size_t band_end(size_t at, size_t cut, size_t end)
{
  return at < cut ? svf_size_min(cut, end) : end;
}

/* Panels of a pass when `left` are left. There must be room for their sums, and they are whole
 * spans of T if these are packed after the pass. */
static size_t pass_panels(const cell *w, const chunk *ch, size_t width, size_t left)
{
  const bool whole = w->product->whole_spans;
  const size_t unit = whole ? SVF_SPAN / SVF_PANEL : width;
  if (single(ch)) {
    return whole ? svf_size_min(unit, left)
                 : svf_tile_panels(w->call->kernel, ch->strip[0].units, left);
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
  const size_t width = one ? SVF_SPAN / SVF_PANEL : run_panels(w);

  slice s;
  for (s.panel0 = w->panel0; s.panel0 < w->panel1; s.panel0 = s.panel1) {
    const size_t left = band_end(s.panel0, product->bands.cut_panel, w->panel1) - s.panel0;
    s.panel1 = s.panel0 + pass_panels(w, ch, width, left);
    for (s.k0 = 0; s.k0 < k; s.k0 += s.k) {
      s.k = svf_size_min(steps, band_end(s.k0, product->bands.cut_k, k) - s.k0);
      enter_slice(w, &s, ch);
      panel_run g;
      for (size_t panel = s.panel0; panel < s.panel1; panel = g.panel1) {
        const size_t panels = one ? svf_tile_panels(kernel, ch->strip[0].units, s.panel1 - panel)
                                  : run_end(&s, width, panel) - panel;
        enter_run(w, ch, &s, panel, panels, &g);
        for (size_t i = 0; i < ch->strips; ++i) run_strip(w, ch, &s, &g, i);
      }
    }
    if (product->whole_spans) pack_spans(w, ch, &s, width);
  }
}

/* Makes a chunk of strips [strip0, strip1). */
static void enter_chunk(const svf_call *call, size_t strip0, size_t strip1, chunk *ch)
{
  ch->strips = strip1 - strip0;
  ch->row0 = svf_strip_row(call, strip0);
  ch->padded = svf_rows_padded(call->kernel, svf_strip_row(call, strip1) - ch->row0);
  for (size_t i = 0; i < ch->strips; ++i) {
    row_strip *r = &ch->strip[i];
    r->row = svf_strip_row(call, strip0 + i);
    r->rows = svf_strip_row(call, strip0 + i + 1) - r->row;
    r->padded = svf_rows_padded(call->kernel, r->rows);
    r->units = (int)r->padded / call->kernel->row_unit;
  }
}

/* The A that a share makes for itself. */
typedef struct own_a {
  char *a;
  const svf_call *made; /* whose X it is, which other calls of a group may read, too; NULL: T */
} own_a;

static void make_own(const svf_plan_data *plan, const svf_call *call, int product, size_t strip0,
                     size_t strip1, own_a *own)
{
  const svf_call *made = product == call->x_product ? &plan->call[call->x_call] : NULL;
  if (!made || made != own->made) svf_lay_out(call, product, strip0, strip1, own->a);
  own->made = made;
}

/* Share ith of one call's product. */
static void run_cell(const svf_plan_data *plan, const svf_call *call, int product, size_t ith,
                     own_a *own)
{
  const svf_grid *grid = &plan->grid[product];
  const size_t row_share = ith / grid->panel_shares, panel_share = ith % grid->panel_shares;
  const svf_product *p = &call->product[product];
  const svf_kernel *kernel = call->kernel;
  cell w = {.call = call, .product = p, .to_t = product == 0, .a = p->a};
  w.panel0 = svf_first_panel(grid, p, panel_share);
  w.panel1 = svf_first_panel(grid, p, panel_share + 1);
  if (w.panel0 == w.panel1) return;
  w.c = plan->c + ith * plan->c_floats;
  w.room = plan->room_bytes > 0 ? plan->room + ith * plan->room_bytes : NULL;
  const size_t strip0 = svf_share(call->strips, grid->row_shares, row_share);
  const size_t strip1 = svf_share(call->strips, grid->row_shares, row_share + 1);
  if (p->maker == SVF_BY_SHARE) {
    make_own(plan, call, product, strip0, strip1, own);
    w.a = own->a;
    w.a_row = svf_strip_row(call, strip0);
  }
  const size_t most = (size_t)(kernel->blocking.rows / kernel->rows);
  const size_t chunks = svf_size_ceil(strip1 - strip0, most);
  svf_kernel_state callers;
  if (kernel->begin) kernel->begin((int)p->bands.group, &callers);
  chunk ch;
  for (size_t i = 0; i < chunks; ++i) {
    enter_chunk(call, strip0 + svf_share(strip1 - strip0, chunks, i),
                strip0 + svf_share(strip1 - strip0, chunks, i + 1), &ch);
    ch.more = i + 1 < chunks;
    run_chunk(&w, &ch);
  }
  if (kernel->end) kernel->end(&callers);
}

/* Share ith of a product of all calls. */
static void multiply_all(const svf_plan_data *plan, int product, size_t ith)
{
  own_a own = {.a = plan->own + ith * plan->own_bytes};
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (svf_has_product(call, product)) run_cell(plan, call, product, ith, &own);
  }
}

static void make_second(const svf_plan_data *plan, size_t ith)
{
  for (size_t i = 0; i < plan->count; ++i) {
    if (plan->call[i].args.gradients) svf_add_gradients(&plan->call[i], ith, plan->nth);
  }
  multiply_all(plan, 1, ith);
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
    if (svf_is_dense(call) || !svf_makes_y(call)) continue;
    if (call->product[1].maker != SVF_BY_STAGE) continue;
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
    default: make_second(p, ith); break;
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
