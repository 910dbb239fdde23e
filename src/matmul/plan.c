/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking the arguments, sizing the workspace and dividing the work. */
#include "src/matmul/plan.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"

/* --- Workspace: T, then a piece of scratch per part ------------------------------------------- */

typedef struct layout {
  size_t t, a; /* bytes, multiples of a cache line */
  size_t c;    /* floats, likewise */
  size_t bytes;
} layout;

/* A's bytes, checked. */
static bool a_bytes(const svf_kernel *kernel, size_t rows, size_t k, int planes, size_t *out)
{
  size_t lines, padded;
  return svf_size_round(k, (size_t)kernel->a_steps, &lines) &&
         svf_size_round(rows, (size_t)kernel->row_unit, &padded) &&
         svf_size_mul(lines / (size_t)kernel->a_steps, padded, out) &&
         svf_size_mul(*out, (size_t)planes * SVF_LINE, out);
}

/* All sizes grow with rows, whatever the division into parts will be. */
static bool lay_out(const svf_linear_header *h, const svf_kernel *kernel, size_t rows, size_t nth,
                    layout *out)
{
  const size_t widest = ((h->m > h->r ? h->m : h->r) + SVF_PANEL - 1) / SVF_PANEL;
  const size_t n = (size_t)h->n, chunk = svf_size_min(rows, SVF_CHUNK_ROWS);
  size_t t, whole, slice, c, piece, total;
  const int planes = svf_planes(kernel, (svf_format)h->format);
  if (!a_bytes(kernel, rows, (size_t)h->r, planes, &t)) return false;
  /* Packed X: one row block over all of n, or a chunk of blocks over one slice. */
  if (!a_bytes(kernel, svf_size_min(rows, (size_t)kernel->rows), n, 1, &whole)) return false;
  if (!a_bytes(kernel, chunk, svf_size_min(n, SVF_SLICE), 1, &slice)) return false;
  const size_t a = whole > slice ? whole : slice;
  if (!svf_size_mul(svf_rows_padded(kernel, chunk) * SVF_PANEL, widest, &c)) return false;
  c = svf_size_min(c, SVF_PARTIALS);
  if (!svf_size_add(a, c * sizeof(float), &piece) || !svf_size_mul(piece, nth, &piece) ||
      !svf_size_add(t, piece, &total)) {
    return false;
  }
  *out = (layout){t, a, c, total};
  return true;
}

/* --- Checks ----------------------------------------------------------------------------------- */

static svf_status check_call(const svf_matmul_args *args, size_t nth, const svf_kernel **kernel,
                             layout *space)
{
  if (!args) return svf_fail(SVF_ERR_NULL, "args is NULL");
  if (args->size != sizeof *args) {
    return svf_fail(SVF_ERR_VERSION, "args->size is %zu, this library expects %zu", args->size,
                    sizeof *args);
  }
  if (!args->linear) return svf_fail(SVF_ERR_NULL, "args->linear is NULL");
  svf_status status = svf_linear_check(args->linear, SIZE_MAX, 0);
  if (status != SVF_OK) return status;
  if (nth == 0) return svf_fail(SVF_ERR_ARGUMENT, "nth is 0; there is at least one part");
  const svf_linear_header *h = args->linear;
  status = svf_dispatch(args->isa, (svf_format)h->format, kernel);
  if (status != SVF_OK) return status;
  if (!lay_out(h, *kernel, args->rows, nth, space)) {
    return svf_fail(SVF_ERR_OVERFLOW, "rows = %zu, nth = %zu: the workspace exceeds SIZE_MAX",
                    args->rows, nth);
  }
  return SVF_OK;
}

/* |stride|, for PTRDIFF_MIN too. */
static size_t magnitude(ptrdiff_t stride)
{
  return stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride;
}

/* A caller's matrix: type, pointer, and the distance from its first to its last row. */
static svf_status check_matrix(const char *name, const void *data, svf_dtype type, ptrdiff_t stride,
                               size_t rows, size_t width)
{
  const size_t size = svf_dtype_size(type);
  size_t span;
  if (size == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->%s_type is %d, which is no element type", name,
                    (int)type);
  }
  if (!data) return svf_fail(SVF_ERR_NULL, "args->%s is NULL with rows = %zu", name, rows);
  if ((uintptr_t)data % size != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "args->%s is at %p, not aligned to its %s elements", name,
                    data, svf_dtype_name(type));
  }
  const size_t step = magnitude(stride);
  if (!svf_size_mul(rows - 1, step, &span) || !svf_size_add(span, width, &span) ||
      !svf_size_mul(span, size, &span) || span > PTRDIFF_MAX) {
    return svf_fail(SVF_ERR_OVERFLOW, "args->%s: %zu rows of stride %td exceed the address space",
                    name, rows, stride);
  }
  return SVF_OK;
}

