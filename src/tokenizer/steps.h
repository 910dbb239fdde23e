/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps that a text goes through before its words are merged. Normalizers and pre-tokenizers
 * come down to the same few steps; a normalizer's run on one piece, a pre-tokenizer's on many. */
#ifndef SVF_TOKENIZER_STEPS_H
#define SVF_TOKENIZER_STEPS_H

#include <jansson.h>

#include "src/tokenizer/pattern.h"
#include "src/tokenizer/pieces.h"

typedef enum svf_tok_step_kind {
  SVF_TOK_NFC,
  SVF_TOK_PREFIX,  /* put `content` before a piece; see `unless_there`, `first_only` */
  SVF_TOK_REPLACE, /* replace matches of `pattern` by `content` */
  SVF_TOK_SPLIT,   /* split a piece at the matches of `pattern` */
  SVF_TOK_BYTES    /* make every byte a character of the byte-level alphabet */
} svf_tok_step_kind;

/* Where the matches go that a piece is split at. */
typedef enum svf_tok_behavior {
  SVF_TOK_ISOLATED,             /* a match is a piece */
  SVF_TOK_REMOVED,              /* a match is dropped */
  SVF_TOK_MERGED_WITH_PREVIOUS, /* a match ends the piece before it */
  SVF_TOK_MERGED_WITH_NEXT,     /* a match begins the piece after it */
  SVF_TOK_CONTIGUOUS            /* matches in a row are one piece */
} svf_tok_behavior;

#define SVF_TOK_MAX_CONTENT 256 /* bytes of a step's content */

typedef struct svf_tok_step {
  svf_tok_step_kind kind;
  svf_tok_pattern *pattern;
  char *content;
  size_t content_bytes;
  svf_tok_behavior behavior;
  bool invert;       /* what does not match counts as the match */
  bool unless_there; /* only before pieces that do not begin with `content` */
  bool first_only;   /* only before the piece that begins where the input does */
} svf_tok_step;

typedef struct svf_tok_steps {
  svf_tok_step *list;
  size_t count, capacity;
} svf_tok_steps;

/* Read the file's `normalizer` or `pre_tokenizer`. Set *steps to zero first; they must be freed,
 * also after a failure. Errors: FILE, UNSUPPORTED, MEMORY. */
svf_status svf_tok_normalizer_read(svf_tok_steps *steps, const json_t *node);
svf_status svf_tok_pre_tokenizer_read(svf_tok_steps *steps, const json_t *node);

void svf_tok_steps_free(svf_tok_steps *steps);

/* Read Replace, which is a normalizer and a decoder, and add its step. Errors: as above. */
svf_status svf_tok_replace_read(svf_tok_steps *steps, const json_t *node, const char *what);

/* Read whether Metaspace, which is a pre-tokenizer and a decoder, puts its mark before a text, and
 * whether only before the first piece. Old files say so by add_prefix_space. Errors: FILE. */
svf_status svf_tok_scheme_read(const json_t *node, bool *prefix, bool *first_only);

/* Run all steps on *pieces. *spare is memory for that, whose limit must be set. Errors: OVERFLOW,
 * MEMORY, UNSUPPORTED (too much work). */
svf_status svf_tok_steps_run(const svf_tok_steps *steps, svf_tok_matcher *matcher,
                             svf_tok_pieces *pieces, svf_tok_pieces *spare);

/* Append the normalization form C of well-formed UTF-8. Takes linear time. Errors: OVERFLOW,
 * MEMORY. */
svf_status svf_tok_nfc(const char *text, size_t bytes, svf_tok_bytes *out);

#endif
