/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks the arguments of a call or of a group, and sizes the workspace. */
#include "src/matmul/call.h"

#include <string.h>

#include "src/core/check.h"
#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/linear/block.h"

/* --- Workspace -------------------------------------------------------------------------------- */

/* The order of things in the workspace: A of X, A of T and T in fp32 of every call; then the
 * partial sums of every share, an A of its own for each, and its widened weights. What a share has
 * is sized for the call that needs most. */
typedef struct workspace_sizes {
  size_t x, t, t32; /* bytes, multiples of a cache line */
  size_t c;         /* floats, whole cache lines */
  size_t own, room; /* bytes, whole cache lines */
} workspace_sizes;

/* The bytes of an A in whole cache lines; false if they exceed SIZE_MAX. */
static bool a_bytes(const svf_kernel *kernel, size_t rows, size_t k, int planes, size_t cut_k,
                    size_t *out)
{
  enum { STEP_BYTES = 4 }; /* bytes of A per step and row, header included */
  size_t steps, padded, most;
  return svf_size_round(k, SVF_SPAN, &steps) && svf_size_add(steps, SVF_SPAN, &steps) &&
         svf_size_round(rows, (size_t)kernel->row_unit, &padded) &&
         svf_size_mul(steps, padded, &most) && svf_size_mul(most, STEP_BYTES, &most) &&
         svf_size_round(svf_a_cut_bytes(kernel, padded, k, planes, cut_k), SVF_LINE, out);
}

/* The bytes of T in fp32, as the first product leaves it where it does not make A. */
static bool t32_bytes(const svf_kernel *kernel, size_t rows, size_t r, size_t *out)
{
  *out = 0;
  if (!svf_kernel_integer(kernel)) return true;
  return svf_size_round(r, SVF_PANEL, out) && svf_size_mul(*out, rows, out) &&
         svf_size_mul(*out, sizeof(float), out);
}

/* Panels whose sums a share keeps: a single strip has one tile of them at a time, or one span
 * of T. */
static size_t panels_kept(const svf_kernel *kernel, size_t rows, size_t widest)
{
  const size_t once = kernel->pack_sums ? SVF_SPAN / SVF_PANEL : SVF_PANELS_MAX;
  return rows > (size_t)kernel->rows ? widest : svf_size_min(widest, once);
}

/* All sizes grow with rows, however the work is divided into shares. They also do where the kernel
 * changes with the number of rows, which happens within one strip. */
static bool size_workspace(const svf_linear_header *h, const svf_kernel *kernel, size_t rows,
                           workspace_sizes *out)
{
  const svf_format format = (svf_format)h->format;
  const size_t r = (size_t)h->r, widest = ((h->m > r ? h->m : r) + SVF_PANEL - 1) / SVF_PANEL;
  const size_t chunk = svf_size_min(rows, (size_t)kernel->blocking.rows);
  if (!a_bytes(kernel, rows, (size_t)h->n, svf_planes(kernel, format, false), 0, &out->x) ||
      !a_bytes(kernel, rows, r, svf_planes(kernel, format, true), (size_t)h->head, &out->t) ||
      !t32_bytes(kernel, rows, r, &out->t32) ||
      !svf_size_mul(svf_rows_padded(kernel, chunk) * SVF_PANEL, panels_kept(kernel, rows, widest),
                    &out->c)) {
    return false;
  }
  out->c = svf_size_min(out->c, (size_t)kernel->blocking.sums);
  out->own = svf_size_min(svf_size_max(out->x, out->t), SVF_A_OWN);
  out->room = svf_room(kernel, rows);
  return true;
}

/* The bytes of a whole workspace, which may lie at any address, and in `most` those that a share
 * needs. Every call has room for a layout of X of its own, since whether it reads another call's
 * changes with rows. */
