/* SPDX-License-Identifier: Apache-2.0
 *
 * Grouped-query attention for a few rows of a sequence and one KV head, on the fp32
 * micro-kernels. */
#ifndef SVF_TRANSFORMER_ATTENTION_H
#define SVF_TRANSFORMER_ATTENTION_H

#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "src/transformer/kv.h"

typedef struct svf_attention {
  const svf_kernel *kernel; /* of format f32 */
  const svf_ops_kernel *ops;
  size_t heads_per_kv; /* query heads that share a KV head */
  float scale;         /* 1 / sqrt(head_dim) */
} svf_attention;

/* Rows at consecutive positions whose queries fill a strip of the kernel; at least 1. */
static inline size_t svf_attention_rows(const svf_attention *a)
{
  const size_t most = (size_t)a->kernel->rows;
  return a->heads_per_kv < most ? most / a->heads_per_kv : 1;
}

/* Rows [position, position + count), count <= svf_attention_rows. Row i's queries, and its results,
 * are [heads_per_kv][head_dim] at i * stride floats. A row sees the last
 * `window` positions up to and including its own; window = 0: all of them. */
typedef struct svf_attention_task {
  const svf_kv_sequence *sequence;
  size_t layer, kv_head; /* of K and V in the cache */
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
 * position that a row sees to its own, so a row's bits
 * depend on nothing else. */
void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                float *scratch);

#endif
