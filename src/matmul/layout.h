/* SPDX-License-Identifier: Apache-2.0
 *
 * A in the workspace: where it lies, and how it gets there. */
#ifndef SVF_MATMUL_LAYOUT_H
#define SVF_MATMUL_LAYOUT_H

#include "src/matmul/call.h"

/* The first row of a strip. Strips have whole row units, so only the last one needs padding. */
static inline size_t svf_strip_row(const svf_call *call, size_t strip)
{
  const size_t rows = call->args.rows, unit = (size_t)call->kernel->row_unit;
  return svf_size_min(rows, svf_share(svf_size_ceil(rows, unit), call->strips, strip) * unit);
}

static inline const char *svf_x_at(const svf_matmul_args *args, size_t row, size_t k)
{
  const ptrdiff_t at = (ptrdiff_t)row * args->x_stride + (ptrdiff_t)k;
  return (const char *)args->x + at * (ptrdiff_t)svf_dtype_size(args->x_type);
}

/* Bytes from the start of an A to step k, the first of a line, in a strip of `rows` rows that comes
 * after `before` rows of A. */
static inline size_t svf_a_offset(const svf_call *call, const svf_product *p, size_t before,
                                  size_t rows, size_t k)
{
  const svf_kernel *kernel = call->kernel;
  const size_t cut = p->bands.cut_k, padded = svf_rows_padded(kernel, rows);
  return svf_a_cut_bytes(kernel, before, p->k, p->a_planes, cut) +
         svf_a_cut_bytes(kernel, padded, k, p->a_planes, cut);
}

/* Lays out strips [strip0, strip1) of the X or T that a product reads as its A, at `a`. */
void svf_lay_out(const svf_call *call, int product, size_t strip0, size_t strip1, char *a);

/* Share ith of nth of a stage that lays out all of it, in the workspace. */
void svf_lay_out_share(const svf_call *call, int product, size_t ith, size_t nth);

#endif
