/* SPDX-License-Identifier: Apache-2.0
 *
 * Text while it is generated, in whole characters and without stop strings (library svf_model). One
 * thread at a time may use a text; texts of the same tokenizer are independent of each other. */
#ifndef SVF_TEXT_H
#define SVF_TEXT_H

#include <stdbool.h>

#include <svf/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_text svf_text;

/* Start a text. `stops` are [count] terminated strings, none of them empty, which are copied; it
 * may be NULL if count is 0. They are looked for in the text as it is handed out, so what special
 * tokens divide counts as one text if SVF_TOKENIZER_SKIP_SPECIAL leaves them out. A stop string
 * that is the whole text of a special token also stops at that token. The flags are those of
 * svf_decoder_init. The tokenizer must stay open. On OK *text must be destroyed. Errors: NULL,
 * ARGUMENT, MEMORY. */
SVF_API svf_status svf_text_create(const svf_tokenizer *tokenizer, unsigned flags,
                                   const char *const *stops, size_t count, svf_text **text);

/* Free; NULL is ignored. */
SVF_API void svf_text_destroy(svf_text *text);

/* The text that has become certain with this token: *bytes bytes at *out, which belong to `text`
 * and stay valid until its next call. Text that might begin a stop string is held back. *stopped
 * becomes true once a stop string is complete: the text ends before the one that ends first, of
 * several the longest, and later tokens add nothing. Errors: NULL, MEMORY. */
SVF_API svf_status svf_text_push(svf_text *text, int32_t token, const char **out, size_t *bytes,
                                 bool *stopped);

/* The end: the text that was held back, without a stop string that the end completes. Errors: NULL,
 * MEMORY. */
SVF_API svf_status svf_text_flush(svf_text *text, const char **out, size_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
