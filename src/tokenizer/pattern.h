/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions of a tokenizer.json. They are written for Oniguruma in Ruby's dialect and run
 * by PCRE2. What the two read differently is refused or, where real models use it, rewritten. */
#ifndef SVF_TOKENIZER_PATTERN_H
#define SVF_TOKENIZER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

typedef struct svf_tok_pattern svf_tok_pattern;

/* Make a pattern from a regular expression or a literal string, to be freed on OK. Errors:
 * UNSUPPORTED (its length; a construct that is malformed or not known; it matches the empty
 * string), MEMORY. */
svf_status svf_tok_pattern_make(const char *text, bool literal, svf_tok_pattern **pattern);

void svf_tok_pattern_free(svf_tok_pattern *pattern);

/* Memory of one thread for matching, and the work that it may still do, in characters of windows.
 * Set it to zero, then set `work`. */
typedef struct svf_tok_matcher {
  void *data, *context;
  uint8_t *kinds; /* of the characters of the text that is searched */
  size_t capacity;
  size_t work;
} svf_tok_matcher;

/* A limit of work that a text of `bytes` bytes never reaches with the patterns of real models. */
static inline size_t svf_tok_matcher_work(size_t bytes) { return 64 * bytes + (1u << 20); }

void svf_tok_matcher_free(svf_tok_matcher *matcher);

/* A search for all matches in a text of well-formed UTF-8, which uses a matcher alone. */
typedef struct svf_tok_search {
  const svf_tok_pattern *pattern;
  svf_tok_matcher *matcher;
  const char *text;
  size_t bytes, characters;     /* of the text */
  size_t at_byte, at_character; /* where the last match ended */
} svf_tok_search;

/* Errors: MEMORY. */
svf_status svf_tok_search_begin(svf_tok_search *search, const svf_tok_pattern *pattern,
                                svf_tok_matcher *matcher, const char *text, size_t bytes);

/* Go on to the next match, text[*begin, *end), or *begin = *end = bytes if there is none. Errors:
 * MEMORY, UNSUPPORTED (too much work). */
svf_status svf_tok_search_next(svf_tok_search *search, size_t *begin, size_t *end);

#endif
