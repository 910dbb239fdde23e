/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens that begin and end a text. */
#include "src/core/status.h"
#include "src/io/json.h"
#include "src/transformer/config.h"
#include "src/transformer/config_json.h"
#include "src/transformer/config_parts.h"

/* A token that is none of the vocabulary's, such as -1, stands for none: *out becomes -1. */
static svf_status read_token(const json_t *value, const char *key, size_t vocab, int32_t *out)
{
  size_t id;
  if (!json_is_integer(value)) {
    return svf_fail(SVF_ERR_FILE, "%s is %s, not an integer", key, svf_json_show(value).text);
  }
  *out = svf_json_size(value, &id) && id < vocab ? (int32_t)id : -1;
  return SVF_OK;
}

static svf_status add_eos(const json_t *value, svf_config *c)
{
  int32_t id = -1;
  const svf_status status = read_token(value, "eos_token_id", c->vocab, &id);
  if (status != SVF_OK || id < 0) return status;
  for (int i = 0; i < c->eos_count; ++i) {
    if (c->eos[i] == id) return SVF_OK;
  }
  if (c->eos_count == SVF_CONFIG_MAX_EOS) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "eos_token_id: more than %d end tokens",
                    SVF_CONFIG_MAX_EOS);
  }
  c->eos[c->eos_count++] = id;
  return SVF_OK;
}

/* One token, or a list of tokens. */
static svf_status read_eos(const json_t *root, svf_config *c)
{
  const json_t *eos = svf_config_value(root, "eos_token_id");
  svf_status status = SVF_OK;
  if (eos && !json_is_array(eos)) return add_eos(eos, c);
  for (size_t i = 0; status == SVF_OK && i < json_array_size(eos); ++i) {
    status = add_eos(json_array_get(eos, i), c);
  }
  return status;
}

svf_status svf_config_tokens(const json_t *root, svf_config *c)
{
  const json_t *bos = json_object_get(root, "bos_token_id");
  svf_status status = SVF_OK;
  if (json_is_null(bos)) {
    c->bos = -1;
  } else if (bos) {
    status = read_token(bos, "bos_token_id", c->vocab, &c->bos);
  }
  if (c->bos >= 0 && (size_t)c->bos >= c->vocab) c->bos = -1; /* the default */
  if (status == SVF_OK && json_object_get(root, "eos_token_id")) {
    c->eos_count = 0;
    status = read_eos(root, c);
  }
  return status;
}

svf_status svf_config_parse_generation(const char *json, size_t bytes, svf_config *config)
{
  json_t *root;
  svf_status status = svf_json_parse(json, bytes, &svf_config_limits, &root);
  if (status != SVF_OK) return status;
  status = read_eos(root, config);
  json_decref(root);
  return status;
}