static bool add_up(const workspace_sizes *space, size_t count, size_t nth, workspace_sizes *most,
                   size_t *bytes)
{
  size_t shares;
  *most = (workspace_sizes){0};
  *bytes = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!svf_size_add(*bytes, space[i].x, bytes) || !svf_size_add(*bytes, space[i].t, bytes) ||
        !svf_size_add(*bytes, space[i].t32, bytes)) {
      return false;
    }
    most->c = svf_size_max(most->c, space[i].c);
    most->own = svf_size_max(most->own, space[i].own);
    most->room = svf_size_max(most->room, space[i].room);
  }
  return svf_size_mul(most->c * sizeof(float) + most->own + most->room, nth, &shares) &&
         svf_size_add(*bytes, shares, bytes) &&
         (*bytes == 0 || svf_size_add(*bytes, SVF_LINE, bytes));
}

/* --- Checks ----------------------------------------------------------------------------------- */

/* Checks the packed block and chooses the kernels that compute with it. */
static svf_status choose_kernels(svf_call *call, const svf_linear_header *h)
{
  const svf_matmul_args *args = &call->args;
  const svf_format_row *row = svf_format_of((svf_format)h->format);
  call->format = (svf_format)h->format;
  call->hi_lo = row->traits.hi_lo;
  call->x_product = h->r > 0 ? 0 : 1;
  for (int i = 0; i < 2; ++i) call->product[i].bands = svf_bands_of(h, i);
  const svf_status status =
      svf_dispatch(args->isa, row->traits.weights, h->group, args->rows, &call->kernel);
  call->head_kernel = call->kernel;
  if (status != SVF_OK || h->head == 0) return status;
  /* The same ISA, whatever the number of rows, since both kernels read the same A. */
  return svf_dispatch(call->kernel->isa, row->head, h->group, SIZE_MAX, &call->head_kernel);
}

/* Chooses the kernels of a call on a layer with this header, and sizes what it needs. */
static svf_status size_call(svf_call *call, const svf_linear_header *h, workspace_sizes *space)
{
  const svf_status status = choose_kernels(call, h);
  if (status != SVF_OK || size_workspace(h, call->kernel, call->args.rows, space)) return status;
  return svf_fail(SVF_ERR_OVERFLOW, "rows = %zu: the workspace exceeds SIZE_MAX", call->args.rows);
}

/* Reads a caller's arguments as this version's, and the header of its block. */
static svf_status read_call(const void *from, svf_call *call, svf_linear_header *h)
{
  const svf_status status = svf_struct_read("args", from, SVF_SIZE_TO(svf_matmul_args, isa),
                                            &call->args, sizeof call->args);
  if (status != SVF_OK) return status;
  if (!call->args.linear) return svf_fail(SVF_ERR_NULL, "args->linear is NULL");
  return svf_linear_read_header(call->args.linear, SIZE_MAX, h);
}

/* How messages call the members of what is compared, and the first one. */
typedef struct words {
  const char *prefix, *first;
} words;

static const words of_calls = {"args->", "calls[0]"}, of_shapes = {"", "shapes[0]"};

#define DIFFERS(what, format, x, y)                                                              \
  svf_fail(SVF_ERR_ARGUMENT, "%s" what " is " format ", %s has " format ": a group reads one X", \
           w->prefix, x, w->first, y)

/* Checks that a call of a group reads the same X as the first one. */
static svf_status check_agreement(const words *w, const svf_call *call, const svf_linear_header *h,
                                  const svf_call *first, const svf_linear_header *g)
{
  const svf_matmul_args *a = &call->args, *b = &first->args;
  if (a->rows != b->rows) return DIFFERS("rows", "%zu", a->rows, b->rows);
  if (h->n != g->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "n of its layer is %zu, %s has %zu: a group reads one X",
                    (size_t)h->n, w->first, (size_t)g->n);
  }
  if (a->x != b->x) return DIFFERS("x", "%p", a->x, b->x);
  if (a->x_type != b->x_type) {
    return DIFFERS("x_type", "%s", svf_dtype_name(a->x_type), svf_dtype_name(b->x_type));
  }
  if (a->x_stride != b->x_stride) return DIFFERS("x_stride", "%td", a->x_stride, b->x_stride);
  if (a->isa != b->isa) return DIFFERS("isa", "%s", svf_isa_name(a->isa), svf_isa_name(b->isa));
  return SVF_OK;
}

