/* SPDX-License-Identifier: Apache-2.0
 *
 * W' = U diag(d) V^T by the product of a dense layer: its rows X are rows of U times d, its weights
 * V, packed from V^T through a step. */
#include <svf/cpu.h>
#include <svf/matmul.h>
#include <svf/merge.h>

#include "src/core/check.h"
#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/linear/block.h"
#include "src/linear/factor.h"
#include "src/matmul/run.h"

enum { ROWS_AT_ONCE = 288 }; /* most rows of a chunk: what vector kernels keep in L2 */

/* A checked call, and where everything is in its workspace. */
typedef struct merge {
  svf_merge_args args;
  svf_linear_source factors; /* sigma is d */
  svf_linear_source v;       /* V as a dense layer */
  svf_linear_header header;  /* of its packed block */
  size_t chunk, threads;
  size_t x;        /* offset of a chunk of U * d in the workspace */
  size_t product;  /* offset of the product's own workspace */
  size_t bytes;    /* of the whole workspace */
  char *workspace; /* aligned */
  svf_isa isa;     /* what AUTO meant when the call began: svf_isa_select may change it meanwhile */
  svf_status packed; /* of packing V */
  svf_status status; /* of planning, which fails only through a mistake in this file */
} merge;

/* --- Checks ----------------------------------------------------------------------------------- */

static svf_status in_factors(svf_status status) { return svf_fail_at(status, "args->factors"); }

static svf_status read_merge(const svf_merge_args *args, size_t threads, merge *m)
{
  if (!args) return svf_fail(SVF_ERR_NULL, "args is NULL");
  svf_status status =
      svf_struct_read("args", args, SVF_SIZE_TO(svf_merge_args, flags), &m->args, sizeof m->args);
  if (status != SVF_OK) return status;
  if (!m->args.factors) return svf_fail(SVF_ERR_NULL, "args->factors is NULL");
  status = in_factors(svf_linear_read_source(m->args.factors, &m->factors));
  if (status != SVF_OK) return status;
  svf_linear_source *f = &m->factors;
  m->isa = svf_isa_settle(SVF_ISA_AUTO);
  m->threads = threads ? threads : svf_max_threads();
  m->chunk = svf_size_min(m->args.rows, ROWS_AT_ONCE);
  if (f->r == 0) return svf_fail(SVF_ERR_ARGUMENT, "r is 0, a dense layer: it is merged already");
  if (m->args.gains) f->sigma = m->args.gains;
  m->v = (svf_linear_source){.size = sizeof m->v,
                             .m = f->n,
                             .n = f->r,
                             .u_type = f->vt_type,
                             .u = f->vt,
                             .u_stride = f->vt_step,
                             .u_step = f->vt_stride};
  if (f->m == 0) return svf_fail(SVF_ERR_ARGUMENT, "m is 0; a layer has at least one output");
  return svf_linear_layout(f->n, f->r, 0, SVF_FORMAT_F32, NULL, &m->header);
}

/* The product of the chunk that begins at row `row` of those to be made. */
static svf_matmul_args product_of(const merge *m, const void *block, size_t row)
{
  const svf_merge_args *a = &m->args;
  const size_t at = row * a->out_stride * svf_dtype_size(a->out_type);
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = block,
                           .rows = svf_size_min(m->chunk, a->rows - row),
                           .x = m->workspace ? m->workspace + m->x : NULL,
                           .x_stride = (ptrdiff_t)m->factors.r,
                           .y_type = a->out_type,
                           .y = a->out ? (char *)a->out + at : NULL,
                           .y_stride = (ptrdiff_t)a->out_stride,
                           .isa = m->isa};
}

/* Divides the workspace: the block of V, a chunk of U * d, and the product's own workspace. */
static svf_status lay_out(merge *m)
{
  _Alignas(SVF_LINEAR_ALIGNMENT) svf_linear_header header = m->header;
  size_t x, own;
  header.checksum = 1; /* only the header is read, which must look sealed */
  const svf_matmul_args args = product_of(m, &header, 0);
  const svf_status status = svf_matmul_workspace(&args, m->threads, &own);
  if (status != SVF_OK) return status;
  m->x = (size_t)header.bytes;
  if (!svf_size_mul(m->chunk * sizeof(float), m->factors.r, &x) ||
      !svf_size_round(x, SVF_LINEAR_ALIGNMENT, &x) || !svf_size_add(m->x, x, &m->product) ||
      !svf_size_add(m->product, own, &m->bytes) ||
      !svf_size_add(m->bytes, SVF_LINEAR_ALIGNMENT, &m->bytes)) { /* at any address */
    return svf_fail(SVF_ERR_OVERFLOW, "n = %zu, r = %zu: the workspace exceeds SIZE_MAX",
                    m->factors.n, m->factors.r);
  }
  return SVF_OK;
}

