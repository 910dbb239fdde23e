/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"

static uint64_t hash(uint64_t state, const char *text, size_t bytes)
{
  for (size_t i = 0; i < bytes; ++i) state = (state ^ (unsigned char)text[i]) * 0x100000001b3u;
  return state;
}

static const uint64_t hash_start = 0xcbf29ce484222325u;

svf_status svf_tok_vocabulary_make(svf_tok_vocabulary *vocabulary, size_t tokens, size_t text_bytes,
                                   int32_t max_id)
{
  size_t slots = 2;
  *vocabulary = (svf_tok_vocabulary){0};
  if (tokens > SIZE_MAX / 64 || text_bytes > UINT32_MAX - tokens - 1) {
    return svf_fail(SVF_ERR_FILE,
                    "the vocabulary has %zu tokens of %zu bytes in total, which is too much",
                    tokens, text_bytes);
  }
  while (slots < 2 * tokens) slots *= 2;
  vocabulary->capacity = tokens;
  vocabulary->text_capacity = text_bytes + tokens;
  vocabulary->mask = slots - 1;
  vocabulary->tokens = malloc((tokens + 1) * sizeof *vocabulary->tokens);
  vocabulary->texts = malloc(vocabulary->text_capacity + 1);
  /* Pages that stay 0 are never touched, so a single large id costs no memory. */
  vocabulary->slots = calloc(slots, sizeof *vocabulary->slots);
  vocabulary->by_id = calloc((size_t)max_id + 1, sizeof *vocabulary->by_id);
  if (!vocabulary->tokens || !vocabulary->texts || !vocabulary->slots || !vocabulary->by_id) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu tokens", tokens);
  }
  return SVF_OK;
}

void svf_tok_vocabulary_free(svf_tok_vocabulary *vocabulary)
{
  free(vocabulary->tokens);
  free(vocabulary->texts);
  free(vocabulary->slots);
  free(vocabulary->by_id);
  *vocabulary = (svf_tok_vocabulary){0};
}

static bool spells(const svf_tok_vocabulary *vocabulary, const svf_tok_token *token,
                   const char *left, size_t left_bytes, const char *right, size_t right_bytes)
{
  const char *text = svf_tok_text(vocabulary, token);
  return token->bytes == left_bytes + right_bytes && memcmp(text, left, left_bytes) == 0 &&
         memcmp(text + left_bytes, right, right_bytes) == 0;
}

/* The token, or NULL. *slot is its slot, or the empty one where it belongs, or another token's if
 * none near is empty. */
static svf_tok_token *find(const svf_tok_vocabulary *vocabulary, const char *left,
                           size_t left_bytes, const char *right, size_t right_bytes, size_t *slot)
{
  const uint64_t key = hash(hash(hash_start, left, left_bytes), right, right_bytes);
  *slot = (size_t)svf_tok_mix(key) & vocabulary->mask;
  for (int i = 0; i < SVF_TOK_MAX_PROBES && vocabulary->slots[*slot] != 0; ++i) {
    svf_tok_token *token = &vocabulary->tokens[vocabulary->slots[*slot] - 1];
    if (spells(vocabulary, token, left, left_bytes, right, right_bytes)) return token;
    *slot = (*slot + 1) & vocabulary->mask;
  }
  return NULL;
}

svf_tok_token *svf_tok_find(const svf_tok_vocabulary *vocabulary, const char *text, size_t bytes)
{
  size_t slot;
  return find(vocabulary, text, bytes, "", 0, &slot);
}

svf_tok_token *svf_tok_find_joined(const svf_tok_vocabulary *vocabulary, const svf_tok_token *left,
                                   const svf_tok_token *right)
{
  size_t slot;
  return find(vocabulary, svf_tok_text(vocabulary, left), left->bytes,
              svf_tok_text(vocabulary, right), right->bytes, &slot);
}

svf_status svf_tok_vocabulary_add(svf_tok_vocabulary *vocabulary, const svf_tok_token *token,
                                  const char *text)
{
  size_t slot;
  const svf_tok_token *other = find(vocabulary, text, token->bytes, "", 0, &slot);
  if (other) {
    return svf_fail(SVF_ERR_FILE, "token '%s' has the ids %d and %d", svf_text_show(text).text,
                    (int)other->id, (int)token->id);
  }
  other = svf_tok_at(vocabulary, token->id);
  if (other) {
    return svf_fail(SVF_ERR_FILE, "tokens '%s' and '%s' have the same id %d",
                    svf_text_show(svf_tok_text(vocabulary, other)).text, svf_text_show(text).text,
                    (int)token->id);
  }
  if (vocabulary->slots[slot] != 0) {
    return svf_fail(SVF_ERR_FILE, "the tokens before '%s' are chosen to collide when hashed",
                    svf_text_show(text).text);
  }
  svf_tok_token *added = &vocabulary->tokens[vocabulary->count++];
  *added = *token;
  added->text = (uint32_t)vocabulary->text_bytes;
  memcpy(vocabulary->texts + vocabulary->text_bytes, text, (size_t)token->bytes + 1);
  vocabulary->text_bytes += (size_t)token->bytes + 1;
  if ((size_t)token->id >= vocabulary->size) vocabulary->size = (size_t)token->id + 1;
  vocabulary->slots[slot] = vocabulary->by_id[token->id] = (uint32_t)vocabulary->count;
  return SVF_OK;
}