/* |stride|, also of PTRDIFF_MIN. */
static size_t magnitude(ptrdiff_t stride)
{
  return stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride;
}

/* Checks a matrix that is written, whose rows must not overlap. */
static svf_status check_output(const char *name, const void *data, svf_dtype type, ptrdiff_t stride,
                               size_t rows, const char *width_name, size_t width)
{
  if (rows > 1 && magnitude(stride) < width) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s_stride is %td, its rows of %s = %zu would overlap", name,
                    stride, width_name, width);
  }
  return svf_check_matrix(name, data, type, magnitude(stride), rows, width);
}

static svf_status check_y(const svf_matmul_args *args, size_t m)
{
  const svf_status status = svf_check_aligned("args->bias", args->bias, SVF_DTYPE_F32);
  if (status != SVF_OK) return status;
  return check_output("args->y", args->y, args->y_type, args->y_stride, args->rows, "m", m);
}

static svf_status check_t0(const svf_matmul_args *args, size_t r)
{
  if (!args->t0 && (args->flags & SVF_MATMUL_WITHOUT_Y)) {
    return svf_fail(SVF_ERR_NULL,
                    "args->t0 is NULL, but args->flags has SVF_MATMUL_WITHOUT_Y: nothing is made");
  }
  if (!args->t0) return SVF_OK;
  return check_output("args->t0", args->t0, SVF_DTYPE_F32, args->t0_stride, args->rows, "r", r);
}

static svf_status check_gradients(const svf_matmul_args *args, size_t r)
{
  if (!args->gradients) return SVF_OK;
  if (!args->t0 || !args->t0_forward) {
    return svf_fail(SVF_ERR_NULL, "args->%s is NULL, but args->gradients is given",
                    args->t0 ? "t0_forward" : "t0");
  }
  return svf_check_matrix("args->t0_forward", args->t0_forward, SVF_DTYPE_F32,
                          magnitude(args->t0_forward_stride), args->rows, r);
}

static svf_status check_operands(const svf_matmul_args *args, const svf_linear_header *h)
{
  if (args->flags & ~(SVF_MATMUL_ACCUMULATE | SVF_MATMUL_WITHOUT_Y)) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "args->flags is 0x%x, only SVF_MATMUL_ACCUMULATE and SVF_MATMUL_WITHOUT_Y are "
                    "known",
                    args->flags);
  }
  if ((args->flags & SVF_MATMUL_WITHOUT_Y) && h->r == 0) {
    return svf_fail(
        SVF_ERR_ARGUMENT,
        "args->flags has SVF_MATMUL_WITHOUT_Y, but the layer is dense: it makes Y only");
  }
  if (args->gains && h->r == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->gains is given, but the layer is dense and has none");
  }
  if (args->t0 && h->r == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->t0 is given, but the layer is dense and has no T");
  }
  if (args->rows == 0) return SVF_OK;
  svf_status status = svf_check_matrix("args->x", args->x, args->x_type, magnitude(args->x_stride),
                                       args->rows, (size_t)h->n);
  if (status != SVF_OK) return status;
  status = check_t0(args, (size_t)h->r);
  if (status == SVF_OK) status = check_gradients(args, (size_t)h->r);
  if (status != SVF_OK || (args->flags & SVF_MATMUL_WITHOUT_Y)) return status;
  return check_y(args, (size_t)h->m);
}

/* --- Groups ----------------------------------------------------------------------------------- */

/* The calls of a caller, checked and measured. */
typedef struct call_group {
  const svf_matmul_args *calls;
  size_t count, step, nth; /* step = 0: a single call, which messages call args */
  svf_linear_header header[SVF_MATMUL_GROUP_MAX]; /* copies: a block may lie at any address */
  workspace_sizes space[SVF_MATMUL_GROUP_MAX], most;
  size_t bytes;
} call_group;

static svf_status check_count(size_t count)
{
  if (count > 0 && count <= SVF_MATMUL_GROUP_MAX) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "count is %zu; a group has 1 to %d calls", count,
                  SVF_MATMUL_GROUP_MAX);
}

