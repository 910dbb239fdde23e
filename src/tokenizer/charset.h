/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of characters, and the kinds of characters that some sets tell apart. */
#ifndef SVF_TOKENIZER_CHARSET_H
#define SVF_TOKENIZER_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

#define SVF_TOK_MAX_CHARACTER 0x10ffffu

typedef struct svf_tok_range {
  uint32_t first, last;
} svf_tok_range;

/* A set is zero at first and must be freed. After every function here its ranges are in order, with
 * gaps between them, so that equal sets have equal lists. */
typedef struct svf_tok_set {
  svf_tok_range *list; /* [count] */
  size_t count, capacity;
} svf_tok_set;

void svf_tok_set_free(svf_tok_set *set);

/* Add ranges in any order, which must not be those of the set. Errors: MEMORY. */
svf_status svf_tok_set_add(svf_tok_set *set, const svf_tok_range *ranges, size_t count);

/* The characters that are not in the set; those that are in both. Errors: MEMORY. */
svf_status svf_tok_set_invert(svf_tok_set *set);
svf_status svf_tok_set_intersect(svf_tok_set *set, const svf_tok_set *other);

bool svf_tok_set_has(const svf_tok_set *set, uint32_t c);
bool svf_tok_set_equal(const svf_tok_set *a, const svf_tok_set *b);

/* Two characters are of one kind if no set has only one of them. */
#define SVF_TOK_MAX_KINDS 256

typedef struct svf_tok_kinds {
  unsigned count;
  uint32_t example[SVF_TOK_MAX_KINDS]; /* a character of each kind */
  uint8_t ascii[128];                  /* the kind of each */
  uint16_t page_of[0x1100];            /* of each 256 characters in a row */
  uint8_t (*pages)[256];
} svf_tok_kinds;

/* Set *kinds to zero first; it must be freed, also after a failure. Errors: UNSUPPORTED (more kinds
 * than fit), MEMORY. */
svf_status svf_tok_kinds_make(svf_tok_kinds *kinds, const svf_tok_set *sets, size_t count);

void svf_tok_kinds_free(svf_tok_kinds *kinds);

static inline uint8_t svf_tok_kind(const svf_tok_kinds *kinds, uint32_t c)
{
  return kinds->pages[kinds->page_of[c >> 8]][c & 0xff];
}

#endif
