/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions of a tokenizer.json for PCRE2. They are written for Oniguruma in Ruby's
 * dialect, and see characters; PCRE2 gets bytes instead, one for the kind of each character (see
 * svf_tok_kinds). So PCRE2 needs to know nothing of Unicode. */
#ifndef SVF_TOKENIZER_TRANSLATE_H
#define SVF_TOKENIZER_TRANSLATE_H

#include "src/tokenizer/charset.h"
#include "src/tokenizer/pieces.h"

#define SVF_TOK_MAX_PATTERN 4096

/* Translate a regular expression of fewer than SVF_TOK_MAX_PATTERN bytes. What is not refused means
 * the same in both. *out, with a limit, gets PCRE2's pattern, terminated; it and *kinds, which must
 * be zero, must be freed, also after a failure. Errors: UNSUPPORTED, OVERFLOW, MEMORY. */
svf_status svf_tok_translate(const char *text, svf_tok_bytes *out, svf_tok_kinds *kinds);

#endif
