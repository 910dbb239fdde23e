/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of every token when it is decoded, prepared when the file is read. */
#ifndef SVF_TOKENIZER_DECODING_H
#define SVF_TOKENIZER_DECODING_H

#include <jansson.h>

#include "src/tokenizer/pieces.h"
#include "src/tokenizer/steps.h"
#include "src/tokenizer/vocabulary.h"

typedef enum svf_tok_decoding_kind {
  SVF_TOK_JOINED,     /* no decoder: tokens with spaces between them */
  SVF_TOK_BYTE_LEVEL, /* all tokens are bytes of one text */
  SVF_TOK_METASPACE,  /* marks become spaces, except in the first token if they are dropped there */
  SVF_TOK_CHAIN       /* replacements, then tokens of single bytes, then stripping */
} svf_tok_decoding_kind;

typedef struct svf_tok_form {
  uint32_t begin, bytes; /* in svf_tok_decoding.texts */
  bool byte;             /* it is a single byte, which need not be a whole character */
} svf_tok_form;

typedef struct svf_tok_decoding {
  svf_tok_decoding_kind kind;
  bool known;         /* a decoder was read */
  bool byte_fallback; /* tokens such as <0xE2> are bytes */
  bool fused;         /* the decoders that follow work on the whole text */
  svf_tok_steps replacements;
  char *mark; /* of Metaspace, which stands for a space */
  size_t mark_bytes;
  bool drop_first; /* marks of the first token are dropped */
  char strip[5];   /* the character that is stripped from the beginning of the text, terminated */
  uint32_t strip_count; /* how many of them at most */
  svf_tok_form *forms;  /* indexed as the vocabulary's tokens */
  svf_tok_bytes texts;  /* of all forms */
} svf_tok_decoding;

/* Read the file's `decoder`. Set *decoding to zero first; it must be freed, also after a failure.
 * Errors: FILE, UNSUPPORTED, MEMORY. */
svf_status svf_tok_decoding_read(svf_tok_decoding *decoding, const json_t *node,
                                 const svf_tok_vocabulary *vocabulary);

void svf_tok_decoding_free(svf_tok_decoding *decoding);

#endif
