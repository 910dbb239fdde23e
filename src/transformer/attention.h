/* SPDX-License-Identifier: Apache-2.0
 *
 * Grouped-query attention of one row and one KV head, on the fp32 micro-kernels. */
#ifndef SVF_TRANSFORMER_ATTENTION_H
#define SVF_TRANSFORMER_ATTENTION_H

#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "src/transformer/kv.h"

typedef struct svf_attention {
  const svf_kernel *kernel; /* f32 */
  const svf_ops_kernel *ops;
  size_t group; /* query heads that share a KV head */
  float scale;  /* 1 / sqrt(head_dim) */
} svf_attention;

/* Floats of scratch for `limit` positions, a multiple of a cache line. */
size_t svf_attention_scratch(const svf_attention *a, const svf_kv *kv, size_t limit);

/*   out[g] = sum over p of softmax(scale q[g] K^T)[p] V[p]        g < group, p in [first, position]
 *
 * q and out: [group][head_dim], contiguous; scratch: 64-byte aligned. Both products are chains of
 * FMAs in increasing order, so that nothing depends on what else is computed. */
void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_kv_sequence *s, size_t layer,
                size_t head, size_t first, size_t position, const float *q, float *out,
                float *scratch);

#endif