static svf_status open_group(const svf_matmul_args *calls, size_t count, size_t nth, call_group *g)
{
  *g = (call_group){.calls = calls, .count = count, .nth = nth};
  if (!calls) return svf_fail(SVF_ERR_NULL, "calls is NULL");
  const svf_status status = check_count(count);
  if (status != SVF_OK) return status;
  return svf_struct_step("calls", calls, count, SVF_SIZE_TO(svf_matmul_args, isa), &g->step);
}

static svf_status open_one(const svf_matmul_args *args, size_t nth, call_group *g)
{
  *g = (call_group){.calls = args, .count = 1, .nth = nth};
  return args ? SVF_OK : svf_fail(SVF_ERR_NULL, "args is NULL");
}

static svf_status in_call(const call_group *g, size_t i, svf_status status)
{
  return g->step > 0 ? svf_fail_at(status, "calls[%zu]", i) : status;
}

/* Adds up what all calls need, each of which has been sized. */
static svf_status sum_up(call_group *g, size_t rows)
{
  if (add_up(g->space, g->count, g->nth, &g->most, &g->bytes)) return SVF_OK;
  return svf_fail(SVF_ERR_OVERFLOW, "rows = %zu, nth = %zu: the workspace exceeds SIZE_MAX", rows,
                  g->nth);
}

static svf_status check_shares(const call_group *g)
{
  return g->nth > 0 ? SVF_OK : svf_fail(SVF_ERR_ARGUMENT, "nth is 0; there is at least one share");
}

static svf_status measure(call_group *g, svf_call *calls)
{
  svf_status status = check_shares(g);
  for (size_t i = 0; i < g->count && status == SVF_OK; ++i) {
    svf_linear_header *h = &g->header[i];
    status = read_call((const char *)g->calls + i * g->step, &calls[i], h);
    if (status == SVF_OK) status = size_call(&calls[i], h, &g->space[i]);
    if (status == SVF_OK && i > 0)
      status = check_agreement(&of_calls, &calls[i], h, calls, g->header);
    if (status != SVF_OK) return in_call(g, i, status);
  }
  return status == SVF_OK ? sum_up(g, calls[0].args.rows) : status;
}

static svf_status workspace_of(call_group *g, size_t *bytes)
{
  svf_call calls[SVF_MATMUL_GROUP_MAX];
  const svf_status status = measure(g, calls);
  if (status == SVF_OK) *bytes = g->bytes;
  return status;
}

static svf_status check_all(const call_group *g, const svf_call *calls, const void *workspace,
                            size_t bytes)
{
  for (size_t i = 0; i < g->count; ++i) {
    const svf_status status = check_operands(&calls[i].args, &g->header[i]);
    if (status != SVF_OK) return in_call(g, i, status);
  }
  if (bytes < g->bytes) {
    return svf_fail(SVF_ERR_SPACE, "workspace has %zu bytes, rows = %zu in %zu shares need %zu",
                    bytes, calls[0].args.rows, g->nth, g->bytes);
  }
  if (!workspace && g->bytes > 0) return svf_fail(SVF_ERR_NULL, "workspace is NULL");
  return SVF_OK;
}

/* --- Plans ------------------------------------------------------------------------------------ */

static bool same_a(const svf_call *x, const svf_call *y)
{
  const svf_kernel *a = x->kernel, *b = y->kernel;
  const int planes = x->product[x->x_product].a_planes;
  return a->pack_rows == b->pack_rows && a->rows == b->rows && a->row_unit == b->row_unit &&
         a->reads_f32 == b->reads_f32 && planes == y->product[y->x_product].a_planes &&
         a->a_steps == b->a_steps && a->a_lines[planes] == b->a_lines[planes];
}

