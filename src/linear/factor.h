/* SPDX-License-Identifier: Apache-2.0
 *
 * A factor as its owner stores it, or as it is packed, transposed. */
#ifndef SVF_LINEAR_FACTOR_H
#define SVF_LINEAR_FACTOR_H

#include <svf/linear.h>

#include "kernels/bf16.h"
#include "src/linear/bands.h"

/* Channel c's value at step k is data[c*stride + k*step]; if there are bands, data are panels, and
 * it is the weight of their channel k at their step c. */
typedef struct svf_factor {
  svf_dtype type;
  const void *data;
  size_t stride, step, channels, k;
  const svf_bands *bands;
} svf_factor;

/* Of an array. */
static inline float svf_factor_at(const svf_factor *f, size_t channel, size_t k)
{
  const size_t at = channel * f->stride + k * f->step;
  if (f->type == SVF_DTYPE_F32) return ((const float *)f->data)[at];
  return svf_widen_bf16(((const uint16_t *)f->data)[at]);
}

/* Reads steps [k, k + count) of the channels of a panel, or of the first `lanes` <= 16 of them, as
 * fp32: to[count][16]. Leaves the other lanes alone. */
void svf_factor_read(const svf_factor *f, size_t channel, size_t lanes, size_t k, size_t count,
                     float *to);

/* The factor that a product multiplies by. Product 0: V, with r channels and n steps. Product 1: U,
 * or a dense W. The source is one that svf_linear_read_source has read. */
static inline svf_factor svf_factor_of(const svf_linear_source *s, int product)
{
  if (product == 0) {
    return (svf_factor){s->vt_type, s->vt, s->vt_stride, s->vt_step, s->r, s->n, NULL};
  }
  return (svf_factor){s->u_type, s->u, s->u_stride, s->u_step, s->m, s->r > 0 ? s->r : s->n, NULL};
}

#endif
