/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/kv.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/pages.h"

/* Computes sizes from the shape; false if one exceeds SIZE_MAX. */
static bool sizes(svf_kv *kv, size_t *bytes)
{
  size_t sequences;
  kv->lanes = (kv->dim + SVF_PANEL - 1) / SVF_PANEL * SVF_PANEL;
  return svf_size_mul(kv->dim + kv->lanes, SVF_KV_BLOCK, &kv->kv_head_floats) &&
         svf_size_mul(kv->kv_head_floats, kv->heads, &kv->block_floats) &&
         svf_size_mul(kv->block_floats, kv->layers, &kv->block_floats) &&
         svf_size_mul(kv->block_floats, kv->count, bytes) &&
         svf_size_mul(*bytes, sizeof(float), bytes) && kv->count <= UINT32_MAX &&
         kv->sequences <= UINT32_MAX &&
         svf_size_mul(kv->sequences, sizeof *kv->sequence, &sequences);
}

static bool allocate(svf_kv *kv, size_t bytes)
{
  kv->data = svf_pages_alloc(bytes);
  kv->holders = calloc(kv->count, sizeof *kv->holders);
  kv->unused = malloc(kv->count * sizeof *kv->unused);
  kv->sequence = calloc(kv->sequences, sizeof *kv->sequence);
  if (!kv->data || !kv->holders || !kv->unused || !kv->sequence) return false;
  for (size_t i = 0; i < kv->sequences; ++i) {
    kv->sequence[i].tokens = malloc(kv->limit * sizeof(int32_t));
    kv->sequence[i].blocks = malloc(svf_kv_blocks(kv->limit) * sizeof(uint32_t));
    if (!kv->sequence[i].tokens || !kv->sequence[i].blocks) return false;
  }
  return true;
}

svf_status svf_kv_create(svf_kv *kv, size_t layers, size_t heads, size_t dim, size_t limit,
                         size_t sequences, size_t tokens)
{
  size_t bytes = 0;
  *kv = (svf_kv){.layers = layers,
                 .heads = heads,
                 .dim = dim,
                 .count = svf_kv_blocks(tokens),
                 .sequences = sequences};
  if (!sizes(kv, &bytes)) {
    return svf_fail(SVF_ERR_OVERFLOW,
                    "a KV cache of %zu positions in %zu sequences exceeds SIZE_MAX", tokens,
                    sequences);
  }
  kv->limit = svf_size_min(limit, kv->count * SVF_KV_BLOCK);
  if (!allocate(kv, bytes)) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for a KV cache of %zu positions (%zu bytes)", tokens,
                    bytes);
  }
  kv->unused_count = kv->count;
  for (size_t i = 0; i < kv->count; ++i) kv->unused[i] = (uint32_t)(kv->count - 1 - i);
  return SVF_OK;
}

void svf_kv_free(svf_kv *kv)
{
  for (size_t i = 0; kv->sequence && i < kv->sequences; ++i) {
    free(kv->sequence[i].tokens);
    free(kv->sequence[i].blocks);
  }
  free(kv->sequence);
  free(kv->unused);
  free(kv->holders);
  free(kv->data);
  *kv = (svf_kv){0};
}

/* --- Blocks ----------------------------------------------------------------------------------- */

static uint32_t take(svf_kv *kv)
{
  const uint32_t block = kv->unused[--kv->unused_count];
  kv->holders[block] = 1;
  return block;
}

static void let_go(svf_kv *kv, uint32_t block)
{
  if (--kv->holders[block] == 0) kv->unused[kv->unused_count++] = block;
}

/* Copies the first `count` positions of a KV block, of all layers and KV heads. Keys are copied in
 * whole panels, since positions are their lanes. */
static void copy_block(const svf_kv *kv, size_t from, size_t to, size_t count)
{
  const float *in = kv->data + from * kv->block_floats;
  float *out = kv->data + to * kv->block_floats;
  const size_t keys = svf_size_ceil(count, SVF_PANEL) * SVF_PANEL * kv->dim;
  for (size_t i = 0; i < kv->layers * kv->heads; ++i) {
    const size_t at = i * kv->kv_head_floats, values = at + kv->dim * SVF_KV_BLOCK;
    memcpy(out + at, in + at, keys * sizeof *out);
    for (size_t lane = 0; lane < kv->lanes; lane += SVF_PANEL) {
      const size_t panel = values + lane * SVF_KV_BLOCK;
      memcpy(out + panel, in + panel, count * SVF_PANEL * sizeof *out);
    }
  }
}

void svf_kv_truncate(svf_kv *kv, size_t sequence, size_t length)
{
  svf_kv_sequence *s = &kv->sequence[sequence];
  if (length < s->length) s->length = length;
  while (s->held > svf_kv_blocks(s->length)) let_go(kv, s->blocks[--s->held]);
}

size_t svf_kv_matching(const svf_kv *kv, size_t sequence, uint64_t hash, const int32_t *tokens,
                       size_t count)
{
  const svf_kv_sequence *s = &kv->sequence[sequence];
  size_t i = 0;
  if (s->hash != hash) return 0;
  while (i < count && i < s->length && s->tokens[i] == tokens[i]) ++i;
  return i;
}

/* --- Growing ---------------------------------------------------------------------------------- */

/* True if a sequence that goes on would write into a KV block that others hold too. */
static bool goes_on_shared(const svf_kv *kv, const svf_kv_sequence *s)
{
  return s->length % SVF_KV_BLOCK != 0 && kv->holders[s->blocks[s->length / SVF_KV_BLOCK]] > 1;
}

