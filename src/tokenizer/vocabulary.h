/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens, found by text and by id. */
#ifndef SVF_TOKENIZER_VOCABULARY_H
#define SVF_TOKENIZER_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

typedef struct svf_tok_token {
  uint32_t text, bytes; /* place and length in the vocabulary's texts, terminated */
  int32_t id;
  bool model;   /* merges may make it; other tokens are only found in the text */
  bool special; /* see SVF_TOKENIZER_PLAIN and SVF_TOKENIZER_SKIP_SPECIAL */
} svf_tok_token;

typedef struct svf_tok_vocabulary {
  svf_tok_token *tokens;
  size_t count, capacity;
  char *texts;
  size_t text_bytes, text_capacity;
  uint32_t *slots; /* [mask + 1], open addressing by text: index in tokens + 1, or 0 */
  size_t mask;     /* the number of slots - 1 */
  uint32_t *by_id; /* [size]: index in tokens + 1, or 0 */
  size_t size;     /* the largest id + 1 */
} svf_tok_vocabulary;

/* Make space for `tokens` tokens with text_bytes in total (without terminators) and ids up to
 * max_id. It must be freed, also after a failure. Errors: FILE (too long), MEMORY. */
svf_status svf_tok_vocabulary_make(svf_tok_vocabulary *vocabulary, size_t tokens, size_t text_bytes,
                                   int32_t max_id);

/* Add a token. Errors: FILE (the text or the id is there already; too many texts hash to one
 * place). */
svf_status svf_tok_vocabulary_add(svf_tok_vocabulary *vocabulary, const svf_tok_token *token,
                                  const char *text);

void svf_tok_vocabulary_free(svf_tok_vocabulary *vocabulary);

/* The token of that text, or NULL. The second form finds the token whose text is that of two
 * others, one after the other. */
svf_tok_token *svf_tok_find(const svf_tok_vocabulary *vocabulary, const char *text, size_t bytes);
svf_tok_token *svf_tok_find_joined(const svf_tok_vocabulary *vocabulary, const svf_tok_token *left,
                                   const svf_tok_token *right);

/* The token with that id, or NULL; id may be any number. */
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

/* Spreads a 64-bit key over all bits, of which tables use the low ones. */
static inline uint64_t svf_tok_mix(uint64_t x)
{
  x = (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
  return x ^ x >> 32;
}

/* How many slots are looked at for one key. In tables that are at most half full, a key needs more
 * only if somebody made it so: a file that is made for slow lookups is refused. */
#define SVF_TOK_MAX_PROBES 256

#endif
