/* SPDX-License-Identifier: Apache-2.0
 *
 * The rotary embedding of a configuration. */
#include <string.h>

#include "src/core/status.h"
#include "src/transformer/config.h"
#include "src/transformer/config_json.h"
#include "src/transformer/config_parts.h"

#define LEAST 1e-6
#define MOST 1e12
#define MOST_FACTOR 1e6

/* Finds the object that has the parameters, or NULL, and its key, for messages. As in transformers,
 * rope_scaling is used alone if both are given, unless it is empty. */
static svf_status find_object(const json_t *root, const char **key, const json_t **object)
{
  const json_t *scaling = svf_config_value(root, "rope_scaling");
  const json_t *parameters = svf_config_value(root, "rope_parameters");
  if (json_is_object(scaling) && json_object_size(scaling) == 0) scaling = NULL;
  *key = scaling ? "rope_scaling" : "rope_parameters";
  *object = scaling ? scaling : parameters;
  if (*object && !json_is_object(*object)) {
    return svf_fail(SVF_ERR_FILE, "%s is %s, not an object", *key, svf_json_show(*object).text);
  }
  return SVF_OK;
}

/* Refuses the form of architectures that rotate differently by kind of layer: an object for
 * each. */
static svf_status check_flat(const char *key, json_t *object)
{
  const char *name;
  json_t *value;
  json_object_foreach(object, name, value)
  {
    if (json_is_object(value)) {
      return svf_fail(SVF_ERR_UNSUPPORTED, "%s that differ by kind of layer are not supported",
                      key);
    }
  }
  return SVF_OK;
}

/* Refuses to rotate only some of an attention head's elements. */
static svf_status check_whole(const json_t *object)
{
  double factor = 1;
  if (!svf_config_value(object, "partial_rotary_factor")) return SVF_OK;
  const svf_status status = svf_config_number(object, "partial_rotary_factor", 0, 1, &factor);
  if (status != SVF_OK || factor == 1) return status;
  return svf_fail(SVF_ERR_UNSUPPORTED, "partial_rotary_factor is %g, supported is 1", factor);
}

/* The positions that a model was made for before its RoPE was scaled. As transformers does when it
 * makes a model, those of the whole configuration come first, then the scaling's, then all. */
static svf_status read_original(const json_t *root, const json_t *object, svf_config *config)
{
  static const char key[] = "original_max_position_embeddings";
  config->original_max_positions = config->max_positions;
  return svf_config_size(svf_config_value(root, key) ? root : object, key, 1,
                         SVF_CONFIG_MAX_POSITIONS, &config->original_max_positions);
}

static svf_status read_llama3(const json_t *root, const json_t *object, svf_config *config)
{
  static const char *const keys[] = {"factor", "low_freq_factor", "high_freq_factor"};
  double *const numbers[] = {&config->factor, &config->low_freq_factor, &config->high_freq_factor};
  svf_status status = SVF_OK;
  for (int i = 0; status == SVF_OK && i < 3; ++i) status = svf_config_require(object, keys[i]);
  for (int i = 0; status == SVF_OK && i < 3; ++i) {
    status = svf_config_number(object, keys[i], i == 0 ? 1 : LEAST, MOST_FACTOR, numbers[i]);
  }
  if (status == SVF_OK) status = read_original(root, object, config);
  if (status == SVF_OK && config->high_freq_factor <= config->low_freq_factor) {
    return svf_fail(SVF_ERR_FILE, "high_freq_factor is %g, not more than low_freq_factor, %g",
                    config->high_freq_factor, config->low_freq_factor);
  }
  config->rope_scaling = SVF_ROPE_LLAMA3;
  return status;
}

static svf_status read_linear(const json_t *object, svf_config *config)
{
  const svf_status status = svf_config_require(object, "factor");
  config->rope_scaling = SVF_ROPE_LINEAR;
  return status == SVF_OK ? svf_config_number(object, "factor", 1, MOST_FACTOR, &config->factor)
                          : status;
}

static svf_status read_scaling(const json_t *root, const char *key, const json_t *object,
                               svf_config *config)
{
  const json_t *type = svf_config_value(object, "rope_type");
  if (!type) type = svf_config_value(object, "type");
  if (!type && svf_config_value(object, "factor")) {
    return svf_fail(SVF_ERR_FILE, "%s has a factor, but no rope_type", key);
  }
  const char *name = type ? json_string_value(type) : "default";
  if (!name) {
    return svf_fail(SVF_ERR_FILE, "%s: rope_type is %s, not a string", key,
                    svf_json_show(type).text);
  }
  if (strcmp(name, "default") == 0) return SVF_OK;
  if (strcmp(name, "linear") == 0) return read_linear(object, config);
  if (strcmp(name, "llama3") == 0) return read_llama3(root, object, config);
  return svf_fail(SVF_ERR_UNSUPPORTED,
                  "rope_type %s is not supported, only default, linear and "
                  "llama3 are",
                  svf_json_show(type).text);
}

svf_status svf_config_rope(const json_t *root, svf_config *config)
{
  const char *key = NULL;
  const json_t *object = NULL;
  svf_status status = find_object(root, &key, &object);
  if (status == SVF_OK) {
    status = svf_config_number(root, "rope_theta", LEAST, MOST, &config->rope_theta);
  }
  if (status == SVF_OK) status = check_whole(root);
  if (status != SVF_OK || !object) return status;
  status = check_flat(key, json_object_get(root, key));
  if (status == SVF_OK) status = check_whole(object);
  if (status == SVF_OK) {
    status = svf_config_number(object, "rope_theta", LEAST, MOST, &config->rope_theta);
  }
  return status == SVF_OK ? read_scaling(root, key, object, config) : status;
}
