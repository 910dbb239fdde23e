/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers that grow, and a text on its way to tokens: cut into spans, rewritten, cut again. */
#ifndef SVF_TOKENIZER_PIECES_H
#define SVF_TOKENIZER_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

/* Places in a text are 32 bits, and so are the bytes that a rule may make of it. */
#define SVF_TOK_MAX_BYTES ((size_t)INT32_MAX)

/* The items, moved to where `needed` of them fit, or NULL, and then they are where they were. */
void *svf_tok_grow(void *items, size_t *capacity, size_t needed, size_t item_bytes);

typedef struct svf_tok_bytes {
  char *data;
  size_t count, capacity;
  size_t limit; /* count stays below: what is untrusted may not make much out of little */
} svf_tok_bytes;

/* Errors: OVERFLOW (the limit), MEMORY. */
svf_status svf_tok_bytes_append(svf_tok_bytes *bytes, const char *data, size_t count);

typedef struct svf_tok_ids {
  int32_t *data;
  size_t count, capacity;
} svf_tok_ids;

svf_status svf_tok_ids_append(svf_tok_ids *ids, int32_t id);

typedef struct svf_tok_span {
  uint32_t begin, bytes;
  bool first; /* it begins where the whole input begins */
} svf_tok_span;

typedef struct svf_tok_pieces {
  svf_tok_bytes text;
  svf_tok_span *spans;
  size_t count, capacity;
} svf_tok_pieces;

/* Add a span of what is in text already; an empty one is none. */
svf_status svf_tok_pieces_add(svf_tok_pieces *pieces, size_t begin, size_t bytes, bool first);

void svf_tok_pieces_free(svf_tok_pieces *pieces);

#endif