/* Fills in everything but the division. The call's part of the workspace begins at `at`. */
static void fill_call(svf_call *call, const svf_linear_header *h, const workspace_sizes *space,
                      char *at)
{
  const svf_matmul_args *args = &call->args;
  const char *block = args->linear; /* NULL if only stages are asked for */
  if (args->rows == 1) {            /* any stride is allowed, none is used */
    call->args.x_stride = call->args.y_stride = 0;
    call->args.t0_stride = call->args.t0_forward_stride = 0;
  }
  call->sigma = block ? svf_linear_sigma(block) : NULL;
  call->strips = svf_size_ceil(args->rows, (size_t)call->kernel->rows);
  call->distance = svf_fetch_distance();
  call->c_floats = space->c;
  for (int i = 0; i < 2; ++i) {
    svf_product *p = &call->product[i];
    p->a = at && i > call->x_product ? at + space->x : at;
    p->a_planes = svf_planes(call->kernel, call->format, i > call->x_product);
    p->weights = block ? block + (i ? h->u_offset : h->v_offset) : NULL;
    p->k = svf_product_k(h, i);
    p->channels = svf_product_channels(h, i);
    p->panels = svf_size_ceil(p->channels, SVF_PANEL);
    p->whole_spans = false;
  }
  call->t = at ? (float *)(void *)(at + space->x + space->t) : NULL;
  call->t_stride = call->product[0].panels * SVF_PANEL;
}

/* Finds the call whose layout of X this one reads. */
static void share_x(svf_plan_data *p, size_t i)
{
  svf_call *call = &p->call[i];
  call->x_call = i;
  for (size_t j = 0; j < i && call->x_call == i; ++j) {
    if (p->call[j].x_call == j && same_a(&p->call[j], call)) call->x_call = j;
  }
  const svf_call *from = &p->call[call->x_call];
  call->product[call->x_product].a = from->product[from->x_product].a;
}

static void find_stages(svf_plan_data *p)
{
  memset(p->needed, 0, sizeof p->needed);
  for (size_t i = 0; i < p->count; ++i) {
    const svf_call *call = &p->call[i];
    if (call->strips == 0) continue;
    p->needed[SVF_STAGE_SECOND] |= svf_makes_y(call) || call->args.gradients;
    p->needed[SVF_STAGE_X] |= call->product[call->x_product].maker == SVF_BY_STAGE;
    if (svf_is_dense(call)) continue;
    p->needed[SVF_STAGE_FIRST] = true;
    p->needed[SVF_STAGE_T] |= svf_makes_y(call) && call->product[1].maker == SVF_BY_STAGE;
  }
}

static void fill_plan(svf_plan_data *p, const call_group *g, char *workspace)
{
  size_t t_bytes[SVF_MATMUL_GROUP_MAX];
  char *at = workspace ? svf_align(workspace, SVF_LINE) : NULL;
  p->nth = g->nth;
  p->count = g->count;
  for (size_t i = 0; i < g->count; ++i) {
    const workspace_sizes *space = &g->space[i];
    fill_call(&p->call[i], &g->header[i], space, at);
    share_x(p, i);
    if (p->call[i].strips > 0) svf_choose_x_maker(&p->call[i], space->x);
    t_bytes[i] = space->t;
    at = at ? at + space->x + space->t + space->t32 : NULL;
  }
  p->c = (float *)(void *)at;
  p->c_floats = g->most.c;
  p->own = at ? at + g->nth * g->most.c * sizeof(float) : NULL;
  p->own_bytes = g->most.own;
  p->room = at ? p->own + g->nth * g->most.own : NULL;
  p->room_bytes = g->most.room;
  if (p->call[0].strips > 0) svf_divide(p, t_bytes);
  find_stages(p);
}

static svf_status make_plan(svf_plan *plan, call_group *g, void *workspace, size_t bytes)
{
  svf_plan_data p;
  svf_status status = measure(g, p.call);
  if (status == SVF_OK) status = check_all(g, p.call, workspace, bytes);
  if (status != SVF_OK) return status;
  fill_plan(&p, g, workspace);
  memcpy(plan, &p, offsetof(svf_plan_data, call) + g->count * sizeof *p.call);
  return SVF_OK;
}

/* --- Without pointers ------------------------------------------------------------------------- */

