/* SPDX-License-Identifier: Apache-2.0
 *
 * Y of one row and channel in plain C. */
#ifndef SVF_KERNELS_REF_FINISH_H
#define SVF_KERNELS_REF_FINISH_H

#include "kernels/bf16.h"
#include "kernels/kernel.h"

enum { REF_ROWS = 4 }; /* rows of the largest tile in plain C */

static inline void finish_y_ref(const svf_epilogue *e, int row, size_t channel, float sum)
{
  const ptrdiff_t at = row * e->y_stride + (ptrdiff_t)channel;
  if (e->keep) e->keep[row * e->keep_stride + (ptrdiff_t)channel] = sum;
  if (e->gains) sum *= svf_load_f32(e->gains[row], channel);
  if (e->bias) sum += e->bias[channel];
  if (e->y_type == SVF_DTYPE_F32) {
    float *y = (float *)e->y + at;
    *y = e->accumulate ? sum + *y : sum;
  } else {
    uint16_t *y = (uint16_t *)e->y + at;
    *y = svf_round_bf16(e->accumulate ? sum + svf_widen_bf16(*y) : sum);
  }
}

#endif
