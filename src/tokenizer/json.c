/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/json.h"

#include <stdlib.h>
#include <string.h>

#include <svf/tokenizer.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/text.h"

svf_status svf_tok_type(const json_t *node, const char *what, const char **type)
{
  if (!json_is_object(node)) return svf_fail(SVF_ERR_FILE, "%s is not an object", what);
  return svf_tok_string(node, what, "type", type);
}

svf_status svf_tok_unknown_type(const char *what, const char *type)
{
  return svf_fail(SVF_ERR_UNSUPPORTED, "%s of the type '%s' is not supported", what,
                  svf_text_show(type).text);
}

svf_status svf_tok_string(const json_t *node, const char *what, const char *key, const char **value)
{
  *value = json_string_value(json_object_get(node, key));
  if (*value && strstr(*value, SVF_JSON_ESCAPE)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "%s: U+0000 or U+FFFE in '%s' is not supported", what,
                    key);
  }
  if (*value) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "%s has no string '%s'", what, key);
}

svf_status svf_tok_flag(const json_t *node, const char *what, const char *key, bool missing,
                        bool *value)
{
  const json_t *flag = json_object_get(node, key);
  *value = json_is_true(flag) || (!flag && missing);
  if (!flag || json_is_boolean(flag)) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "%s: '%s' is neither true nor false", what, key);
}

svf_status svf_tok_id(const json_t *value, const char *what, int32_t *id)
{
  if (!json_is_integer(value)) return svf_fail(SVF_ERR_FILE, "%s: its id is no integer", what);
  const json_int_t i = json_integer_value(value);
  if (i < 0 || i > SVF_TOKENIZER_MAX_ID) {
    return svf_fail(SVF_ERR_FILE, "%s: its id is %lld, not in 0..%d", what, (long long)i,
                    SVF_TOKENIZER_MAX_ID);
  }
  *id = (int32_t)i;
  return SVF_OK;
}

svf_status svf_tok_plain_make(const char *escaped, svf_tok_plain *plain)
{
  const size_t bytes = strlen(escaped);
  *plain = (svf_tok_plain){.text = escaped, .bytes = bytes};
  if (!strstr(escaped, SVF_JSON_ESCAPE)) return SVF_OK;
  plain->owned = malloc(bytes + 1);
  if (!plain->owned) return svf_fail(SVF_ERR_MEMORY, "no memory for a string");
  memcpy(plain->owned, escaped, bytes + 1);
  plain->text = plain->owned;
  plain->bytes = svf_json_unescape(plain->owned);
  return SVF_OK;
}

void svf_tok_plain_free(svf_tok_plain *plain)
{
  free(plain->owned);
  *plain = (svf_tok_plain){0};
}

static svf_status each_of(const json_t *list, const char *what, svf_tok_read *read, void *context)
{
  size_t i;
  json_t *step;
  svf_status status = SVF_OK;
  if (!json_is_array(list)) return svf_fail(SVF_ERR_FILE, "%s: a Sequence without a list", what);
  if (json_array_size(list) > SVF_TOK_MAX_STEPS) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "%s: a Sequence of %zu steps, the limit is %d", what,
                    json_array_size(list), SVF_TOK_MAX_STEPS);
  }
  json_array_foreach(list, i, step)
  {
    const char *type = "";
    status = svf_tok_type(step, what, &type);
    if (status == SVF_OK) status = read(step, type, context);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

svf_status svf_tok_each(const json_t *node, const char *what, const char *key, svf_tok_read *read,
                        void *context)
{
  const char *type = "";
  if (!node || json_is_null(node)) return SVF_OK;
  const svf_status status = svf_tok_type(node, what, &type);
  if (status != SVF_OK) return status;
  if (strcmp(type, "Sequence") != 0) return read(node, type, context);
  return each_of(json_object_get(node, key), what, read, context);
}
