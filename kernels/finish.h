/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a product: the sums of a tile become rows of Y, and those of the first product may be
 * kept as well. A template header, see unit.h. */
#ifndef SVF_KERNELS_FINISH_H
#define SVF_KERNELS_FINISH_H

#include "kernels/line.h"

#define finish_y SVF_NAME(finish_y)
#define keep_sums SVF_NAME(keep_sums)

/* Stores a panel's T before its gains, for a caller that keeps it. A function of its own, so that
 * calls that keep nothing do not pay for it. */
static __attribute__((noinline, cold)) void keep_sums(const svf_epilogue *e, size_t channel,
                                                      int lanes, int rows, const float *sums)
{
  float *to = e->keep + channel;
  for (int i = 0; i < rows; ++i, to += e->keep_stride) {
    line_store_part(to, line_load(sums + i * SVF_PANEL), lanes);
  }
}

/* Y = sum (* gain) (+ bias) (+ Y), rounded to Y's type last. */
static void finish_y(const svf_epilogue *e, size_t channel, int lanes, int rows, const float *sums)
{
  const ptrdiff_t size = e->y_type == SVF_DTYPE_F32 ? 4 : 2;
  if (e->keep) keep_sums(e, channel, lanes, rows, sums);
  for (int i = 0; i < rows; ++i) {
    char *y = (char *)e->y + (i * e->y_stride + (ptrdiff_t)channel) * size;
    line l = line_load(sums + i * SVF_PANEL);
    if (e->gains) l = line_mul(l, line_load_part(e->gains[i] + channel, lanes));
    if (e->bias) l = line_add(l, line_load_part(e->bias + channel, lanes));
    if (e->accumulate) l = line_add(l, row_load(y, e->y_type, lanes));
    y_store(y, e->y_type, lanes, l);
  }
}

#endif
