/* SPDX-License-Identifier: Apache-2.0
 *
 * Divides the work: the grids of both products, and who makes which A. */
#include "src/matmul/call.h"

enum { SPAN_PANELS = SVF_SPAN / SVF_PANEL };

/* Spans of T in the panels of the head, or in those of the tail. */
static size_t head_spans(const svf_product *p)
{
  return svf_size_ceil(p->bands.cut_panel, SPAN_PANELS);
}

static size_t tail_spans(const svf_product *p)
{
  return svf_size_ceil(p->panels - p->bands.cut_panel, SPAN_PANELS);
}

size_t svf_first_panel(const svf_grid *grid, const svf_product *p, size_t panel_share)
{
  const size_t start = svf_share(grid->cost, grid->panel_shares, panel_share);
  if (start <= p->before) return 0;
  const size_t unit = svf_size_min((start - p->before + p->cost / 2) / p->cost, p->units);
  if (!p->whole_spans) return unit;
  const size_t head = p->bands.cut_panel, before = head_spans(p);
  if (unit < before) return unit * SPAN_PANELS;
  return svf_size_min(head + (unit - before) * SPAN_PANELS, p->panels);
}

/* --- The grid --------------------------------------------------------------------------------- */

static double ceil_of(double x) { return x > (double)(size_t)x ? (double)(size_t)x + 1 : x; }

/* Roughly what a panel costs, in cycles on a wide machine: kernel->cycles for each row and step,
 * and eight for each line of weights, once per chunk of rows. */
static double panel_cost(const svf_call *call, const svf_product *p, double rows)
{
  const double chunks = ceil_of(rows / call->kernel->blocking.rows);
  return call->kernel->cycles * rows * p->a_planes * (double)p->k +
         8 * chunks * (double)p->bands.stride[1] / SVF_LINE;
}

/* What A costs, which is read line by line once per pass over `panels` panels. The first pass is
 * free where the same share wrote A (`own`). */
static double a_cost(const svf_call *call, const svf_product *p, double rows, double panels,
                     bool own)
{
  const svf_kernel *kernel = call->kernel;
  const double chunk = rows < kernel->blocking.rows ? rows : kernel->blocking.rows;
  const double passes = ceil_of(chunk * panels * SVF_PANEL / kernel->blocking.sums);
  const double lines = kernel->a_lines[p->a_planes] * rows / kernel->a_steps * (double)p->k;
  return 8 * lines * (own ? passes - 1 : passes);
}

/* Rows of a cell, which has whole strips. */
static double cell_rows(const svf_call *call, size_t row_shares)
{
  const size_t strip_rows = svf_size_ceil(call->args.rows, call->strips);
  return (double)(svf_size_ceil(call->strips, row_shares) * strip_rows);
}

/* True if the shares that multiply by A wrote it themselves, given that they are divided by rows
 * alone. */
static bool wrote_a(const svf_plan_data *plan, const svf_product *p, int product)
{
  return product == 0 || p->maker != SVF_BY_PRODUCT || plan->grid[0].row_shares == plan->nth;
}

/* What a cell costs that has this fraction of all panels. */
static double cell_cost(const svf_plan_data *plan, int product, size_t row_shares, double fraction)
{
  double cost = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    const svf_product *p = &call->product[product];
    if (!svf_has_product(call, product)) continue;
    const double rows = cell_rows(call, row_shares), panels = (double)p->panels * fraction;
    const bool own = row_shares == plan->nth && wrote_a(plan, p, product);
    cost += panels * panel_cost(call, p, rows) + a_cost(call, p, rows, panels, own);
  }
  return cost;
}

/* Chooses the grid of least cost: equally large cells, and few lines that come from beyond L2. */
static void choose_grid(svf_plan_data *plan, int product)
{
  svf_grid *grid = &plan->grid[product];
  size_t panels = 0, most = plan->nth;
  double best = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (!svf_has_product(call, product)) continue;
    panels += call->product[product].panels;
    most = svf_size_min(most, call->strips);
  }
  grid->row_shares = 1;
  for (size_t row_shares = 1; most > 1 && row_shares <= most; ++row_shares) {
    if (plan->nth % row_shares != 0) continue;
    const size_t widest = svf_size_ceil(panels, plan->nth / row_shares);
    const double cost = cell_cost(plan, product, row_shares, (double)widest / (double)panels);
    if (row_shares > 1 && cost >= best) continue;
    best = cost;
    grid->row_shares = row_shares;
  }
  grid->panel_shares = plan->nth / grid->row_shares;
}

