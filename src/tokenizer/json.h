/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the sections of a tokenizer.json. `what` names the section in messages. */
#ifndef SVF_TOKENIZER_JSON_H
#define SVF_TOKENIZER_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <svf/status.h>

#define SVF_TOK_MAX_STEPS 32 /* in one sequence of normalizers, decoders, ... */

/* The required string `type`. Errors: FILE. */
svf_status svf_tok_type(const json_t *node, const char *what, const char **type);

/* Fails with UNSUPPORTED and "<what> of the type '<type>' is not supported". */
svf_status svf_tok_unknown_type(const char *what, const char *type);

/* Read a required string, or a boolean that is `missing` if the key is absent. Errors: FILE. */
svf_status svf_tok_string(const json_t *node, const char *what, const char *key,
                          const char **value);
svf_status svf_tok_flag(const json_t *node, const char *what, const char *key, bool missing,
                        bool *value);

/* A required token id. Errors: FILE. */
svf_status svf_tok_id(const json_t *value, const char *what, int32_t *id);

/* A string of the file without its escapes (see svf_json_unescape), which may hold U+0000. It is
 * terminated and must be freed, also after a failure. Errors: MEMORY. */
typedef struct svf_tok_plain {
  const char *text; /* of the file itself, or `owned` */
  size_t bytes;
  char *owned;
} svf_tok_plain;

svf_status svf_tok_plain_make(const char *escaped, svf_tok_plain *plain);
void svf_tok_plain_free(svf_tok_plain *plain);

/* Calls read(step, type, context) for a node or, if it is a Sequence, for each element of its list
 * `key`; does nothing for null. Errors: FILE, UNSUPPORTED, those of read. */
typedef svf_status svf_tok_read(const json_t *step, const char *type, void *context);
svf_status svf_tok_each(const json_t *node, const char *what, const char *key, svf_tok_read *read,
                        void *context);

#endif
