/* SPDX-License-Identifier: Apache-2.0
 *
 * A checked call, or several on the same X, and how their work is divided. Everything here is
 * decided from shapes, the registry rows and nth; none of it can change a bit of the result,
 * because a reduction is never divided and always runs in increasing k.
 *
 * Rows are cut into row blocks of nearly equal height (at most kernel->rows). One stage lays X out
 * as A, two are the products, and one between them lays T out, where svf_maker does not say that it
 * comes about otherwise. The output of a product, row blocks x panels, is divided into a grid of
 * row_parts x panel_parts cells; part ith is one cell. In a group the panels of all calls stand
 * side by side, so that the columns of the grid are equally wide whatever the layers are; a cell
 * may have panels of several. */
#ifndef SVF_MATMUL_PLAN_H
#define SVF_MATMUL_PLAN_H

#include <svf/matmul.h>

#include "kernels/kernel.h"
#include "src/core/size.h"
#include "src/linear/parts.h"

/* Blocking within a part, beside the kernel's own; see stage.c for the loops. It costs or gains
 * speed, never bits. */
enum {
  SVF_CHUNK_BLOCKS = 144,  /* most row blocks in a chunk */
  SVF_PIECE = 512,         /* steps of X that are laid out at once, whole lines */
  SVF_STREAM_BLOCKS = 4,   /* up to so many row blocks memory is the limit: then a slice has */
  SVF_STREAM_SLICE = 2048, /* so many steps, and they read weights in long runs */
  SVF_A_STAYS = 1 << 20,   /* bytes of A that stay in L2 beside the weights */
  SVF_A_OWN = 8 << 10      /* bytes of A that a part makes for itself sooner than it waits */
};

/* Who makes the A of a product. */
typedef enum svf_maker {
  SVF_BY_STAGE,   /* the stage before it */
  SVF_BY_PART,    /* every part of it for itself: what saves a barrier */
  SVF_BY_PRODUCT, /* T: the first product, where it has whole blocks of integers or needs none */
  SVF_BY_CALLER   /* X is A as it is */
} svf_maker;

/* One of the two products: A, [rows][k], times panels. */
typedef struct svf_product {
  svf_maker maker;
  int a_planes;
  char *a; /* workspace: row block after row block; X or T as it is laid out. For makers that
             are the stage or the first product */
  const char *weights; /* packed panels */
  svf_parts parts;
  size_t k;
  size_t channels, panels;
  bool whole_blocks; /* the first product: parts have whole blocks of T, packed after a pass */
  size_t units;      /* what is divided into columns of cells: panels, or blocks of T */
  size_t cost;       /* of a unit, compared with those of the other calls */
  size_t before;     /* the cost of all units of the calls before this one */
} svf_product;

/* The grid of one product of all calls. */
typedef struct svf_grid {
  size_t row_parts, panel_parts;
  size_t cost; /* of all units */
} svf_grid;

/* One call of a group. */
typedef struct svf_call {
  svf_matmul_args args;
  const svf_kernel *kernel;      /* of the second parts; what both have in common is asked of it */
  const svf_kernel *head_kernel; /* of the first parts, if there are any */
  const float *sigma;
  svf_format format;
  int x_product; /* the one that reads X: 0, or 1 where the layer is dense and has no other */
  svf_product product[2];
  size_t blocks; /* row blocks */
  size_t x_call; /* whose layout of X this one reads, too: its own number, or a smaller one */
  float *t;      /* workspace: T in fp32, [rows][t_stride], until it is laid out; or NULL */
  size_t t_stride;
  size_t distance; /* lines of a panel between those that are fetched and those that are used */
  size_t c_floats; /* of partial sums that a part keeps */
} svf_call;

/* What svf_matmul_next_stage counts: to callers they are numbers without a meaning. */
typedef enum svf_stage {
  SVF_STAGE_X,      /* X is laid out */
  SVF_STAGE_FIRST,  /* T = (X V) * D */
  SVF_STAGE_T,      /* T is laid out */
  SVF_STAGE_SECOND, /* Y = T U^T, or X W^T */
  SVF_STAGES
} svf_stage;

