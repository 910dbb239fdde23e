/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking the arguments and sizing the workspace. */
#include "src/matmul/plan.h"

#include <string.h>

#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"

/* --- Workspace -------------------------------------------------------------------------------- */

/* In this order: A of X, A of T, T in fp32; then of every part the partial sums, an A of its own and
 * its widened weights. */
typedef struct workspace_sizes {
  size_t x, t, t32; /* bytes, multiples of a cache line */
  size_t c;         /* floats, likewise */
  size_t own, room; /* bytes, likewise */
  size_t bytes;
} workspace_sizes;

/* A's bytes, checked, in whole cache lines. */
static bool a_bytes(const svf_kernel *kernel, size_t rows, size_t k, int planes, size_t split_k,
                    size_t *out)
{
  enum { MOST = 4 }; /* bytes of A per step and row, header included */
  size_t steps, padded, most;
  return svf_size_round(k, SVF_BLOCK, &steps) && svf_size_add(steps, SVF_BLOCK, &steps) &&
         svf_size_round(rows, (size_t)kernel->row_unit, &padded) &&
         svf_size_mul(steps, padded, &most) && svf_size_mul(most, MOST, &most) &&
         svf_size_round(svf_a_split_bytes(kernel, padded, k, planes, split_k), SVF_LINE, out);
}

/* T as the first product leaves it where it does not make A. */
static bool t32_bytes(const svf_kernel *kernel, size_t rows, size_t r, size_t *out)
{
  *out = 0;
  if (!svf_format_integer(kernel->format)) return true;
  return svf_size_round(r, SVF_PANEL, out) && svf_size_mul(*out, rows, out) &&
         svf_size_mul(*out, sizeof(float), out);
}

/* Panels whose sums a part keeps: one row block has one tile of them at a time, or one block
 * of T. */
static size_t panels_kept(const svf_kernel *kernel, size_t rows, size_t widest)
{
  const size_t once = kernel->pack_sums ? SVF_BLOCK / SVF_PANEL : SVF_PANELS_MAX;
  return rows > (size_t)kernel->rows ? widest : svf_size_min(widest, once);
}

/* All sizes grow with rows, whatever the division into parts will be and where the kernel changes
 * with the number of rows, too: that happens within one row block. */
static bool size_workspace(const svf_linear_header *h, const svf_kernel *kernel, size_t rows,
                           size_t nth, workspace_sizes *out)
{
  const svf_format format = (svf_format)h->format;
  const size_t r = (size_t)h->r, widest = ((h->m > r ? h->m : r) + SVF_PANEL - 1) / SVF_PANEL;
  const size_t chunk = svf_size_min(rows, (size_t)kernel->blocking.rows);
  workspace_sizes l;
  size_t pieces;
  if (!a_bytes(kernel, rows, (size_t)h->n, svf_planes(kernel, format, false), 0, &l.x) ||
      !a_bytes(kernel, rows, r, svf_planes(kernel, format, true), (size_t)h->head, &l.t) ||
      !t32_bytes(kernel, rows, r, &l.t32) ||
      !svf_size_mul(svf_rows_padded(kernel, chunk) * SVF_PANEL, panels_kept(kernel, rows, widest),
                    &l.c)) {
    return false;
  }
  l.c = svf_size_min(l.c, (size_t)kernel->blocking.sums);
  l.own = svf_size_min(svf_size_max(l.x, l.t), SVF_A_OWN);
  l.room = svf_room(kernel, rows);
  if (!svf_size_mul(l.c * sizeof(float) + l.own + l.room, nth, &pieces) ||
      !svf_size_add(l.x, l.t, &l.bytes) || !svf_size_add(l.bytes, l.t32, &l.bytes) ||
      !svf_size_add(l.bytes, pieces, &l.bytes)) {
    return false;
  }
  *out = l;
  return true;
}

/* --- Checks ----------------------------------------------------------------------------------- */

