/* SPDX-License-Identifier: Apache-2.0
 *
 * Added tokens: found in the text as they are spelled, before anything else is done with it. */
#ifndef SVF_TOKENIZER_ADDED_H
#define SVF_TOKENIZER_ADDED_H

#include <jansson.h>

#include "src/tokenizer/steps.h"
#include "src/tokenizer/vocabulary.h"

#define SVF_TOK_MAX_ADDED 1024 /* bytes of one */

typedef struct svf_tok_added {
  char *text; /* what is looked for: normalized, if the token is */
  size_t bytes;
  int32_t id;
  bool special, single_word, lstrip, rstrip;
} svf_tok_added;

/* Sorted by text, so that the longest at a place is found by bisection. */
typedef struct svf_tok_added_set {
  svf_tok_added *list;
  size_t count;
  bool begins[256]; /* a token begins with this byte */
} svf_tok_added_set;

/* Put the tokens of the file's `added_tokens` that the model lacks into the vocabulary, which has
 * room for them, and the others' special flag. Errors: FILE. */
svf_status svf_tok_added_vocabulary(const json_t *added_tokens, svf_tok_vocabulary *vocabulary);

/* The tokens whose `normalized` is this, normalized by these steps if they are. Free also after a
 * failure. Errors: FILE, OVERFLOW, MEMORY. */
svf_status svf_tok_added_read(svf_tok_added_set *set, const json_t *added_tokens, bool normalized,
                              const svf_tok_vocabulary *vocabulary,
                              const svf_tok_steps *normalizer);

void svf_tok_added_free(svf_tok_added_set *set);

/* The next match in a text. Zero it first. */
typedef struct svf_tok_hit {
  size_t plain; /* the text from here to `begin` is of no token */
  size_t begin, end;
  size_t search;
  const svf_tok_added *token; /* NULL: no more, begin is the end of the text */
} svf_tok_hit;

/* Step to the next match; with skip_special those of special tokens count for nothing. */
void svf_tok_added_next(const svf_tok_added_set *set, const char *text, size_t bytes,
                        bool skip_special, svf_tok_hit *hit);

#endif