/* --- Its columns ------------------------------------------------------------------------------ */

/* Sets the costs of the panels of several calls, relative to one another. */
static void compare_panels(svf_plan_data *plan, int product)
{
  enum { MOST = 1 << 12 };
  double cost[SVF_MATMUL_GROUP_MAX] = {0}, most = 0;
  plan->call[0].product[product].cost = 1;
  if (plan->count == 1) return;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (!svf_has_product(call, product)) continue;
    cost[i] =
        panel_cost(call, &call->product[product], cell_rows(call, plan->grid[product].row_shares));
    most = cost[i] > most ? cost[i] : most;
  }
  for (size_t i = 0; i < plan->count; ++i) {
    plan->call[i].product[product].cost = 1 + (size_t)(cost[i] / most * MOST);
  }
}

/* Makes units of panels, one of 16 panels where spans of T are left whole. Returns roughly what a
 * column of the grid costs. */
static size_t set_units(svf_plan_data *plan, int product, bool whole)
{
  svf_grid *grid = &plan->grid[product];
  size_t most = 1;
  grid->cost = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    svf_call *call = &plan->call[i];
    svf_product *p = &call->product[product];
    if (!svf_has_product(call, product)) continue;
    const size_t panel = p->whole_spans ? p->cost / SPAN_PANELS : p->cost;
    p->whole_spans = whole && call->kernel->pack_sums;
    p->units = p->whole_spans ? head_spans(p) + tail_spans(p) : p->panels;
    p->cost = p->whole_spans ? panel * SPAN_PANELS : panel;
    p->before = grid->cost;
    grid->cost += p->units * p->cost;
    most = svf_size_max(most, p->cost);
  }
  return svf_size_ceil(svf_size_ceil(grid->cost, grid->panel_shares), most) * most;
}

/* Spans of T are left whole if no share becomes much larger than it would be otherwise. */
static void leave_whole(svf_plan_data *plan)
{
  const size_t least = set_units(plan, 0, false), all = plan->grid[0].cost;
  const size_t most = svf_size_min(set_units(plan, 0, true), all);
  if (most > least + least / 32) set_units(plan, 0, false);
}

/* --- Makers ----------------------------------------------------------------------------------- */

/* Who makes an A of this many bytes, if it does not come about otherwise. */
static svf_maker maker_of(size_t bytes) { return bytes <= SVF_A_OWN ? SVF_BY_SHARE : SVF_BY_STAGE; }

void svf_choose_x_maker(svf_call *call, size_t x_bytes)
{
  const svf_matmul_args *args = &call->args;
  const bool is_a = args->rows == 1 && args->x_type == SVF_DTYPE_F32 && call->kernel->reads_f32;
  call->product[call->x_product].maker = is_a ? SVF_BY_CALLER : maker_of(x_bytes);
}

static void choose_t_maker(svf_call *call, size_t t_bytes)
{
  const bool at_once = !call->kernel->pack_sums || call->product[0].whole_spans;
  if (svf_is_dense(call)) return;
  call->product[1].maker = at_once ? SVF_BY_PRODUCT : maker_of(t_bytes);
  if (at_once) call->t = NULL;
}

static bool any_has(const svf_plan_data *plan, int product)
{
  for (size_t i = 0; i < plan->count; ++i) {
    if (svf_has_product(&plan->call[i], product)) return true;
  }
  return false;
}

void svf_divide(svf_plan_data *plan, const size_t *t_bytes)
{
  if (any_has(plan, 0)) {
    choose_grid(plan, 0);
    compare_panels(plan, 0);
    leave_whole(plan);
  }
  for (size_t i = 0; i < plan->count; ++i) choose_t_maker(&plan->call[i], t_bytes[i]);
  if (!any_has(plan, 1)) return;
  choose_grid(plan, 1);
  compare_panels(plan, 1);
  set_units(plan, 1, false);
}
