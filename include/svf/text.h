/* SPDX-License-Identifier: Apache-2.0
 *
 * Text as it is generated: whole characters, and nothing of a stop string (library svf_model). */
#ifndef SVF_TEXT_H
#define SVF_TEXT_H

#include <stdbool.h>

#include <svf/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_text svf_text;

/* Start a text. stops: [count] terminated strings, none empty, copied; NULL if count is 0. flags as
 * svf_decoder_init. The tokenizer must stay open. *text is to be destroyed. Errors: NULL, ARGUMENT,
 * MEMORY. */
SVF_API svf_status svf_text_create(const svf_tokenizer *tokenizer, unsigned flags,
                                   const char *const *stops, size_t count, svf_text **text);
SVF_API void svf_text_destroy(svf_text *text);

/* What has become certain with this token: *bytes at *out, which belong to `text` until its next
 * call. What might be the beginning of a stop string is held back. *stopped becomes true once one
 * is there: the text ends before the one that ends first, the longest of those, and later tokens
 * add nothing. Errors: NULL, MEMORY. */
SVF_API svf_status svf_text_push(svf_text *text, int32_t token, const char **out, size_t *bytes,
                                 bool *stopped);

/* What was held back, at the end of the text, but for a stop string that the end completes. Errors:
 * NULL, MEMORY. */
SVF_API svf_status svf_text_flush(svf_text *text, const char **out, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