static svf_status check_operands(const svf_matmul_args *args)
{
  const svf_linear_header *h = args->linear;
  if (args->flags & ~SVF_ACCUMULATE) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->flags is 0x%x, only SVF_ACCUMULATE is known",
                    args->flags);
  }
  if (args->rows == 0) return SVF_OK;
  const svf_status status =
      check_matrix("x", args->x, args->x_type, args->x_stride, args->rows, (size_t)h->n);
  if (status != SVF_OK) return status;
  if (args->rows > 1 && magnitude(args->y_stride) < h->m) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->y_stride is %td, its rows of m = %zu would overlap",
                    args->y_stride, (size_t)h->m);
  }
  if ((uintptr_t)args->bias % sizeof(float) != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "args->bias is at %p, not aligned to fp32",
                    (const void *)args->bias);
  }
  return check_matrix("y", args->y, args->y_type, args->y_stride, args->rows, (size_t)h->m);
}

/* --- Division ----------------------------------------------------------------------------------
 */

static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

/* Cells of the grid should be equally large first; then weights should be read by few parts, but
 * rows packed by few parts too, and T stay in the cache of the core that wrote it. Costs are in
 * cycles per step of k on a wide machine: half a cycle per row and panel, one to take a line of
 * weights through the cache, a third to pack a value of X, a half to fetch one of T from another
 * core. `before`: the stage that made the rows, NULL if they are X. */
static void divide(svf_stage *stage, const svf_stage *before, size_t blocks, size_t block_rows,
                   size_t nth)
{
  double best = 0;
  for (size_t row_parts = 1; row_parts <= nth && row_parts <= blocks; ++row_parts) {
    if (nth % row_parts != 0) continue;
    const size_t panel_parts = nth / row_parts;
    const double rows = (double)(ceil_div(blocks, row_parts) * block_rows);
    const double panels = (double)ceil_div(stage->panels, panel_parts);
    const double chunks = (double)ceil_div((size_t)rows, SVF_CHUNK_ROWS);
    const bool own = before && before->row_parts == nth && row_parts == nth;
    const double a = before ? (own ? 0 : rows / 2) : rows / 3;
    const double cost = 0.5 * rows * panels + chunks * panels + a;
    if (row_parts == 1 || cost < best) {
      best = cost;
      stage->row_parts = row_parts;
      stage->panel_parts = panel_parts;
    }
  }
}

static const char *section(const void *block, uint64_t offset)
{
  return (const char *)block + offset;
}

/* --- Public ------------------------------------------------------------------------------------
 */

svf_status svf_matmul_workspace(const svf_matmul_args *args, size_t nth, size_t *bytes)
{
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  const svf_kernel *kernel = NULL;
  layout space = {0};
  const svf_status status = check_call(args, nth, &kernel, &space);
  if (status == SVF_OK) *bytes = space.bytes;
  return status;
}

svf_status svf_matmul_plan(svf_plan *plan, const svf_matmul_args *args, size_t nth, void *workspace,
                           size_t workspace_bytes)
{
  if (!plan) return svf_fail(SVF_ERR_NULL, "plan is NULL");
  const svf_kernel *kernel = NULL;
  layout space = {0};
  svf_status status = check_call(args, nth, &kernel, &space);
  if (status == SVF_OK) status = check_operands(args);
  if (status != SVF_OK) return status;
  if (workspace_bytes < space.bytes) {
    return svf_fail(SVF_ERR_SPACE, "workspace has %zu bytes, rows = %zu in %zu parts need %zu",
                    workspace_bytes, args->rows, nth, space.bytes);
  }
  if (!workspace && space.bytes > 0) return svf_fail(SVF_ERR_NULL, "workspace is NULL");
  if ((uintptr_t)workspace % SVF_WORKSPACE_ALIGNMENT != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "workspace is at %p, not on a multiple of %d bytes",
                    workspace, SVF_WORKSPACE_ALIGNMENT);
  }

  const svf_linear_header *h = args->linear;
  const svf_format format = (svf_format)h->format;
  svf_plan_data p = {
      .args = *args, .kernel = kernel, .format = format, .sigma = svf_linear_sigma(h)};
  p.stage[0] = (svf_stage){.weights = section(h, h->v_offset),
                           .panel_bytes = svf_panel_bytes(format, (size_t)h->n),
                           .k = (size_t)h->n,
                           .channels = (size_t)h->r,
                           .panels = ceil_div((size_t)h->r, SVF_PANEL)};
  p.stage[1] = (svf_stage){.weights = section(h, h->u_offset),
                           .panel_bytes = svf_panel_bytes(format, (size_t)h->r),
                           .k = (size_t)h->r,
                           .channels = (size_t)h->m,
                           .panels = ceil_div((size_t)h->m, SVF_PANEL)};
  p.blocks = ceil_div(args->rows, (size_t)kernel->rows);
  if (p.blocks > 0) {
    const size_t block_rows = ceil_div(args->rows, p.blocks);
    divide(&p.stage[0], NULL, p.blocks, block_rows, nth);
    divide(&p.stage[1], &p.stage[0], p.blocks, block_rows, nth);
  }
  p.t = workspace;
  p.scratch = p.t ? p.t + space.t : NULL;
  p.scratch_a = space.a;
  p.scratch_c = space.c;
  memcpy(plan, &p, sizeof p);
  return SVF_OK;
}
