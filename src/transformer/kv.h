/* SPDX-License-Identifier: Apache-2.0
 *
 * The KV cache: blocks of 64 positions that sequences take as they grow.
 *
 * Both products of attention run on the fp32 micro-kernels, so keys and values stand as packed
 * panels (svf/linear.h). Of each layer and KV head a block holds
 *
 *   K   [64/16][head_dim][16]          lanes are positions, steps are the head's elements
 *   V   [head_dim/16][64][16]          lanes are the head's elements, steps are positions
 *
 * A sequence remembers the hash of the gains that filled its blocks, which are of no use for other
 * gains. Sequences with the same gains and the same tokens at the start can share blocks: the cache
 * counts who holds a block, and does not write to it while it is more than one. */
#ifndef SVF_TRANSFORMER_KV_H
#define SVF_TRANSFORMER_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/context.h>

typedef struct svf_kv_sequence {
  uint64_t hash;    /* of the gains that filled it */
  size_t length;    /* positions filled */
  int32_t *tokens;  /* [limit] that filled them */
  uint32_t *blocks; /* [limit / SVF_KV_BLOCK, rounded up]; the same block at the same place in each
                       sequence that holds it */
  size_t held;      /* blocks */
  bool parts;       /* while a cache grows: the block that it goes on in becomes its own */
} svf_kv_sequence;

typedef struct svf_kv {
  size_t layers, heads, dim; /* heads: of K and V */
  size_t lanes;              /* dim rounded up to whole panels */
  size_t limit;              /* positions of a sequence */
  size_t count;              /* blocks */
  size_t block_floats, head_floats;
  float *data;
  uint32_t *holders; /* [count] sequences that hold a block */
  uint32_t *unused;  /* stack of free blocks */
  size_t unused_count;
  size_t sequences;
  svf_kv_sequence *sequence;
} svf_kv;

/* Blocks that hold so many positions. */
static inline size_t svf_kv_blocks(size_t positions)
{
  return positions / SVF_KV_BLOCK + (positions % SVF_KV_BLOCK != 0);
}

/* Errors: OVERFLOW, MEMORY; *kv must be freed also then. */
svf_status svf_kv_create(svf_kv *kv, size_t layers, size_t heads, size_t dim, size_t limit,
                         size_t sequences, size_t tokens);
void svf_kv_free(svf_kv *kv);

/* Forget positions from `length` on and let go of the blocks that they alone were in. */
void svf_kv_truncate(svf_kv *kv, size_t sequence, size_t length);

/* The positions from the start that were filled by these tokens with gains of this hash. */
size_t svf_kv_matching(const svf_kv *kv, size_t sequence, uint64_t hash, const int32_t *tokens,
                       size_t count);

/* Blocks that a sequence must take to be `positions` long: those it lacks, and a copy of the one
 * that it goes on in if that is shared. */
size_t svf_kv_missing(const svf_kv *kv, size_t sequence, size_t positions);

/* Take blocks for `more` further positions of every sequence: more[sequences]. All or nothing:
 * SPACE. */
svf_status svf_kv_grow(svf_kv *kv, const size_t *more);

/* Let sequence `to` begin anew with the first `length` positions of `from`, another one that has so
 * many: whole blocks become shared, the rest of the positions is copied. All or nothing: SPACE. */
svf_status svf_kv_fork(svf_kv *kv, size_t from, size_t to, size_t length);

/* Where K and V of a layer, head and position's block begin. */
float *svf_kv_keys(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                   size_t position);
float *svf_kv_values(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                     size_t position);

/* Store one position's key and value, each [dim], in blocks that were taken. */
void svf_kv_store(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                  size_t position, const float *key, const float *value);

#endif