static svf_status check_out(const svf_merge_args *a, const svf_linear_source *f)
{
  if (a->flags & ~SVF_MERGE_CONTINUE) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->flags is 0x%x, only SVF_MERGE_CONTINUE is known",
                    a->flags);
  }
  if (a->first_row > f->m || a->rows > f->m - a->first_row) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->first_row is %zu, rows %zu: there are m = %zu",
                    a->first_row, a->rows, f->m);
  }
  if (a->out_stride < f->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "args->out_stride is %zu, less than n = %zu", a->out_stride,
                    f->n);
  }
  const svf_status status =
      svf_check_matrix("args->out", a->out, a->out_type, a->out_stride, a->rows, f->n);
  return status == SVF_OK ? svf_check_aligned("args->gains", a->gains, SVF_DTYPE_F32) : status;
}

static svf_status check_workspace(const merge *m, const void *workspace, size_t bytes)
{
  if (!workspace) return svf_fail(SVF_ERR_NULL, "workspace is NULL");
  if (bytes < m->bytes) {
    return svf_fail(SVF_ERR_SPACE, "workspace has %zu bytes, rows = %zu on %zu threads need %zu",
                    bytes, m->args.rows, m->threads, m->bytes);
  }
  if (!(m->args.flags & SVF_MERGE_CONTINUE)) return SVF_OK;
  const svf_linear_header *h = (const void *)m->workspace;
  if (svf_linear_check(h, (size_t)m->header.bytes, false) == SVF_OK && h->m == m->header.m &&
      h->n == m->header.n && h->r == 0 && h->format == m->header.format) {
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_ARGUMENT,
                  "args->flags has SVF_MERGE_CONTINUE, but the workspace holds no V of n = %zu, "
                  "r = %zu",
                  m->factors.n, m->factors.r);
}

/* --- Work ------------------------------------------------------------------------------------- */

/* Makes a share of rows [row, row + rows) of U times d. */
static void scale_rows(const merge *m, size_t row, size_t rows, size_t ith, size_t nth)
{
  const svf_factor u = svf_factor_of(&m->factors, 1);
  float *x = (float *)(void *)(m->workspace + m->x);
  const size_t end = svf_share(rows, nth, ith + 1);
  for (size_t i = svf_share(rows, nth, ith); i < end; ++i) {
    for (size_t k = 0; k < u.k; ++k) {
      x[i * u.k + k] = svf_factor_at(&u, m->args.first_row + row + i, k) * m->factors.sigma[k];
    }
  }
}

/* Every thread makes its own copy of the plan, which costs less than waiting for one. */
static svf_status multiply(const merge *m, size_t row, svf_member *member)
{
  svf_plan plan;
  const svf_matmul_args args = product_of(m, m->workspace, row);
  const svf_status status = svf_matmul_plan(&plan, &args, member->shares, m->workspace + m->product,
                                            m->bytes - SVF_LINEAR_ALIGNMENT - m->product);
  if (status == SVF_OK) svf_plan_run(&plan, member);
  return status;
}

/* The status of all shares, which share 0 writes. Sealed without a checksum: nobody else will see
 * this block. */
static svf_status pack_v(merge *m, svf_member *member)
{
  for (size_t share; svf_member_next(member, &share);) {
    const svf_status status =
        svf_linear_pack_part(&m->v, m->workspace, (size_t)m->header.bytes, share, member->shares);
    if (share > 0) continue;
    m->packed = status;
    ((svf_linear_header *)(void *)m->workspace)->checksum = 1;
  }
  return m->packed;
}

/* svf_team_work */
static void work(void *context, svf_member *member)
{
  merge *m = context;
  const bool goes_on = m->args.flags & SVF_MERGE_CONTINUE;
  svf_status status = goes_on ? SVF_OK : pack_v(m, member);
  for (size_t row = 0; row < m->args.rows && status == SVF_OK; row += m->chunk) {
    const size_t rows = svf_size_min(m->chunk, m->args.rows - row);
    for (size_t i; svf_member_next(member, &i);) scale_rows(m, row, rows, i, member->shares);
    status = multiply(m, row, member);
  }
  if (member->ith == 0 && status != SVF_OK) m->status = status;
}

/* --- Public ----------------------------------------------------------------------------------- */

svf_status svf_merge_workspace(const svf_merge_args *args, size_t threads, size_t *bytes)
{
  merge m = {0};
  if (!bytes) return svf_fail(SVF_ERR_NULL, "bytes is NULL");
  svf_status status = read_merge(args, threads, &m);
  if (status == SVF_OK) status = lay_out(&m);
  if (status == SVF_OK) *bytes = m.bytes;
  return status;
}

svf_status svf_merge_rows(const svf_merge_args *args, size_t threads, void *workspace,
                          size_t workspace_bytes)
{
  merge m = {.workspace = workspace ? svf_align(workspace, SVF_LINEAR_ALIGNMENT) : NULL};
  svf_status status = read_merge(args, threads, &m);
  if (status != SVF_OK || m.args.rows == 0) return status;
  status = check_out(&m.args, &m.factors);
  if (status == SVF_OK) status = in_factors(svf_linear_check_source(&m.factors));
  if (status == SVF_OK) status = lay_out(&m);
  if (status == SVF_OK) status = check_workspace(&m, workspace, workspace_bytes);
  if (status != SVF_OK) return status;
  svf_team_run(m.threads, work, &m);
  return m.status;
}
