/* SPDX-License-Identifier: Apache-2.0
 *
 * A checked call, or several on the same X, and how their work is divided. Everything here is
 * decided from shapes, the registry rows and nth; none of it can change a bit of the result,
 * because a reduction is never divided and always runs in increasing k.
 *
 * Rows are divided into strips of nearly equal height (at most kernel->rows). One stage lays X out
 * as A, two are the products, and one between them lays T out, unless svf_maker says that A comes
 * about otherwise. The output of a product, strips x panels, is divided into a grid of row_shares x
 * panel_shares cells; share ith is one cell. In a group the panels of all calls stand side by side,
 * so that the columns of the grid are equally wide whatever the layers are; a cell may have panels
 * of several calls. */
#ifndef SVF_MATMUL_CALL_H
#define SVF_MATMUL_CALL_H

#include <svf/matmul.h>

#include "kernels/format.h"
#include "src/core/size.h"
#include "src/linear/bands.h"

/* Sizes of the loops within a share, besides those in svf_blocking; see stage.c. They decide speed,
 * never bits. */
enum {
  SVF_CHUNK_STRIPS = 144,  /* most strips in a chunk */
  SVF_PIECE = 512,         /* steps of X or T that are laid out at a time, whole lines */
  SVF_STREAM_STRIPS = 4,   /* with at most this many strips in a chunk memory is the limit */
  SVF_STREAM_SLICE = 2048, /* most steps of a slice then, so that weights are read in long runs */
  SVF_A_STAYS = 1 << 20,   /* bytes of A that stay in L2 beside the weights */
  SVF_A_OWN = 8 << 10      /* up to this many bytes of A, making it costs less than a barrier */
};

/* Who makes the A of a product. */
typedef enum svf_maker {
  SVF_BY_STAGE,   /* the stage before the product */
  SVF_BY_SHARE,   /* every share of the product for itself, which saves a barrier */
  SVF_BY_PRODUCT, /* of T: the first product, where its shares have whole spans or need none */
  SVF_BY_CALLER   /* of X: nobody, X is A as it is */
} svf_maker;

/* One of the two products: A, [rows][k], times panels. */
typedef struct svf_product {
  svf_maker maker;
  int a_planes;
  char *a; /* workspace: A, strip after strip, if its maker is a stage or the first product */
  const char *weights; /* packed panels */
  svf_bands bands;
  size_t k;
  size_t channels, panels;
  bool whole_spans; /* of the first product: shares have whole spans of T, packed after a pass */
  size_t units;     /* what is divided into columns of cells: panels, or spans of T */
  size_t cost;      /* cost of a unit, relative to those of the other calls */
  size_t before;    /* cost of all units of the calls before this one */
} svf_product;

/* The grid of one product of all calls. */
typedef struct svf_grid {
  size_t row_shares, panel_shares;
  size_t cost; /* cost of all units */
} svf_grid;

/* One call of a group. */
typedef struct svf_call {
  svf_matmul_args args;
  const svf_kernel *kernel;      /* of the tail, or of all; answers for what both have in common */
  const svf_kernel *head_kernel; /* of the head, if there is one */
  const float *sigma;
  svf_format format;
  int x_product; /* the product that reads X: 0, or 1 of a dense layer, which has no other */
  svf_product product[2];
  size_t strips;
  size_t x_call; /* the call whose layout of X this one reads: itself, or one before it */
  float *t;      /* workspace: T in fp32, [rows][t_stride], until it is laid out; or NULL */
  size_t t_stride;
  bool hi_lo;      /* T is hi + lo */
  size_t distance; /* how many lines of a panel prefetches run ahead of their use */
  size_t c_floats; /* floats of partial sums that a share keeps */
} svf_call;

/* The stages that svf_matmul_next_stage counts; to callers they are numbers without a meaning. */
typedef enum svf_stage {
  SVF_STAGE_X,      /* X is laid out */
  SVF_STAGE_FIRST,  /* T = (X V) * D */
  SVF_STAGE_T,      /* T is laid out */
  SVF_STAGE_SECOND, /* Y = T U^T, or X W^T; gradients, which need T, too */
  SVF_STAGES
} svf_stage;