/* What is in an svf_plan; of `call` only the first `count`. */
typedef struct __attribute__((may_alias)) svf_plan_data {
  size_t nth, count;
  bool needed[SVF_STAGES]; /* the stages that have anything to do */
  svf_grid grid[2];
  float *c;         /* workspace: partial sums, for every part */
  size_t c_floats;  /* of a part, of the call that keeps most */
  char *own;        /* workspace: A, for every part */
  size_t own_bytes; /* of a part */
  char *room;       /* workspace: weights as a kernel wants them, for every part */
  size_t room_bytes;
  svf_call call[SVF_MATMUL_GROUP_MAX];
} svf_plan_data;

_Static_assert(2 * sizeof(svf_plan_data) <= sizeof(svf_plan),
               "svf_plan has room for twice what it holds");

static inline const svf_plan_data *svf_plan_read(const svf_plan *plan)
{
  return (const svf_plan_data *)(const void *)plan;
}

/* Who makes the A of X, x_bytes, of a call with at least one row. */
void svf_choose_x_maker(svf_call *call, size_t x_bytes);

/* The grids, and who makes the A of T, t_bytes[i] in call i. */
void svf_divide(svf_plan_data *plan, const size_t *t_bytes);

/* The first panel of a column of cells; one past the last panel for the column past the last. */
size_t svf_first_panel(const svf_grid *grid, const svf_product *p, size_t panel_part);

static inline bool svf_is_dense(const svf_call *call) { return call->x_product == 1; }

/* Whether a product is one of the call's. */
static inline bool svf_has_product(const svf_call *call, int product)
{
  return product >= call->x_product;
}

/* Planes of an A made of X or of T: 2 where a value takes two elements of the kernel's type. */
static inline int svf_planes(const svf_kernel *kernel, svf_format format, bool of_t)
{
  switch (format) {
    case SVF_FORMAT_BF16_SPLIT: return kernel->planes && of_t ? 2 : 1;
    case SVF_FORMAT_S8_SPLIT: return of_t ? 2 : 1;
    case SVF_FORMAT_W8:
    case SVF_FORMAT_W4:
    case SVF_FORMAT_W84: return 2;
    default: return 1;
  }
}

/* What a part needs for weights that several row blocks share. The panels of a group, at the
 * longest slice. */
static inline size_t svf_room(const svf_kernel *kernel, size_t rows)
{
  if (rows <= (size_t)kernel->rows) return 0;
  const size_t steps = svf_size_max(SVF_STREAM_SLICE, (size_t)kernel->blocking.steps);
  return (size_t)kernel->room * (size_t)kernel->blocking.group * (steps + SVF_BLOCK);
}

/* Rows as A and C have them. */
static inline size_t svf_rows_padded(const svf_kernel *kernel, size_t rows)
{
  const size_t unit = (size_t)kernel->row_unit;
  return (rows + unit - 1) / unit * unit;
}

/* Bytes of an A with k steps, or of what stands before step k. k is at most a quarter of
 * SIZE_MAX / 64. */
static inline size_t svf_a_bytes(const svf_kernel *kernel, size_t padded_rows, size_t k, int planes)
{
  const size_t steps = (size_t)kernel->a_steps;
  const size_t lines = (k + steps - 1) / steps * (size_t)kernel->a_lines[planes];
  const size_t headers = svf_format_integer(kernel->format) ? (k + SVF_BLOCK - 1) / SVF_BLOCK : 0;
  return (lines * SVF_LINE + headers * SVF_A_HEADER) * padded_rows;
}

/* The same where blocks begin anew at step split_k. */
static inline size_t svf_a_split_bytes(const svf_kernel *kernel, size_t padded_rows, size_t k,
                                       int planes, size_t split_k)
{
  const size_t first = svf_size_min(k, split_k);
  return svf_a_bytes(kernel, padded_rows, first, planes) +
         svf_a_bytes(kernel, padded_rows, k - first, planes);
}

/* Steps that a slice is a multiple of. */
static inline size_t svf_slice_unit(const svf_kernel *kernel)
{
  return svf_format_integer(kernel->format) ? SVF_BLOCK : (size_t)kernel->a_steps;
}

#endif
