/* SPDX-License-Identifier: Apache-2.0
 *
 * Dividing the work: the grid of a product, and who makes which A. */
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

size_t svf_first_panel(const svf_product *p, size_t panel_part)
{
  if (!p->whole_blocks) return svf_share(p->panels, p->panel_parts, panel_part);
  const size_t head = p->parts.split_panel, before = head_blocks(p);
  const size_t b = svf_share(before + rest_blocks(p), p->panel_parts, panel_part);
  if (b < before) return b * BLOCK_PANELS;
  return svf_size_min(head + (b - before) * BLOCK_PANELS, p->panels);
}

static double ceil_of(double x) { return x > (double)(size_t)x ? (double)(size_t)x + 1 : x; }

/* Cells of the grid should be equally large first; then few lines should come from beyond L2. Costs
 * are in cycles per step of k on a wide machine: the kernel's for a row and panel, eight for a line
 * of weights, once per chunk of rows, or of A, once per pass over panels, the first one apart where
 * A was written row block after row block by the same parts (`own`). */
static void divide(svf_product *p, const svf_kernel *kernel, bool own, size_t blocks,
                   size_t block_rows, size_t nth)
{
  double best = 0;
  for (size_t row_parts = 1; row_parts <= nth && row_parts <= blocks; ++row_parts) {
    if (nth % row_parts != 0) continue;
    const size_t panel_parts = nth / row_parts;
    const double rows = (double)(svf_size_ceil(blocks, row_parts) * block_rows);
    const double panels = (double)svf_size_ceil(p->panels, panel_parts);
    const double most = kernel->blocking.rows, chunks = ceil_of(rows / most);
    const double sums = (rows < most ? rows : most) * panels * SVF_PANEL;
    const double passes = ceil_of(sums / kernel->blocking.sums);
    const double weights = chunks * panels * (double)p->parts.stride[1] / SVF_LINE / (double)p->k;
    const double lines = kernel->a_lines[p->a_planes] * rows / kernel->a_steps;
    const double a = lines * (own && row_parts == nth ? passes - 1 : passes);
    const double cost = kernel->cycles * rows * panels * p->a_planes + 8 * (weights + a);
    if (row_parts == 1 || cost < best) {
      best = cost;
      p->row_parts = row_parts;
      p->panel_parts = panel_parts;
    }
  }
}

/* Who makes the A of a product, of so many bytes, that cannot have it as it is. */
static svf_maker maker_of(size_t bytes) { return bytes <= SVF_A_OWN ? SVF_BY_PART : SVF_BY_STAGE; }

/* Blocks of T are left whole if no part gets much more than it would otherwise. */
static bool has_whole_blocks(const svf_product *p)
{
  const size_t blocks = svf_size_ceil(head_blocks(p) + rest_blocks(p), p->panel_parts);
  const size_t most = svf_size_min(blocks * BLOCK_PANELS, p->panels);
  const size_t least = svf_size_ceil(p->panels, p->panel_parts);
  return most <= least + least / 32;
}

void svf_divide(svf_plan_data *p, size_t x_bytes, size_t t_bytes)
{
  const svf_matmul_args *args = &p->args;
  const size_t block_rows = svf_size_ceil(args->rows, p->blocks);
  svf_product *first = &p->product[0], *second = &p->product[1];
  const bool is_a = args->rows == 1 && args->x_type == SVF_DTYPE_F32 && p->kernel->reads_f32;
  p->product[p->x_product].maker = is_a ? SVF_BY_CALLER : maker_of(x_bytes);
  if (p->x_product == 0) {
    divide(first, p->kernel, true, p->blocks, block_rows, p->nth);
    first->whole_blocks = p->kernel->pack_sums && has_whole_blocks(first);
    const bool at_once = !p->kernel->pack_sums || first->whole_blocks;
    second->maker = at_once ? SVF_BY_PRODUCT : maker_of(t_bytes);
  }
  if (second->maker == SVF_BY_PRODUCT) p->t = NULL;
  const bool own = second->maker != SVF_BY_PRODUCT || first->row_parts == p->nth;
  divide(second, p->kernel, own, p->blocks, block_rows, p->nth);
}
