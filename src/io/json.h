/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON of untrusted files: duplicate keys are refused, and nesting and the number of values are
 * limited before a tree is built, which takes about 60 bytes for each value.
 *
 * What other libraries read and jansson does not is rewritten first, so that it only matters to
 * those who use it: numbers that do not fit 64 bits, and Python's NaN, Infinity and -Infinity,
 * become strings; U+0000 in a string becomes U+FFFD or, with `escape`, U+FFFE and '0'. */
#ifndef SVF_IO_JSON_H
#define SVF_IO_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

typedef struct svf_json_limits {
  const char *what; /* for messages, such as "the header" */
  size_t depth;     /* of nested objects and lists, including the outermost */
  size_t values;    /* how many there may be */
  bool escape;      /* strings and keys are escaped: see svf_json_unescape */
} svf_json_limits;

/* Limits for any file: a tokenizer of 256 Ki tokens and 512 Ki merges fits. */
extern const svf_json_limits svf_json_usual;

/* Parse an object in UTF-8 with nothing but white space around it; free *root by json_decref.
 * Errors: FILE, MEMORY (jansson reports some failures to allocate as malformed JSON, which are
 * FILE). */
svf_status svf_json_parse(const char *json, size_t bytes, const svf_json_limits *limits,
                          json_t **root);

/* The same for a file of at most max_bytes, with svf_json_usual. Errors: also IO; messages begin
 * with the path. */
svf_status svf_json_read(const char *path, size_t max_bytes, json_t **root);

/* False unless the value is a JSON integer that fits size_t; a real is not one. */
bool svf_json_size(const json_t *value, size_t *out);

#define SVF_JSON_ESCAPE "\xef\xbf\xbe" /* U+FFFE, with which escapes begin */
#define SVF_JSON_NUL "\xef\xbf\xbd"    /* U+FFFD, what U+0000 becomes without escapes */

/* Undo the escapes of a terminated text where it stands: U+FFFE and '0' become U+0000, U+FFFE and
 * '1' become U+FFFE. Returns its new length in bytes; it is terminated. */
size_t svf_json_unescape(char *text);

/* --- Numbers as text, the same in every locale ------------------------------------------------ */

enum { SVF_JSON_NUMBER = 32 }; /* bytes of a number that is written, including the final NUL */

/* Write a finite number, rounded to `digits` significant digits, 1 to 17. Errors: MEMORY. */
svf_status svf_json_print_number(double number, size_t digits, char text[SVF_JSON_NUMBER]);

/* Read a string that is a JSON number of at most 64 characters and nothing else; *number changes
 * only on OK. Errors: FILE, MEMORY. */
svf_status svf_json_read_number(const char *text, double *number);

#endif
