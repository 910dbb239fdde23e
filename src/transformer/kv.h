/* SPDX-License-Identifier: Apache-2.0
 *
 * The KV cache: KV blocks of 64 positions that sequences take as they grow.
 *
 * Both products of attention run on the fp32 micro-kernels, so keys and values are stored as packed
 * panels (svf/linear.h). For each layer and KV head a KV block holds
 *
 *   K   [64/16][head_dim][16]          lanes are positions, steps are elements of a key
 *   V   [head_dim/16][64][16]          lanes are elements of a value, steps are positions
 *
 * A sequence remembers the hash of the gains that filled its KV blocks, which are of no use with
 * other gains. Sequences with the same gains and the same first tokens can share KV blocks: the
 * cache counts the holders of each and writes to none that has more than one. */
#ifndef SVF_TRANSFORMER_KV_H
#define SVF_TRANSFORMER_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/context.h>

typedef struct svf_kv_sequence {
  uint64_t hash;    /* of the gains that filled it */
  size_t length;    /* positions filled */
  int32_t *tokens;  /* [limit] the tokens that filled them */
  uint32_t *blocks; /* [limit / SVF_KV_BLOCK, rounded up] its KV blocks; one that is shared is at
                       the same place in each sequence that holds it */
  size_t held;      /* KV blocks that it holds */
  bool leaves;      /* during svf_kv_grow: it leaves a shared KV block for a copy of its own */
} svf_kv_sequence;

typedef struct svf_kv {
  size_t layers;
  size_t heads;          /* KV heads */
  size_t dim;            /* elements of a key or a value */
  size_t lanes;          /* dim rounded up to whole panels */
  size_t limit;          /* most positions of a sequence */
  size_t count;          /* KV blocks */
  size_t block_floats;   /* floats of a KV block */
  size_t kv_head_floats; /* floats of one layer and KV head in it */
  float *data;           /* [count][block_floats] */
  uint32_t *holders;     /* [count] sequences that hold each KV block */
  uint32_t *unused;      /* [unused_count] a stack of the free KV blocks */
  size_t unused_count;
  size_t sequences;
  svf_kv_sequence *sequence; /* [sequences] */
} svf_kv;

/* KV blocks that `positions` positions fill. */
static inline size_t svf_kv_blocks(size_t positions)
{
  return positions / SVF_KV_BLOCK + (positions % SVF_KV_BLOCK != 0);
}

/* Make an empty cache of `tokens` positions, rounded up to whole KV blocks, for `sequences`
 * sequences of at most `limit` positions each, or of as many as the cache has (kv->limit). Errors:
 * OVERFLOW, MEMORY; *kv must be freed also then. */
svf_status svf_kv_create(svf_kv *kv, size_t layers, size_t heads, size_t dim, size_t limit,
                         size_t sequences, size_t tokens);
void svf_kv_free(svf_kv *kv);

/* Forget positions from `length` on and let go of the KV blocks that held no others. */
void svf_kv_truncate(svf_kv *kv, size_t sequence, size_t length);

/* How many positions, from the first on, were filled by these tokens with gains of this hash. */
size_t svf_kv_matching(const svf_kv *kv, size_t sequence, uint64_t hash, const int32_t *tokens,
                       size_t count);

/* KV blocks that a sequence must take to reach `positions` positions: those that it lacks and, if
 * it goes on in a shared one, a copy of that one. */
size_t svf_kv_missing(const svf_kv *kv, size_t sequence, size_t positions);

/* Take KV blocks for more[i] further positions of each sequence i; more[sequences]. All are taken
 * or, with SPACE, none. */
svf_status svf_kv_grow(svf_kv *kv, const size_t *more);

/* Begin sequence `to` anew with the first `length` positions of `from`, another sequence, which has
 * at least that many: whole KV blocks become shared, the remaining positions are copied. On SPACE
 * nothing has changed. */
svf_status svf_kv_fork(svf_kv *kv, size_t from, size_t to, size_t length);

/* Where K and V begin in the KV block of that position, for one layer and KV head. */
float *svf_kv_keys(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                   size_t position);
float *svf_kv_values(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                     size_t position);

/* Store one position's key and value, each [dim], in a KV block that svf_kv_grow took. */
void svf_kv_store(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                  size_t position, const float *key, const float *value);

#endif
