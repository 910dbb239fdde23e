/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/json.h"

#include <stdint.h>
#include <stdlib.h>

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

svf_status svf_json_parse(const char *json, size_t bytes, const svf_json_limits *limits,
                          json_t **root)
{
  json_error_t error;
  *root = NULL;
  const svf_status status = check_limits(json, bytes, limits);
  if (status != SVF_OK) return status;
  *root = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, &error);
  if (*root) return SVF_OK;
  /* jansson has a text for every error except lack of memory */
  if (!error.text[0] || json_error_code(&error) == json_error_out_of_memory) {
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
