/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers that grow, and a text on its way to tokens: it is split into pieces, which are rewritten
 * and split again. */
#ifndef SVF_TOKENIZER_PIECES_H
#define SVF_TOKENIZER_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

/* Places in a text have 32 bits; so a rule may not make more bytes of it than this. */
#define SVF_TOK_MAX_BYTES ((size_t)INT32_MAX)

/* Moves items to where `needed` of them fit. NULL if memory is short; they stay where they are
 * then. */
void *svf_tok_grow(void *items, size_t *capacity, size_t needed, size_t item_bytes);

typedef struct svf_tok_bytes {
  char *data;
  size_t count, capacity;
  size_t limit; /* of count, so that an untrusted file cannot make much out of little */
} svf_tok_bytes;

/* Append bytes. Errors: OVERFLOW (the limit), MEMORY. */
svf_status svf_tok_bytes_append(svf_tok_bytes *bytes, const char *data, size_t count);

typedef struct svf_tok_ids {
  int32_t *data;
  size_t count, capacity;
} svf_tok_ids;

/* Append an id. Errors: MEMORY. */
svf_status svf_tok_ids_append(svf_tok_ids *ids, int32_t id);

typedef struct svf_tok_piece {
  uint32_t begin, bytes; /* in svf_tok_pieces.text */
  bool first;            /* it begins where the whole input begins */
} svf_tok_piece;

typedef struct svf_tok_pieces {
  svf_tok_bytes text;
  svf_tok_piece *list; /* [count], in the order of the text */
  size_t count, capacity;
} svf_tok_pieces;

/* Add a piece whose text is there already, unless it is empty. Errors: MEMORY. */
svf_status svf_tok_pieces_add(svf_tok_pieces *pieces, size_t begin, size_t bytes, bool first);

void svf_tok_pieces_free(svf_tok_pieces *pieces);

#endif
