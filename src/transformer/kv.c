/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/kv.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/pages.h"

/* Sizes from the shape; false if they exceed SIZE_MAX. */
static bool sizes(svf_kv *kv, size_t *bytes)
{
  size_t sequences;
  kv->lanes = (kv->dim + SVF_PANEL - 1) / SVF_PANEL * SVF_PANEL;
  return svf_size_mul(kv->dim + kv->lanes, SVF_KV_BLOCK, &kv->head_floats) &&
         svf_size_mul(kv->head_floats, kv->heads, &kv->block_floats) &&
         svf_size_mul(kv->block_floats, kv->layers, &kv->block_floats) &&
         svf_size_mul(kv->block_floats, kv->count, bytes) &&
         svf_size_mul(*bytes, sizeof(float), bytes) && kv->count <= UINT32_MAX &&
         svf_size_mul(kv->sequences, sizeof *kv->sequence, &sequences);
}

static bool allocate(svf_kv *kv, size_t bytes)
{
  kv->data = svf_pages_alloc(bytes);
  kv->hash = calloc(kv->count, sizeof *kv->hash);
  kv->unused = malloc(kv->count * sizeof *kv->unused);
  kv->sequence = calloc(kv->sequences, sizeof *kv->sequence);
  if (!kv->data || !kv->hash || !kv->unused || !kv->sequence) return false;
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
                 .limit = limit,
                 .count = svf_kv_blocks(tokens),
                 .sequences = sequences};
  if (!sizes(kv, &bytes)) {
    return svf_fail(SVF_ERR_OVERFLOW,
                    "a KV cache of %zu positions in %zu sequences exceeds SIZE_MAX", tokens,
                    sequences);
  }
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
  free(kv->hash);
  free(kv->data);
  *kv = (svf_kv){0};
}

void svf_kv_truncate(svf_kv *kv, size_t sequence, size_t length)
{
  svf_kv_sequence *s = &kv->sequence[sequence];
  if (length < s->length) s->length = length;
  while (s->held > svf_kv_blocks(s->length)) kv->unused[kv->unused_count++] = s->blocks[--s->held];
}

size_t svf_kv_matching(const svf_kv *kv, size_t sequence, uint64_t hash, const int32_t *tokens,
                       size_t count)
{
  const svf_kv_sequence *s = &kv->sequence[sequence];
  size_t i = 0;
  while (i < count && i < s->length && s->tokens[i] == tokens[i] &&
         kv->hash[s->blocks[i / SVF_KV_BLOCK]] == hash) {
    ++i;
  }
  return i;
}

svf_status svf_kv_grow(svf_kv *kv, const size_t *more)
{
  size_t wanted = 0;
  for (size_t i = 0; i < kv->sequences; ++i) {
    const svf_kv_sequence *s = &kv->sequence[i];
    if (more[i] > kv->limit - s->length) {
      return svf_fail(SVF_ERR_SPACE,
                      "sequence %zu has %zu positions, %zu more exceed the limit %zu", i, s->length,
                      more[i], kv->limit);
    }
    wanted += svf_kv_blocks(s->length + more[i]) - s->held;
  }
  if (wanted > kv->unused_count) {
    return svf_fail(SVF_ERR_SPACE, "the KV cache is full: %zu blocks wanted, %zu of %zu free",
                    wanted, kv->unused_count, kv->count);
  }
  for (size_t i = 0; i < kv->sequences; ++i) {
    svf_kv_sequence *s = &kv->sequence[i];
    while (s->held < svf_kv_blocks(s->length + more[i])) {
      const uint32_t block = kv->unused[--kv->unused_count];
      kv->hash[block] = s->hash;
      s->blocks[s->held++] = block;
    }
  }
  return SVF_OK;
}

float *svf_kv_keys(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                   size_t position)
{
  const size_t block = s->blocks[position / SVF_KV_BLOCK];
  return kv->data + block * kv->block_floats + (layer * kv->heads + head) * kv->head_floats;
}

float *svf_kv_values(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                     size_t position)
{
  return svf_kv_keys(kv, s, layer, head, position) + kv->dim * SVF_KV_BLOCK;
}

void svf_kv_store(const svf_kv *kv, const svf_kv_sequence *s, size_t layer, size_t head,
                  size_t position, const float *key, const float *value)
{
  const size_t at = position % SVF_KV_BLOCK;
  float *k = svf_kv_keys(kv, s, layer, head, position);
  float *v = svf_kv_values(kv, s, layer, head, position);
  k += at / SVF_PANEL * kv->dim * SVF_PANEL + at % SVF_PANEL;
  for (size_t i = 0; i < kv->dim; ++i) k[i * SVF_PANEL] = key[i];
  for (size_t i = 0; i < kv->lanes; ++i) {
    v[(i / SVF_PANEL * SVF_KV_BLOCK + at) * SVF_PANEL + i % SVF_PANEL] = i < kv->dim ? value[i] : 0;
  }
}
