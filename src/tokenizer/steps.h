/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a text before its words are merged. Normalizers and pre-tokenizers come down to
 * the same few steps; a normalizer's steps run on one span, a pre-tokenizer's on all of them. */
#ifndef SVF_TOKENIZER_STEPS_H
#define SVF_TOKENIZER_STEPS_H

#include <jansson.h>

#include "src/tokenizer/pattern.h"
#include "src/tokenizer/pieces.h"

typedef enum svf_tok_step_kind {
  SVF_TOK_NFC,
  SVF_TOK_PREFIX,  /* put `content` before a span; see `unless_there`, `first_only` */
  SVF_TOK_REPLACE, /* matches of `pattern` by `content` */
  SVF_TOK_SPLIT,   /* at the matches of `pattern` */
  SVF_TOK_BYTES    /* every byte becomes a character of the byte-level alphabet */
} svf_tok_step_kind;

/* What becomes of the matches that a span is split at. */
typedef enum svf_tok_behavior {
  SVF_TOK_ISOLATED,
  SVF_TOK_REMOVED,
  SVF_TOK_MERGED_WITH_PREVIOUS,
  SVF_TOK_MERGED_WITH_NEXT,
  SVF_TOK_CONTIGUOUS /* matches in a row are one */
} svf_tok_behavior;

#define SVF_TOK_MAX_CONTENT 256 /* bytes */

typedef struct svf_tok_step {
  svf_tok_step_kind kind;
  svf_tok_pattern *pattern;
  char *content;
  size_t content_bytes;
  svf_tok_behavior behavior;
  bool invert;       /* what does not match is the match */
  bool unless_there; /* only spans that do not begin with it */
  bool first_only;   /* only the span that begins where the input does */
} svf_tok_step;

typedef struct svf_tok_steps {
  svf_tok_step *list;
  size_t count, capacity;
} svf_tok_steps;

/* The file's `normalizer` and `pre_tokenizer`. Zero *steps before, free it also after a failure.
 * Errors: FILE, UNSUPPORTED, MEMORY. */
svf_status svf_tok_normalizer_read(svf_tok_steps *steps, const json_t *node);
svf_status svf_tok_pre_tokenizer_read(svf_tok_steps *steps, const json_t *node);

void svf_tok_steps_free(svf_tok_steps *steps);

/* Replace, which is a normalizer and a decoder. */
svf_status svf_tok_replace_read(svf_tok_steps *steps, const json_t *node, const char *what);

/* Whether Metaspace, a pre-tokenizer and a decoder, puts its mark before a text. Old files say so
 * by add_prefix_space. */
svf_status svf_tok_scheme_read(const json_t *node, bool *prefix, bool *first_only);

/* Run all steps on *pieces; *spare is memory, its limit must be set. Errors: OVERFLOW, MEMORY,
 * UNSUPPORTED (too much work). */
svf_status svf_tok_steps_run(const svf_tok_steps *steps, svf_tok_matcher *matcher,
                             svf_tok_pieces *pieces, svf_tok_pieces *spare);

/* Normalization form C of well-formed UTF-8, appended. Linear but for the sorting of marks. */
svf_status svf_tok_nfc(const char *text, size_t bytes, svf_tok_bytes *out);

#endif
