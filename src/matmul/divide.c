/* SPDX-License-Identifier: Apache-2.0
 *
 * Dividing the work: the grids of both products, and who makes which A. */
#include "src/matmul/plan.h"

enum { BLOCK_PANELS = SVF_BLOCK / SVF_PANEL };

/* Blocks of T in the panels of its head, or behind it. */
static size_t head_blocks(const svf_product *p)
{
  return svf_size_ceil(p->parts.split_panel, BLOCK_PANELS);
}

static size_t rest_blocks(const svf_product *p)
{
  return svf_size_ceil(p->panels - p->parts.split_panel, BLOCK_PANELS);
}

size_t svf_first_panel(const svf_grid *grid, const svf_product *p, size_t panel_part)
{
  const size_t start = svf_share(grid->cost, grid->panel_parts, panel_part);
  if (start <= p->before) return 0;
  const size_t unit = svf_size_min((start - p->before + p->cost / 2) / p->cost, p->units);
  if (!p->whole_blocks) return unit;
  const size_t head = p->parts.split_panel, before = head_blocks(p);
  if (unit < before) return unit * BLOCK_PANELS;
  return svf_size_min(head + (unit - before) * BLOCK_PANELS, p->panels);
}

/* --- The grid --------------------------------------------------------------------------------- */

static double ceil_of(double x) { return x > (double)(size_t)x ? (double)(size_t)x + 1 : x; }

/* About what a panel costs, in cycles on a wide machine: the kernel's for a row and step, eight for
 * a line of weights, once per chunk of rows. */
static double panel_cost(const svf_call *call, const svf_product *p, double rows)
{
  const double chunks = ceil_of(rows / call->kernel->blocking.rows);
  return call->kernel->cycles * rows * p->a_planes * (double)p->k +
         8 * chunks * (double)p->parts.stride[1] / SVF_LINE;
}

/* And A, which is read line by line once per pass over `panels` panels, the first pass apart where
 * it was written row block after row block by the same parts (`own`). */
static double a_cost(const svf_call *call, const svf_product *p, double rows, double panels,
                     bool own)
{
  const svf_kernel *kernel = call->kernel;
  const double chunk = rows < kernel->blocking.rows ? rows : kernel->blocking.rows;
  const double passes = ceil_of(chunk * panels * SVF_PANEL / kernel->blocking.sums);
  const double lines = kernel->a_lines[p->a_planes] * rows / kernel->a_steps * (double)p->k;
  return 8 * lines * (own ? passes - 1 : passes);
}

/* Rows of a cell, which has whole row blocks. */
static double cell_rows(const svf_call *call, size_t row_parts)
{
  const size_t block_rows = svf_size_ceil(call->args.rows, call->blocks);
  return (double)(svf_size_ceil(call->blocks, row_parts) * block_rows);
}

/* Whether the parts that multiply by A wrote it themselves, if they are divided by rows alone. */
static bool wrote_a(const svf_plan_data *plan, const svf_product *p, int product)
{
  return product == 0 || p->maker != SVF_BY_PRODUCT || plan->grid[0].row_parts == plan->nth;
}

/* What a cell costs that has this share of all panels. */
static double cell_cost(const svf_plan_data *plan, int product, size_t row_parts, double share)
{
  double cost = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    const svf_product *p = &call->product[product];
    if (!svf_has_product(call, product)) continue;
    const double rows = cell_rows(call, row_parts), panels = (double)p->panels * share;
    const bool own = row_parts == plan->nth && wrote_a(plan, p, product);
    cost += panels * panel_cost(call, p, rows) + a_cost(call, p, rows, panels, own);
  }
  return cost;
}

