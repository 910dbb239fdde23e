/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of formats: what the library knows of a format stands in its row, and everything above
 * the kernels asks the table. A new format is a value of svf_format, a row in format.c and its
 * kernels; if its weights are packed in a new way, also a case in src/linear/pack.c, quantise.c or
 * unpack.c. Names, options, tests and benchmarks follow.
 *
 * A format is looked up when a call is planned, not while it runs: kernels know their own format as
 * a constant. */
#ifndef SVF_KERNELS_FORMAT_H
#define SVF_KERNELS_FORMAT_H

#include "kernels/kernel.h"
#include "src/core/private.h"

/* How the integers of a packed panel are scaled. */
typedef enum svf_scale {
  SVF_SCALE_NONE, /* they are no integers */
  SVF_SCALE_F32,  /* fp32 for each channel and block of 256 steps */
  SVF_SCALE_BF16  /* bf16 for each channel and group */
} svf_scale;

typedef struct svf_format_row {
  svf_format_traits traits;
  svf_format head;        /* whose weights the first band has; traits.weights where there is one */
  svf_scale scale;        /* of the weights, in both bands */
  uint16_t unit;          /* steps to a multiple of which panels are zero-padded: a power of two */
  int x_planes, t_planes; /* of A, if the kernel keeps them apart: see svf_planes */
} svf_format_row;

/* The row of a format; NULL if there is no such format. Takes the same time for every format.
 * Thread-safe, as are the others. */
SVF_PRIVATE_API const svf_format_row *svf_format_of(svf_format format);

/* How a packed panel of one band is laid out: what svf_panel_bytes needs. */
typedef struct svf_panel_layout {
  uint16_t step;   /* bytes of a step, of 16 channels */
  uint16_t unit;   /* as in the row */
  uint16_t scales; /* bytes in front of each block of integers */
} svf_panel_layout;

/* The layout for a format that is one of weights: not of two bands. */
svf_panel_layout svf_panel_layout_of(svf_format weights, size_t group);

/* Where step k of a panel begins, for a k that a slice may begin with. */
static inline size_t svf_panel_offset(const svf_panel_layout *l, size_t k)
{
  return (k + SVF_BLOCK - 1) / SVF_BLOCK * l->scales + k * l->step;
}

/* Bytes of a packed panel with k steps; k is small enough that nothing wraps. */
static inline size_t svf_panel_bytes(const svf_panel_layout *l, size_t k)
{
  const size_t unit = l->unit;
  return svf_panel_offset(l, (k + unit - 1) & ~(unit - 1));
}

#endif
