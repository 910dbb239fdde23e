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

svf_status svf_json_parse(const char *json, size_t bytes, const svf_json_limits *limits,
                          json_t **root)
{
  json_error_t error;
  *root = NULL;
  const svf_status status = check_limits(json, bytes, limits);
  if (status != SVF_OK) return status;
  *root = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, &error);
  if (*root) return SVF_OK;
  if (is_lack_of_memory(&error)) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %s of %zu bytes", limits->what, bytes);
  }
  return svf_fail(SVF_ERR_FILE, "%s is not JSON: %s at byte %d", limits->what,
                  svf_text_show(error.text).text, error.position);
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
