/* SPDX-License-Identifier: Apache-2.0
 *
 * Added tokens: they are found in the text as they are spelled, before anything else is done with
 * it. */
#ifndef SVF_TOKENIZER_ADDED_H
#define SVF_TOKENIZER_ADDED_H

#include <jansson.h>

#include "src/tokenizer/steps.h"
#include "src/tokenizer/vocabulary.h"

#define SVF_TOK_MAX_ADDED 1024 /* bytes of an added token */

typedef struct svf_tok_added {
  char *text; /* what is looked for, normalized if the token is; not terminated */
  size_t bytes;
  int32_t id;
  bool special, single_word, lstrip, rstrip;
} svf_tok_added;

/* A set is sorted by text, so that the longest token at a place is found by bisection. */
typedef struct svf_tok_added_set {
  svf_tok_added *list; /* [count] */
  size_t count;
  bool begins[256]; /* true for bytes that a token begins with */
} svf_tok_added_set;

/* Put those tokens of the file's `added_tokens` that the model lacks into the vocabulary, which has
 * space for them; the other tokens only get their special flag. As `tokenizers` does, the new ones
 * are numbered from the number of the model's tokens on, whatever ids the file gives them; only an
 * id that the model uses too, since its own have gaps, is refused here. Errors: FILE,
 * UNSUPPORTED. */
svf_status svf_tok_added_vocabulary(const json_t *added_tokens, svf_tok_vocabulary *vocabulary);

/* Read the tokens whose `normalized` is as given; if it is true, their texts are normalized by
 * these steps. The set must be freed, also after a failure. Errors: FILE, OVERFLOW, MEMORY,
 * UNSUPPORTED. */
svf_status svf_tok_added_read(svf_tok_added_set *set, const json_t *added_tokens, bool normalized,
                              const svf_tok_vocabulary *vocabulary,
                              const svf_tok_steps *normalizer);

void svf_tok_added_free(svf_tok_added_set *set);

/* A match in a text. Set it to zero before the first search. */
typedef struct svf_tok_hit {
  size_t plain;               /* the text from here to `begin` belongs to no token */
  size_t begin, end;          /* the match, with the white space that it takes */
  size_t search;              /* where the next search begins */
  const svf_tok_added *token; /* NULL: no more matches; `begin` is the end of the text */
} svf_tok_hit;

/* Go on to the next match; with skip_special, special tokens do not match. */
void svf_tok_added_next(const svf_tok_added_set *set, const char *text, size_t bytes,
                        bool skip_special, svf_tok_hit *hit);

#endif
