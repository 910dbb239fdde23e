/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON of untrusted files: duplicate keys are refused, and nesting and the number of values are
 * limited before a tree is built, which takes some 60 bytes for each value. */
#ifndef SVF_IO_JSON_H
#define SVF_IO_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

typedef struct svf_json_limits {
  const char *what; /* "the header", for messages */
  size_t depth;     /* of objects and lists in each other, the outermost included */
  size_t values;
} svf_json_limits;

/* For any file: a tokenizer of 256 Ki tokens and 512 Ki pairs of merges fits. */
extern const svf_json_limits svf_json_usual;

/* Parse an object, UTF-8 and nothing behind it; json_decref(*root). Errors: FILE, MEMORY (some
 * failures to allocate look like malformed JSON to jansson and are FILE). */
svf_status svf_json_parse(const char *json, size_t bytes, const svf_json_limits *limits,
                          json_t **root);

/* The same, of a file of at most max_bytes, with svf_json_usual. Errors: IO too; with the path. */
svf_status svf_json_read(const char *path, size_t max_bytes, json_t **root);

/* A JSON integer that is a size. jansson refuses integers beyond 64 bits, and reals are none. */
bool svf_json_size(const json_t *value, size_t *out);

#endif