/* What an svf_plan holds; of `call` only the first `count` are there. */
typedef struct __attribute__((may_alias)) svf_plan_data {
  size_t nth, count;
  bool needed[SVF_STAGES]; /* the stages that have anything to do */
  svf_grid grid[2];
  float *c;          /* workspace: partial sums of every share */
  size_t c_floats;   /* floats of each share in c: as many as any call keeps */
  char *own;         /* workspace: an A of its own for every share */
  size_t own_bytes;  /* bytes of each share in own */
  char *room;        /* workspace: weights as a kernel wants them, for every share */
  size_t room_bytes; /* bytes of each share in room */
  svf_call call[SVF_MATMUL_GROUP_MAX];
} svf_plan_data;

_Static_assert(2 * sizeof(svf_plan_data) <= sizeof(svf_plan),
               "svf_plan has room for twice what it holds");

static inline const svf_plan_data *svf_plan_read(const svf_plan *plan)
{
  return (const svf_plan_data *)(const void *)plan;
}

/* Chooses who makes the A of X, of x_bytes bytes, in a call with at least one row. */
void svf_choose_x_maker(svf_call *call, size_t x_bytes);

/* Adds share ith of nth of the columns of T0 times T0 of the forward call to the gradients. */
void svf_add_gradients(const svf_call *call, size_t ith, size_t nth);

/* Makes the grids, and chooses who makes the A of T, which has t_bytes[i] bytes in call i. */
void svf_divide(svf_plan_data *plan, const size_t *t_bytes);

/* The first panel of a column of cells; one past the last panel for the column past the last. */
size_t svf_first_panel(const svf_grid *grid, const svf_product *p, size_t panel_share);

static inline bool svf_is_dense(const svf_call *call) { return call->x_product == 1; }

static inline bool svf_makes_y(const svf_call *call)
{
  return !(call->args.flags & SVF_MATMUL_WITHOUT_Y);
}

/* True if the call has this product. */
static inline bool svf_has_product(const svf_call *call, int product)
{
  return product >= call->x_product && (product == 0 || svf_makes_y(call));
}

/* Planes of an A made of X or of T: 2 where a value takes two elements of the kernel's type. */
static inline int svf_planes(const svf_kernel *kernel, svf_format format, bool of_t)
{
  const svf_format_row *row = svf_format_of(format);
  return kernel->planes ? (of_t ? row->t_planes : row->x_planes) : 1;
}

/* Bytes of a share for weights that several strips use: those of a run's panels, at the longest
 * slice. */
static inline size_t svf_room(const svf_kernel *kernel, size_t rows)
{
  if (rows <= (size_t)kernel->rows) return 0;
  const size_t steps = svf_size_max(SVF_STREAM_SLICE, (size_t)kernel->blocking.steps);
  return (size_t)kernel->room * (size_t)kernel->blocking.group * (steps + SVF_SPAN);
}

/* Rows with their padding, as A and C have them. */
static inline size_t svf_rows_padded(const svf_kernel *kernel, size_t rows)
{
  const size_t unit = (size_t)kernel->row_unit;
  return (rows + unit - 1) / unit * unit;
}

/* Bytes of an A with k steps, or of what lies before its step k. k is at most a quarter of
 * SIZE_MAX / 64. */
static inline size_t svf_a_bytes(const svf_kernel *kernel, size_t padded_rows, size_t k, int planes)
{
  const size_t steps = (size_t)kernel->a_steps;
  const size_t lines = (k + steps - 1) / steps * (size_t)kernel->a_lines[planes];
  const size_t headers = svf_kernel_integer(kernel) ? (k + SVF_SPAN - 1) / SVF_SPAN : 0;
  return (lines * SVF_LINE + headers * SVF_A_HEADER) * padded_rows;
}

/* The same where spans begin anew at step cut_k. */
static inline size_t svf_a_cut_bytes(const svf_kernel *kernel, size_t padded_rows, size_t k,
                                     int planes, size_t cut_k)
{
  const size_t first = svf_size_min(k, cut_k);
  return svf_a_bytes(kernel, padded_rows, first, planes) +
         svf_a_bytes(kernel, padded_rows, k - first, planes);
}

/* The steps of a slice are a multiple of this. */
static inline size_t svf_slice_unit(const svf_kernel *kernel)
{
  return svf_kernel_integer(kernel) ? SVF_SPAN : (size_t)kernel->a_steps;
}

#endif
