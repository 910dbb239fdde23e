/* SPDX-License-Identifier: Apache-2.0
 *
 * What tokens become when they are decoded, prepared for every token when the file is read. */
#ifndef SVF_TOKENIZER_DECODING_H
#define SVF_TOKENIZER_DECODING_H

#include <jansson.h>

#include "src/tokenizer/pieces.h"
#include "src/tokenizer/steps.h"
#include "src/tokenizer/vocabulary.h"

typedef enum svf_tok_decoding_kind {
  SVF_TOK_JOINED,     /* no decoder: tokens with spaces between */
  SVF_TOK_BYTE_LEVEL, /* all tokens are bytes of one text */
  SVF_TOK_METASPACE,  /* marks are spaces, but not in the first token */
  SVF_TOK_CHAIN       /* replacements, then tokens of single bytes, then stripping */
} svf_tok_decoding_kind;

typedef struct svf_tok_form {
  uint32_t begin, bytes; /* in the texts */
  bool byte;             /* it is one byte of a character, or of none */
} svf_tok_form;

typedef struct svf_tok_decoding {
  svf_tok_decoding_kind kind;
  bool known; /* a decoder was read */
  bool byte_fallback, fused;
  svf_tok_steps replacements;
  char *mark; /* Metaspace's */
  size_t mark_bytes;
  bool drop_first;      /* marks of the first token are nothing */
  char strip[5];        /* a character that the text loses at its beginning ... */
  uint32_t strip_count; /* ... so often at most */
  svf_tok_form *forms;  /* by place in the vocabulary's tokens */
  svf_tok_bytes texts;
} svf_tok_decoding;

/* The file's `decoder`. Zero it first, free also after a failure. Errors: FILE, UNSUPPORTED,
 * MEMORY. */
svf_status svf_tok_decoding_read(svf_tok_decoding *decoding, const json_t *node,
                                 const svf_tok_vocabulary *vocabulary);

void svf_tok_decoding_free(svf_tok_decoding *decoding);

#endif
