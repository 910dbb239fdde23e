/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/foreign.h"
#include "src/io/text.h"

const svf_json_limits svf_json_usual = {.what = "the file", .depth = 64, .values = 1u << 22};

static svf_status check_limits(const char *json, size_t bytes, const svf_json_limits *limits)
{
  size_t depth = 0;
  size_t commas = 0;
  bool quoted = false;
  if (bytes == 0 || json[0] != '{') {
    const svf_status status = svf_foreign_check(json, bytes);
    if (status != SVF_OK) return status;
    return svf_fail(SVF_ERR_FILE, "%s does not start with '{'", limits->what);
  }
  for (size_t i = 0; i < bytes; ++i) {
    const char c = json[i];
    if (c == '"') quoted = !quoted;
    if (quoted) {
      if (c == '\\') ++i;
    } else if (c == '{' || c == '[') {
      if (++depth > limits->depth) {
        return svf_fail(SVF_ERR_FILE, "%s nests deeper than %zu levels", limits->what,
                        limits->depth);
      }
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    } else if (c == ',' && ++commas >= limits->values) {
      return svf_fail(SVF_ERR_FILE, "%s has more than %zu values", limits->what, limits->values);
    }
  }
  return SVF_OK;
}

/* jansson has a text for every error except lack of memory. */
static bool is_lack_of_memory(const json_error_t *error)
{
  return !error->text[0] || json_error_code(error) == json_error_out_of_memory;
}

/* A text on its way to jansson. */
typedef struct rewriting {
  const char *at, *end;
  char *out; /* has space for three times the text */
  bool escape, quoted;
} rewriting;

static void put(rewriting *r, const char *text, size_t bytes)
{
  memcpy(r->out, text, bytes);
  r->out += bytes;
}

static bool starts(const rewriting *r, const char *text)
{
  const size_t bytes = strlen(text);
  return bytes <= (size_t)(r->end - r->at) && memcmp(r->at, text, bytes) == 0;
}

/* Replaces `bytes` bytes of the text. */
static void replace(rewriting *r, size_t bytes, const char *by)
{
  put(r, by, strlen(by));
  r->at += bytes;
}

static bool is_bom_swapped(const rewriting *r)
{
  return starts(r, "\\ufffe") || starts(r, "\\uFFFE") || starts(r, SVF_JSON_ESCAPE);
}

/* A character or an escape in a string. */
static void rewrite_quoted(rewriting *r)
{
  if (starts(r, "\\u0000")) {
    replace(r, 6, r->escape ? "\\ufffe0" : "\\ufffd");
  } else if (r->escape && is_bom_swapped(r)) {
    replace(r, *r->at == '\\' ? 6 : 3, "\\ufffe1");
  } else {
    const size_t bytes = *r->at == '\\' && r->at + 1 < r->end ? 2 : 1;
    r->quoted = *r->at != '"';
    put(r, r->at, bytes);
    r->at += bytes;
  }
}

static size_t count_digits(const char *text, size_t bytes)
{
  size_t digits = 0;
  while (digits < bytes && text[digits] >= '0' && text[digits] <= '9') ++digits;
  return digits;
}

/* True if jansson can surely hold a number: an integer of 63 bits, or a real number that is not
 * nearly beyond the range. */
static bool fits(const char *number, size_t bytes)
{
  static const char most[] = "9223372036854775807";
  enum { LARGEST = 305 }; /* digits of the integral part */
  const size_t sign = number[0] == '-';
  const size_t digits = count_digits(number + sign, bytes - sign);
  size_t at = 0;
  size_t exponent = 0;
  if (digits == bytes - sign) {
    return digits < strlen(most) ||
           (digits == strlen(most) && memcmp(number + sign, most, digits) <= 0);
  }
  while (at < bytes && number[at] != 'e' && number[at] != 'E') ++at;
  at += at < bytes;
  if (at < bytes && number[at] == '-') return digits <= LARGEST;
  at += at < bytes && number[at] == '+';
  for (; at < bytes && exponent <= LARGEST; ++at)
    exponent = 10 * exponent + (size_t)(number[at] & 15);
  return digits + exponent <= LARGEST;
}

/* True if what was just read stands where a key should. */
static bool is_key(const rewriting *r)
{
  const char *next = r->at;
  while (next < r->end && strchr(" \t\r\n", *next) && *next) ++next;
  return next < r->end && *next == ':';
}

