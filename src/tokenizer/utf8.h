/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 from outside. */
#ifndef SVF_TOKENIZER_UTF8_H
#define SVF_TOKENIZER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SVF_TOK_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

typedef enum svf_tok_sequence {
  SVF_TOK_CHARACTER, /* a whole character */
  SVF_TOK_BEGINNING, /* all bytes together are the beginning of a character */
  SVF_TOK_ILL        /* a maximal subpart of an ill-formed sequence, which counts as one U+FFFD */
} svf_tok_sequence;

/* What the `bytes` >= 1 bytes at s begin with; *length becomes its length. */
svf_tok_sequence svf_tok_utf8_next(const char *s, size_t bytes, size_t *length);

/* The bytes of the character at s in well-formed text. */
size_t svf_tok_utf8_length(const char *s);

/* The character at s, and the one that ends before `end` > begin, in well-formed text. */
uint32_t svf_tok_utf8_at(const char *s);
uint32_t svf_tok_utf8_before(const char *begin, const char *end);

/* Write a character, and return how many bytes it has: at most 4. */
size_t svf_tok_utf8_put(uint32_t c, char *out);

#endif