static svf_status check_matmul_call(const svf_matmul_args *args, size_t nth,
                                    const svf_kernel **kernel, const svf_kernel **head_kernel,
                                    workspace_sizes *space)
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
  status = svf_dispatch(args->isa, (svf_format)h->format, h->group, args->rows, kernel);
  if (status != SVF_OK) return status;
  /* Of the same ISA whatever the rows, since both read the same A. */
  status =
      svf_dispatch((*kernel)->isa, svf_parts_of(h, 0).format[0], h->group, SIZE_MAX, head_kernel);
  if (status != SVF_OK) return status;
  if (!size_workspace(h, *kernel, args->rows, nth, space)) {
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
  if (args->flags & ~SVF_MATMUL_ACCUMULATE) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->flags is 0x%x, only SVF_MATMUL_ACCUMULATE is known",
                    args->flags);
  }
  if (args->gains && h->r == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->gains is given, but the layer is dense and has none");
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

static const char *packed_section(const void *block, uint64_t offset)
{
  return (const char *)block + offset;
}

/* --- Public ----------------------------------------------------------------------------------- */

svf_status svf_matmul_workspace(const svf_matmul_args *args, size_t nth, size_t *bytes)
{
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  const svf_kernel *kernel = NULL, *head_kernel = NULL;
  workspace_sizes space = {0};
  const svf_status status = check_matmul_call(args, nth, &kernel, &head_kernel, &space);
  if (status == SVF_OK) *bytes = space.bytes;
  return status;
}

svf_status svf_matmul_plan(svf_plan *plan, const svf_matmul_args *args, size_t nth, void *workspace,
                           size_t workspace_bytes)
{
  if (!plan) return svf_fail(SVF_ERR_NULL, "plan is NULL");
  const svf_kernel *kernel = NULL, *head_kernel = NULL;
  workspace_sizes space = {0};
  svf_status status = check_matmul_call(args, nth, &kernel, &head_kernel, &space);
  if (status == SVF_OK) status = check_operands(args);
  if (status != SVF_OK) return status;
  if (workspace_bytes < space.bytes) {
    return svf_fail(SVF_ERR_SPACE, "workspace has %zu bytes, rows = %zu in %zu parts need %zu",
                    workspace_bytes, args->rows, nth, space.bytes);
  }
  if (!workspace && space.bytes > 0) return svf_fail(SVF_ERR_NULL, "workspace is NULL");
  if ((uintptr_t)workspace % SVF_MATMUL_WORKSPACE_ALIGNMENT != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "workspace is at %p, not on a multiple of %d bytes",
                    workspace, SVF_MATMUL_WORKSPACE_ALIGNMENT);
  }

  const svf_linear_header *h = args->linear;
  const svf_format format = (svf_format)h->format;
  svf_plan_data p = {.args = *args,
                     .kernel = kernel,
                     .head_kernel = head_kernel,
                     .format = format,
                     .distance = svf_fetch_distance(),
                     .sigma = svf_linear_sigma(h)};
  if (args->rows == 1)
    p.args.x_stride = p.args.y_stride = 0; /* any value is allowed, none is used */
  p.nth = nth;
  p.x_product = h->r > 0 ? 0 : 1;
  p.blocks = svf_size_ceil(args->rows, (size_t)kernel->rows);
  char *at = workspace;
  for (int i = 0; i < 2; ++i) {
    const size_t k = svf_product_k(h, i), channels = svf_product_channels(h, i);
    p.product[i] = (svf_product){.a = i == p.x_product ? workspace : at,
                                 .a_planes = svf_planes(kernel, format, i > p.x_product),
                                 .weights = packed_section(h, i ? h->u_offset : h->v_offset),
                                 .parts = svf_parts_of(h, i),
                                 .k = k,
                                 .channels = channels,
                                 .panels = svf_size_ceil(channels, SVF_PANEL)};
    at = at ? at + (i ? space.t : space.x) : NULL;
  }
  p.t = (float *)(void *)at;
  p.t_stride = p.product[0].panels * SVF_PANEL;
  p.c = at ? (float *)(void *)(at + space.t32) : NULL;
  p.c_floats = space.c;
  p.own = p.c ? (char *)(p.c + nth * space.c) : NULL;
  p.own_bytes = space.own;
  p.room = p.own ? p.own + nth * space.own : NULL;
  p.room_bytes = space.room;
  if (p.blocks > 0) svf_divide(&p, space.x, space.t);
  memcpy(plan, &p, sizeof p);
  return SVF_OK;
}