static void rewrite_word(rewriting *r)
{
  const char *word = r->at;
  while (r->at < r->end && *r->at && strchr("+-.0123456789aefintyIENF", *r->at)) ++r->at;
  const size_t bytes = (size_t)(r->at - word);
  const bool number = word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
  const bool known = (bytes == 3 && memcmp(word, "NaN", 3) == 0) ||
                     (bytes == 8 && memcmp(word, "Infinity", 8) == 0) ||
                     (bytes == 9 && memcmp(word, "-Infinity", 9) == 0);
  const bool quote = (known || (number && !fits(word, bytes))) && !is_key(r);
  if (quote) put(r, "\"", 1);
  put(r, word, bytes);
  if (quote) put(r, "\"", 1);
}

/* Rewrites what jansson does not read. */
static size_t rewrite(const char *json, size_t bytes, bool escape, char *out)
{
  rewriting r = {.at = json, .end = json + bytes, .out = out, .escape = escape};
  while (r.at < r.end) {
    const char c = *r.at;
    if (r.quoted) {
      rewrite_quoted(&r);
    } else if (c == '-' || c == 'I' || c == 'N' || (c >= '0' && c <= '9')) {
      rewrite_word(&r);
    } else {
      r.quoted = c == '"';
      *r.out++ = *r.at++;
    }
  }
  return (size_t)(r.out - out);
}

static svf_status load(const char *json, size_t bytes, const svf_json_limits *limits, json_t **root)
{
  json_error_t error;
  *root = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, &error);
  if (*root) return SVF_OK;
  if (is_lack_of_memory(&error)) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %s of %zu bytes", limits->what, bytes);
  }
  return svf_fail(SVF_ERR_FILE, "%s is not JSON: %s at byte %d", limits->what,
                  svf_text_show(error.text).text, error.position);
}

svf_status svf_json_parse(const char *json, size_t bytes, const svf_json_limits *limits,
                          json_t **root)
{
  *root = NULL;
  while (bytes > 0 && (*json == ' ' || *json == '\t' || *json == '\n' || *json == '\r')) {
    ++json;
    --bytes;
  }
  svf_status status = check_limits(json, bytes, limits);
  if (status != SVF_OK) return status;
  char *rewritten = bytes < SIZE_MAX / 3 ? malloc(3 * bytes) : NULL;
  if (!rewritten)
    return svf_fail(SVF_ERR_MEMORY, "no memory for %s of %zu bytes", limits->what, bytes);
  status = load(rewritten, rewrite(json, bytes, limits->escape, rewritten), limits, root);
  free(rewritten);
  return status;
}

size_t svf_json_unescape(char *text)
{
  const size_t bytes = strlen(SVF_JSON_ESCAPE);
  char *out = text;
  for (const char *at = text; *at;) {
    if (strncmp(at, SVF_JSON_ESCAPE, bytes) != 0) {
      *out++ = *at++;
    } else if (at[bytes] == '0') {
      *out++ = 0;
      at += bytes + 1;
    } else {
      memcpy(out, SVF_JSON_ESCAPE, bytes);
      out += bytes;
      at += bytes + (at[bytes] == '1');
    }
  }
  *out = 0;
  return (size_t)(out - text);
}

svf_status svf_json_read(const char *path, size_t max_bytes, json_t **root)
{
  char *json;
  size_t bytes;
  *root = NULL;
  svf_status status = svf_file_read(path, max_bytes, &json, &bytes);
  if (status != SVF_OK) return status;
  status = svf_json_parse(json, bytes, &svf_json_usual, root);
  free(json);
  return svf_file_at_path(status, path);
}

bool svf_json_size(const json_t *value, size_t *out)
{
  if (!json_is_integer(value)) return false;
  const json_int_t i = json_integer_value(value);
  if (i < 0 || (uint64_t)i > SIZE_MAX) return false;
  *out = (size_t)i;
  return true;
}

/* --- Numbers as text -------------------------------------------------------------------------- */

svf_status svf_json_print_number(double number, size_t digits, char text[SVF_JSON_NUMBER])
{
  json_t *value = json_real(number);
  const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits);
  const size_t length = value ? json_dumpb(value, text, SVF_JSON_NUMBER - 1, flags) : 0;
  json_decref(value);
  if (length == 0) return svf_fail(SVF_ERR_MEMORY, "no memory for a number");
  text[length] = 0;
  return SVF_OK;
}

svf_status svf_json_read_number(const char *text, double *number)
{
  enum { LONGEST = 64 };
  json_error_t error;
  const size_t length = strlen(text);
  json_t *value = length <= LONGEST ? json_loads(text, JSON_DECODE_ANY, &error) : NULL;
  if (!value && length <= LONGEST && is_lack_of_memory(&error)) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for a number");
  }
  const bool is_number = json_is_number(value);
  if (is_number) *number = json_number_value(value);
  json_decref(value);
  if (is_number) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "'%s' is not a JSON number of at most %d characters",
                  svf_text_show(text).text, LONGEST);
}
