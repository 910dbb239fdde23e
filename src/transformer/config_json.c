/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/config_json.h"

#include <stdio.h>

#include "src/core/status.h"
#include "src/io/text.h"

const svf_json_limits svf_config_limits = {.what = "the file", .depth = 16, .values = 1u << 16};

svf_json_shown svf_json_show(const json_t *value)
{
  svf_json_shown s = {"missing"};
  if (!value) return s;
  switch (json_typeof(value)) {
    case JSON_INTEGER:
      snprintf(s.text, sizeof s.text, "%lld", (long long)json_integer_value(value));
      break;
    case JSON_REAL: snprintf(s.text, sizeof s.text, "%g", json_real_value(value)); break;
    case JSON_STRING:
      snprintf(s.text, sizeof s.text, "'%s'", svf_text_show(json_string_value(value)).text);
      break;
    case JSON_TRUE: return (svf_json_shown){"true"};
    case JSON_FALSE: return (svf_json_shown){"false"};
    case JSON_NULL: return (svf_json_shown){"null"};
    case JSON_ARRAY: return (svf_json_shown){"a list"};
    case JSON_OBJECT: return (svf_json_shown){"an object"};
  }
  return s;
}

const json_t *svf_config_value(const json_t *object, const char *key)
{
  const json_t *value = json_object_get(object, key);
  return json_is_null(value) ? NULL : value;
}

svf_status svf_config_size(const json_t *object, const char *key, size_t least, size_t most,
                           size_t *out)
{
  const json_t *value = json_object_get(object, key);
  size_t size;
  if (!value) return SVF_OK;
  if (!svf_json_size(value, &size) || size < least || size > most) {
    return svf_fail(SVF_ERR_FILE, "%s is %s, not an integer from %zu to %zu", key,
                    svf_json_show(value).text, least, most);
  }
  *out = size;
  return SVF_OK;
}

svf_status svf_config_bool(const json_t *object, const char *key, bool *out)
{
  const json_t *value = json_object_get(object, key);
  if (!value) return SVF_OK;
  if (!json_is_boolean(value)) {
    return svf_fail(SVF_ERR_FILE, "%s is %s, not true or false", key, svf_json_show(value).text);
  }
  *out = json_is_true(value);
  return SVF_OK;
}

svf_status svf_config_number(const json_t *object, const char *key, double least, double most,
                             double *out)
{
  const json_t *value = json_object_get(object, key);
  if (!value) return SVF_OK;
  const double number = json_number_value(value);
  if (!json_is_number(value) || !(number >= least && number <= most)) { /* NaN is neither */
    return svf_fail(SVF_ERR_FILE, "%s is %s, not a number from %g to %g", key,
                    svf_json_show(value).text, least, most);
  }
  *out = number;
  return SVF_OK;
}

svf_status svf_config_require(const json_t *object, const char *key)
{
  if (json_object_get(object, key)) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "%s is missing", key);
}
