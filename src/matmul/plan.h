/* SPDX-License-Identifier: Apache-2.0
 *
 * A checked call and how its work is divided. Everything here is decided from shapes, the registry
 * row and nth; none of it can change a bit of the result, because a reduction is never divided and
 * always runs in increasing k.
 *
 * Rows are cut into row blocks of nearly equal height (at most kernel->rows). Stage 0 lays X out as
 * A, stages 1 and 2 are the products. A product's output, row blocks x panels, is divided into a
 * grid of row_parts x panel_parts cells; part ith is one cell.
 */
#ifndef SVF_MATMUL_PLAN_H
#define SVF_MATMUL_PLAN_H

#include <svf/matmul.h>

#include "kernels/kernel.h"
#include "src/core/size.h"

/* Blocking within a part; see stage.c for the loops. The figures are for an L2 of 1.25 MiB or more;
 * on a smaller one they cost speed, never bits. */
enum {
  SVF_CHUNK_ROWS = 288,     /* rows whose slice of A stays in L2 */
  SVF_SLICE = 512,          /* steps of a slice */
  SVF_PIECE = 512,          /* steps of X that are laid out at once, whole lines */
  SVF_STREAM_BLOCKS = 4,    /* up to so many row blocks memory is the limit: then a slice has */
  SVF_STREAM_SLICE = 48,    /* so many steps, and what is fetched is near */
  SVF_PARTIALS = 192 * 1024 /* floats of partial sums that stay in L2 */
};

/* One of the two products: A, [rows][k], times panels. */
typedef struct svf_product {
  char *a; /* workspace: row block after row block; X as stage 0 lays it out, or T */
  int a_planes;
  const char *weights; /* packed panels */
  size_t panel_bytes;
  size_t k;
  size_t channels, panels;
  size_t row_parts, panel_parts;
} svf_product;

/* What is in an svf_plan. */
typedef struct __attribute__((may_alias)) svf_plan_data {
  svf_matmul_args args;
  const svf_kernel *kernel;
  const float *sigma;
  svf_product product[2];
  size_t nth;
  size_t blocks; /* row blocks */
  bool x_is_a;   /* the caller's X serves as A as it is */
  svf_format format;
  float *c;        /* workspace: partial sums, for every part */
  size_t c_floats; /* so many */
} svf_plan_data;

_Static_assert(sizeof(svf_plan_data) <= sizeof(svf_plan), "svf_plan is too small");

static inline const svf_plan_data *svf_plan_read(const svf_plan *plan)
{
  return (const svf_plan_data *)(const void *)plan;
}

/* Planes of T. */
static inline int svf_planes(const svf_kernel *kernel, svf_format format)
{
  return kernel->planes && format != svf_format_weights(format) ? 2 : 1;
}

/* Rows as A and C have them. */
static inline size_t svf_rows_padded(const svf_kernel *kernel, size_t rows)
{
  const size_t unit = (size_t)kernel->row_unit;
  return (rows + unit - 1) / unit * unit;
}

/* Bytes of an A with k steps. k is at most a quarter of SIZE_MAX / 64. */
static inline size_t svf_a_bytes(const svf_kernel *kernel, size_t padded_rows, size_t k, int planes)
{
  const size_t steps = (size_t)kernel->a_steps;
  return (k + steps - 1) / steps * padded_rows * (size_t)planes * SVF_LINE;
}

#endif