/* Cells of the grid should be equally large first; then few lines should come from beyond L2. */
static void choose_grid(svf_plan_data *plan, int product)
{
  svf_grid *grid = &plan->grid[product];
  size_t panels = 0, most = plan->nth;
  double best = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    const svf_call *call = &plan->call[i];
    if (!svf_has_product(call, product)) continue;
    panels += call->product[product].panels;
    most = svf_size_min(most, call->blocks);
  }
  grid->row_parts = 1;
  for (size_t row_parts = 1; most > 1 && row_parts <= most; ++row_parts) {
    if (plan->nth % row_parts != 0) continue;
    const size_t widest = svf_size_ceil(panels, plan->nth / row_parts);
    const double cost = cell_cost(plan, product, row_parts, (double)widest / (double)panels);
    if (row_parts > 1 && cost >= best) continue;
    best = cost;
    grid->row_parts = row_parts;
  }
  grid->panel_parts = plan->nth / grid->row_parts;
}

/* --- Its columns ------------------------------------------------------------------------------ */

/* Costs of the panels of several calls, to be compared with one another. */
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
        panel_cost(call, &call->product[product], cell_rows(call, plan->grid[product].row_parts));
    most = cost[i] > most ? cost[i] : most;
  }
  for (size_t i = 0; i < plan->count; ++i) {
    plan->call[i].product[product].cost = 1 + (size_t)(cost[i] / most * MOST);
  }
}

/* Panels become units, 16 of them one where they are left together: the cost of a column, about. */
static size_t set_units(svf_plan_data *plan, int product, bool whole)
{
  svf_grid *grid = &plan->grid[product];
  size_t most = 1;
  grid->cost = 0;
  for (size_t i = 0; i < plan->count; ++i) {
    svf_call *call = &plan->call[i];
    svf_product *p = &call->product[product];
    if (!svf_has_product(call, product)) continue;
    const size_t panel = p->whole_blocks ? p->cost / BLOCK_PANELS : p->cost;
    p->whole_blocks = whole && call->kernel->pack_sums;
    p->units = p->whole_blocks ? head_blocks(p) + rest_blocks(p) : p->panels;
    p->cost = p->whole_blocks ? panel * BLOCK_PANELS : panel;
    p->before = grid->cost;
    grid->cost += p->units * p->cost;
    most = svf_size_max(most, p->cost);
  }
  return svf_size_ceil(svf_size_ceil(grid->cost, grid->panel_parts), most) * most;
}

/* Blocks of T are left whole if no part gets much more than it would otherwise. */
static void leave_whole(svf_plan_data *plan)
{
  const size_t least = set_units(plan, 0, false), all = plan->grid[0].cost;
  const size_t most = svf_size_min(set_units(plan, 0, true), all);
  if (most > least + least / 32) set_units(plan, 0, false);
}

/* --- Makers ----------------------------------------------------------------------------------- */

/* Who makes the A of a product, of so many bytes, that cannot have it as it is. */
static svf_maker maker_of(size_t bytes) { return bytes <= SVF_A_OWN ? SVF_BY_PART : SVF_BY_STAGE; }

void svf_choose_x_maker(svf_call *call, size_t x_bytes)
{
  const svf_matmul_args *args = &call->args;
  const bool is_a = args->rows == 1 && args->x_type == SVF_DTYPE_F32 && call->kernel->reads_f32;
  call->product[call->x_product].maker = is_a ? SVF_BY_CALLER : maker_of(x_bytes);
}

static void choose_t_maker(svf_call *call, size_t t_bytes)
{
  const bool at_once = !call->kernel->pack_sums || call->product[0].whole_blocks;
  if (svf_is_dense(call)) return;
  call->product[1].maker = at_once ? SVF_BY_PRODUCT : maker_of(t_bytes);
  if (at_once) call->t = NULL;
}

void svf_divide(svf_plan_data *plan, const size_t *t_bytes)
{
  bool factored = false;
  for (size_t i = 0; i < plan->count; ++i) factored = factored || !svf_is_dense(&plan->call[i]);
  if (factored) {
    choose_grid(plan, 0);
    compare_panels(plan, 0);
    leave_whole(plan);
  }
  for (size_t i = 0; i < plan->count; ++i) choose_t_maker(&plan->call[i], t_bytes[i]);
  choose_grid(plan, 1);
  compare_panels(plan, 1);
  set_units(plan, 1, false);
}
