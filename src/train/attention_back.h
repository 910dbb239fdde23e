/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of grouped-query attention for the query heads that share a KV head, over one text that
 * a pass holds whole. No array has positions times positions: the probabilities of a few rows are
 * computed again at a time.
 *
 *   P = softmax(scale q K^T)   out = P V          of the rows that each row sees
 *   dV = P^T dout    dS = scale P * (dout V^T - sum(out * dout))    dq = dS K    dK = dS^T q
 *
 * Sums over rows are chains in increasing order of rows, and of query heads within a row. */
#ifndef SVF_TRAIN_ATTENTION_BACK_H
#define SVF_TRAIN_ATTENTION_BACK_H

#include "src/transformer/attention.h"

/* Rows [0, count) at positions 0, 1, ... of a text. Row i of q, out, dout and dq is [heads_per_kv]
 * [dim] at i * q_stride floats; of k, v, dk and dv it is [dim] at i * kv_stride. A row sees the
 * last `window` positions up to and including its own; window = 0: all of them. */
typedef struct svf_attention_back_task {
  size_t count, dim, window;
  size_t q_stride, kv_stride;
  const float *q, *k, *v; /* q and k rotated */
  const float *out, *dout;
  float *dq, *dk, *dv; /* out; of q and k as they are after rotation */
} svf_attention_back_task;

/* Floats of scratch for texts of `count` rows, a multiple of a cache line. */
size_t svf_attention_back_scratch(const svf_attention *a, size_t count, size_t dim);

/* scratch: 64-byte aligned. */
void svf_attention_back(const svf_attention *a, const svf_attention_back_task *t, float *scratch);

#endif