/* Makes a call of a shape as if its arrays were there. */
static svf_status imagine_call(const svf_matmul_shape *shape, svf_call *call, svf_linear_header *h)
{
  svf_linear_source layer;
  if (!shape->layer) return svf_fail(SVF_ERR_NULL, "layer is NULL");
  const svf_status status = svf_linear_read_source(shape->layer, &layer);
  if (status != SVF_OK) return status;
  if (svf_dtype_size(shape->x_type) == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "x_type is %d, which is no element type", (int)shape->x_type);
  }
  call->args = (svf_matmul_args){
      .size = sizeof call->args, .rows = shape->rows, .x_type = shape->x_type, .isa = shape->isa};
  return svf_linear_layout(layer.m, layer.n, layer.r, layer.format, &layer.quant, h);
}

static svf_status imagine(const svf_matmul_shape *shapes, size_t step, call_group *g,
                          svf_plan_data *p)
{
  svf_status status = check_shares(g);
  for (size_t i = 0; i < g->count && status == SVF_OK; ++i) {
    svf_matmul_shape shape;
    status = svf_struct_read("shapes", (const char *)shapes + i * step,
                             SVF_SIZE_TO(svf_matmul_shape, isa), &shape, sizeof shape);
    if (status == SVF_OK) status = imagine_call(&shape, &p->call[i], &g->header[i]);
    if (status == SVF_OK) status = size_call(&p->call[i], &g->header[i], &g->space[i]);
    if (status == SVF_OK && i > 0) {
      status = check_agreement(&of_shapes, &p->call[i], &g->header[i], p->call, g->header);
    }
    if (status != SVF_OK) return svf_fail_at(status, "shapes[%zu]", i);
  }
  if (status == SVF_OK) status = sum_up(g, p->call[0].args.rows);
  if (status == SVF_OK) fill_plan(p, g, NULL);
  return status;
}

/* --- Public ----------------------------------------------------------------------------------- */

svf_status svf_matmul_workspace(const svf_matmul_args *args, size_t nth, size_t *bytes)
{
  call_group g;
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  const svf_status status = open_one(args, nth, &g);
  return status == SVF_OK ? workspace_of(&g, bytes) : status;
}

svf_status svf_matmul_group_workspace(const svf_matmul_args *calls, size_t count, size_t nth,
                                      size_t *bytes)
{
  call_group g;
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  const svf_status status = open_group(calls, count, nth, &g);
  return status == SVF_OK ? workspace_of(&g, bytes) : status;
}

svf_status svf_matmul_plan(svf_plan *plan, const svf_matmul_args *args, size_t nth, void *workspace,
                           size_t workspace_bytes)
{
  call_group g;
  if (!plan) return svf_fail(SVF_ERR_NULL, "plan is NULL");
  const svf_status status = open_one(args, nth, &g);
  return status == SVF_OK ? make_plan(plan, &g, workspace, workspace_bytes) : status;
}

svf_status svf_matmul_group_plan(svf_plan *plan, const svf_matmul_args *calls, size_t count,
                                 size_t nth, void *workspace, size_t workspace_bytes)
{
  call_group g;
  if (!plan) return svf_fail(SVF_ERR_NULL, "plan is NULL");
  const svf_status status = open_group(calls, count, nth, &g);
  return status == SVF_OK ? make_plan(plan, &g, workspace, workspace_bytes) : status;
}

svf_status svf_matmul_query(const svf_matmul_shape *shapes, size_t count, size_t nth,
                            svf_matmul_needs *needs)
{
  size_t step;
  svf_plan_data p;
  call_group g = {.count = count, .nth = nth};
  if (!shapes || !needs) return svf_fail(SVF_ERR_NULL, "%s is NULL", shapes ? "needs" : "shapes");
  svf_status status = check_count(count);
  if (status == SVF_OK) {
    status = svf_struct_step("shapes", shapes, count, SVF_SIZE_TO(svf_matmul_shape, isa), &step);
  }
  if (status == SVF_OK) status = imagine(shapes, step, &g, &p);
  if (status != SVF_OK) return status;
  svf_matmul_needs own = {.size = sizeof own, .workspace_bytes = g.bytes};
  for (int stage = 0; stage < SVF_STAGES; ++stage) own.stages += p.needed[stage];
  return svf_struct_write("needs", &own, sizeof own, needs, SVF_SIZE_TO(svf_matmul_needs, stages));
}
