/* SPDX-License-Identifier: Apache-2.0
 *
 * Grouped-query attention of a few rows of a sequence and one KV head, on the fp32
 * micro-kernels. */
#ifndef SVF_TRANSFORMER_ATTENTION_H
#define SVF_TRANSFORMER_ATTENTION_H

#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "src/transformer/kv.h"

typedef struct svf_attention {
  const svf_kernel *kernel; /* f32 */
  const svf_ops_kernel *ops;
  size_t heads_per_kv; /* query heads that share a KV head */
  float scale;         /* 1 / sqrt(head_dim) */
} svf_attention;

/* Rows at neighbouring positions whose queries fill a row block of the kernel: at least 1. */
static inline size_t svf_attention_rows(const svf_attention *a)
{
  const size_t most = (size_t)a->kernel->rows;
  return a->heads_per_kv < most ? most / a->heads_per_kv : 1;
}

/* Rows [position, position + count), count <= svf_attention_rows. Row i's queries, and its results,
 * are [heads_per_kv][head_dim] at i * stride floats. A row sees `window` positions, itself the last; 0:
 * all up to itself. */
typedef struct svf_attention_task {
  const svf_kv_sequence *sequence;
  size_t layer, kv_head; /* of K and V */
  size_t position, count, window;
  const float *q;
  float *out;
  size_t stride;
} svf_attention_task;

/* Floats of scratch for sequences of `limit` positions, a multiple of a cache line. */
size_t svf_attention_scratch(const svf_attention *a, const svf_kv *kv, size_t limit);

/*   out = sum over p of softmax(scale q K^T)[p] V[p]
 *
 * scratch: 64-byte aligned. Both products are chains of FMAs in increasing order, from the first
 * position that a row sees to its own, so that its bits depend on nothing else. */
void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                float *scratch);

#endif
