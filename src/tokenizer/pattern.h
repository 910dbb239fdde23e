/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions of a tokenizer.json. They are written for Oniguruma in Ruby's dialect and run
 * by PCRE2; what the two read differently is refused, or rewritten where real models use it. */
#ifndef SVF_TOKENIZER_PATTERN_H
#define SVF_TOKENIZER_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

typedef struct svf_tok_pattern svf_tok_pattern;

/* A regular expression, or a literal string. Errors: FILE (malformed), UNSUPPORTED (a construct is
 * not known; it matches the empty string), MEMORY. */
svf_status svf_tok_pattern_make(const char *text, bool literal, svf_tok_pattern **pattern);

void svf_tok_pattern_free(svf_tok_pattern *pattern);

/* The same in PCRE2's dialect: out has room for SVF_TOK_MAX_PATTERN * 8. */
#define SVF_TOK_MAX_PATTERN 4096
svf_status svf_tok_pattern_translate(const char *text, char *out);

/* Memory of one thread for matching, and what work it may still do. Zero it, then set work. */
typedef struct svf_tok_matcher {
  void *data, *context;
  size_t work;
} svf_tok_matcher;

/* Work that texts of so many bytes never need with the patterns of real models. */
static inline size_t svf_tok_matcher_work(size_t bytes) { return 64 * bytes + (1u << 20); }

void svf_tok_matcher_free(svf_tok_matcher *matcher);

/* The first match in text[from, bytes): *begin == bytes if there is none. Errors: MEMORY,
 * UNSUPPORTED (too much work). */
svf_status svf_tok_pattern_find(const svf_tok_pattern *pattern, svf_tok_matcher *matcher,
                                const char *text, size_t bytes, size_t from, size_t *begin,
                                size_t *end);

#endif