size_t svf_kv_missing(const svf_kv *kv, size_t sequence, size_t positions)
{
  const svf_kv_sequence *s = &kv->sequence[sequence];
  if (positions <= s->length) return 0;
  const size_t all = svf_kv_blocks(positions);
  return (all > s->held ? all - s->held : 0) + (goes_on_shared(kv, s) ? 1 : 0);
}

static svf_status check_limit(const svf_kv *kv, const size_t *more)
{
  for (size_t i = 0; i < kv->sequences; ++i) {
    const size_t length = kv->sequence[i].length;
    if (more[i] <= kv->limit - length) continue;
    return svf_fail(SVF_ERR_SPACE, "sequence %zu has %zu positions, %zu more exceed the limit %zu",
                    i, length, more[i], kv->limit);
  }
  return SVF_OK;
}

/* Counts the KV blocks to be taken. A sequence that goes on in a shared block lets go of it, so
 * that the last sequence to hold it keeps it. */
static size_t leave_shared(svf_kv *kv, const size_t *more)
{
  size_t wanted = 0;
  for (size_t i = 0; i < kv->sequences; ++i) {
    svf_kv_sequence *s = &kv->sequence[i];
    wanted += svf_kv_missing(kv, i, s->length + more[i]);
    s->leaves = more[i] > 0 && goes_on_shared(kv, s);
    if (s->leaves) --kv->holders[s->blocks[s->length / SVF_KV_BLOCK]];
  }
  return wanted;
}

static void rejoin_shared(svf_kv *kv)
{
  for (size_t i = 0; i < kv->sequences; ++i) {
    const svf_kv_sequence *s = &kv->sequence[i];
    if (s->leaves) ++kv->holders[s->blocks[s->length / SVF_KV_BLOCK]];
  }
}

static void grow(svf_kv *kv, svf_kv_sequence *s, size_t more)
{
  if (s->leaves) {
    uint32_t *block = &s->blocks[s->length / SVF_KV_BLOCK];
    const uint32_t own = take(kv);
    copy_block(kv, *block, own, s->length % SVF_KV_BLOCK);
    *block = own;
  }
  while (s->held < svf_kv_blocks(s->length + more)) s->blocks[s->held++] = take(kv);
}

svf_status svf_kv_grow(svf_kv *kv, const size_t *more)
{
  const svf_status status = check_limit(kv, more);
  if (status != SVF_OK) return status;
  const size_t wanted = leave_shared(kv, more);
  if (wanted > kv->unused_count) {
    rejoin_shared(kv);
    return svf_fail(SVF_ERR_SPACE, "the KV cache is full: %zu blocks wanted, %zu of %zu free",
                    wanted, kv->unused_count, kv->count);
  }
  for (size_t i = 0; i < kv->sequences; ++i) grow(kv, &kv->sequence[i], more[i]);
  return SVF_OK;
}

/* KV blocks that are free once a sequence has let go of its own. */
static size_t free_without(const svf_kv *kv, const svf_kv_sequence *s)
{
  size_t count = kv->unused_count;
  for (size_t i = 0; i < s->held; ++i) count += kv->holders[s->blocks[i]] == 1;
  return count;
}

svf_status svf_kv_fork(svf_kv *kv, size_t from, size_t to, size_t length)
{
  const svf_kv_sequence *donor = &kv->sequence[from];
  svf_kv_sequence *s = &kv->sequence[to];
  const size_t whole = length / SVF_KV_BLOCK, rest = length % SVF_KV_BLOCK;
  if (rest > 0 && free_without(kv, s) == 0) {
    return svf_fail(SVF_ERR_SPACE, "the KV cache is full: 1 block wanted, 0 of %zu free",
                    kv->count);
  }
  svf_kv_truncate(kv, to, 0);
  for (; s->held < whole; ++s->held) {
    s->blocks[s->held] = donor->blocks[s->held];
    ++kv->holders[s->blocks[s->held]];
  }
  if (rest > 0) {
    s->blocks[s->held++] = take(kv);
    copy_block(kv, donor->blocks[whole], s->blocks[whole], rest);
  }
  memcpy(s->tokens, donor->tokens, length * sizeof *s->tokens);
  s->length = length;
  s->hash = donor->hash;
  return SVF_OK;
}

/* --- Keys and values -------------------------------------------------------------------------- */

float *svf_kv_keys(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                   size_t position)
{
  const size_t block = s->blocks[position / SVF_KV_BLOCK];
  return kv->data + block * kv->block_floats + (layer * kv->heads + kv_head) * kv->kv_head_floats;
}

float *svf_kv_values(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                     size_t position)
{
  return svf_kv_keys(kv, s, layer, kv_head, position) + kv->dim * SVF_KV_BLOCK;
}

void svf_kv_store(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t kv_head,
                  size_t position, const float *key, const float *value)
{
  const size_t at = position % SVF_KV_BLOCK;
  float *k = svf_kv_keys(kv, s, layer, kv_head, position);
  float *v = svf_kv_values(kv, s, layer, kv_head, position);
  k += at / SVF_PANEL * kv->dim * SVF_PANEL + at % SVF_PANEL;
  for (size_t i = 0; i < kv->dim; ++i) k[i * SVF_PANEL] = key[i];
  for (size_t i = 0; i < kv->lanes; ++i) {
    v[(i / SVF_PANEL * SVF_KV_BLOCK + at) * SVF_PANEL + i % SVF_PANEL] = i < kv->dim ? value[i] : 0;
  }
}
