/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens by text and by id. */
#ifndef SVF_TOKENIZER_VOCABULARY_H
#define SVF_TOKENIZER_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

typedef struct svf_tok_token {
  uint32_t text, bytes; /* in the vocabulary's texts, terminated */
  int32_t id;
  bool model;   /* merges may make it; other tokens are found in the text only */
  bool special; /* see SVF_TOKENIZER_PLAIN and SVF_TOKENIZER_SKIP_SPECIAL */
} svf_tok_token;

typedef struct svf_tok_vocabulary {
  svf_tok_token *tokens;
  size_t count, capacity;
  char *texts;
  size_t text_bytes, text_capacity;
  uint32_t *slots; /* open addressing by text: place in tokens + 1, or 0 */
  size_t mask;     /* slots - 1 */
  uint32_t *by_id; /* place in tokens + 1, or 0 */
  size_t size;     /* of by_id: the largest id + 1 */
} svf_tok_vocabulary;

/* Make room for `tokens` of text_bytes together (without terminators) and ids up to max_id. Free
 * also after a failure. Errors: FILE (too long), MEMORY. */
svf_status svf_tok_vocabulary_make(svf_tok_vocabulary *vocabulary, size_t tokens, size_t text_bytes,
                                   int32_t max_id);

/* Errors: FILE (the text or the id is there already; too many texts hash to one place). */
svf_status svf_tok_vocabulary_add(svf_tok_vocabulary *vocabulary, const svf_tok_token *token,
                                  const char *text);

void svf_tok_vocabulary_free(svf_tok_vocabulary *vocabulary);

/* The token of that text, or NULL. The second form finds two texts put together. */
svf_tok_token *svf_tok_find(const svf_tok_vocabulary *vocabulary, const char *text, size_t bytes);
svf_tok_token *svf_tok_find_joined(const svf_tok_vocabulary *vocabulary, const svf_tok_token *left,
                                   const svf_tok_token *right);

/* The token with that id, any id, or NULL. */
static inline const svf_tok_token *svf_tok_at(const svf_tok_vocabulary *vocabulary, int32_t id)
{
  if (id < 0 || (size_t)id >= vocabulary->size || vocabulary->by_id[id] == 0) return NULL;
  return &vocabulary->tokens[vocabulary->by_id[id] - 1];
}

static inline const char *svf_tok_text(const svf_tok_vocabulary *vocabulary,
                                       const svf_tok_token *token)
{
  return vocabulary->texts + token->text;
}

/* Spread a 64-bit key over all bits; tables take the low ones. */
static inline uint64_t svf_tok_mix(uint64_t x)
{
  x = (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
  return x ^ x >> 32;
}

/* How many slots are looked at for one key. In tables that are at most half full more are never
 * needed but on purpose: a file that is made so that lookups take long is refused. */
#define SVF_TOK_MAX_PROBES 256

#endif
