/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/transformer/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "src/io/json.h"
#include "src/transformer/config_json.h"
#include "src/transformer/config_parts.h"

enum { MAX_BYTES = 1 << 20 };

/* The config classes' values for keys that config.json lacks; kv_heads = 0: as many as heads. */
static const svf_config families[] = {
    {.architecture = "LlamaForCausalLM",
     .model_type = "llama",
     .vocab = 32000,
     .hidden = 4096,
     .intermediate = 11008,
     .layers = 32,
     .heads = 32,
     .max_positions = 2048,
     .bos = 1,
     .eos = {2},
     .eos_count = 1},
    {.architecture = "MistralForCausalLM",
     .model_type = "mistral",
     .vocab = 32000,
     .hidden = 4096,
     .intermediate = 14336,
     .layers = 32,
     .heads = 32,
     .kv_heads = 8,
     .max_positions = 131072,
     .window = 4096,
     .bos = 1,
     .eos = {2},
     .eos_count = 1},
    {.architecture = "Qwen2ForCausalLM",
     .model_type = "qwen2",
     .vocab = 151936,
     .hidden = 4096,
     .intermediate = 22016,
     .layers = 32,
     .heads = 32,
     .kv_heads = 32,
     .max_positions = 32768,
     .window = 4096,
     .window_from_layer = 28,
     .qkv_bias = true,
     .bos = -1},
};

enum { LLAMA, MISTRAL, QWEN2, FAMILIES };

/* Finds the family by the name of the class or, if there is none, by the type. */
static svf_status find_family(const json_t *root, int *family)
{
  const json_t *classes = svf_config_value(root, "architectures");
  const json_t *type = svf_config_value(root, "model_type");
  const json_t *first = json_array_get(classes, 0);
  const json_t *named = first ? first : type;
  const char *name = json_string_value(named);
  if (!name) {
    return svf_fail(SVF_ERR_FILE, "%s is %s, not a name", first ? "architectures" : "model_type",
                    svf_json_show(named).text);
  }
  for (int i = 0; i < FAMILIES; ++i) {
    if (strcmp(name, first ? families[i].architecture : families[i].model_type) != 0) continue;
    if (type &&
        (!json_is_string(type) || strcmp(json_string_value(type), families[i].model_type) != 0)) {
      return svf_fail(SVF_ERR_FILE, "model_type is %s, that of %s is '%s'",
                      svf_json_show(type).text, families[i].architecture, families[i].model_type);
    }
    *family = i;
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_UNSUPPORTED, "architecture %s is not supported, only %s, %s and %s are",
                  svf_json_show(named).text, families[LLAMA].architecture,
                  families[MISTRAL].architecture, families[QWEN2].architecture);
}

/* Refuses settings that would silently change the arithmetic. */
static svf_status check_supported(const json_t *root)
{
  const json_t *act = json_object_get(root, "hidden_act");
  const json_t *tp = svf_config_value(root, "pretraining_tp");
  const json_t *quantisation = svf_config_value(root, "quantization_config");
  if (act && (!json_is_string(act) || strcmp(json_string_value(act), "silu") != 0)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "hidden_act is %s, supported is 'silu'",
                    svf_json_show(act).text);
  }
  if (tp && !json_is_integer(tp)) { /* any number of them: transformers ignores it */
    return svf_fail(SVF_ERR_FILE, "pretraining_tp is %s, not an integer", svf_json_show(tp).text);
  }
  if (quantisation) {
    return svf_fail(SVF_ERR_UNSUPPORTED,
                    "quantization_config is given (quant_method %s), supported are weights in "
                    "F32, F16 and BF16",
                    svf_json_show(json_object_get(quantisation, "quant_method")).text);
  }
  return SVF_OK;
}

static svf_status read_sizes(const json_t *root, svf_config *c)
{
  const struct {
    const char *key;
    size_t most;
    size_t *out;
  } sizes[] = {
      {"vocab_size", SVF_CONFIG_MAX_VOCAB, &c->vocab},
      {"hidden_size", SVF_CONFIG_MAX_WIDTH, &c->hidden},
      {"intermediate_size", SVF_CONFIG_MAX_INTERMEDIATE, &c->intermediate},
      {"num_hidden_layers", SVF_CONFIG_MAX_LAYERS, &c->layers},
      {"num_attention_heads", SVF_CONFIG_MAX_WIDTH, &c->heads},
      {"max_position_embeddings", SVF_CONFIG_MAX_POSITIONS, &c->max_positions},
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const svf_status status = svf_config_size(root, sizes[i].key, 1, sizes[i].most, sizes[i].out);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

static svf_status read_kv_heads(const json_t *root, svf_config *c)
{
  static const char key[] = "num_key_value_heads";
  if (json_is_null(json_object_get(root, key))) {
    c->kv_heads = c->heads;
  } else {
    const svf_status status = svf_config_size(root, key, 1, c->heads, &c->kv_heads);
    if (status != SVF_OK) return status;
  }
  if (c->kv_heads == 0) c->kv_heads = c->heads;
  if (c->kv_heads > c->heads || c->heads % c->kv_heads != 0) {
    return svf_fail(SVF_ERR_FILE, "%s is %zu, which does not divide num_attention_heads, %zu", key,
                    c->kv_heads, c->heads);
  }
  return SVF_OK;
}

static svf_status read_head_dim(const json_t *root, svf_config *c)
{
  static const char key[] = "head_dim";
  if (svf_config_value(root, key)) {
    const svf_status status = svf_config_size(root, key, 1, SVF_CONFIG_MAX_HEAD_DIM, &c->head_dim);
    if (status != SVF_OK) return status;
  } else if (c->hidden % c->heads != 0) {
    return svf_fail(SVF_ERR_FILE, "hidden_size is %zu, not a multiple of num_attention_heads, %zu",
                    c->hidden, c->heads);
  } else {
    c->head_dim = c->hidden / c->heads;
  }
  if (c->head_dim % 2 != 0 || c->head_dim > SVF_CONFIG_MAX_HEAD_DIM) {
    return svf_fail(SVF_ERR_FILE, "%s is %zu, not an even number up to %u", key, c->head_dim,
                    SVF_CONFIG_MAX_HEAD_DIM);
  }
  if (c->heads > SVF_CONFIG_MAX_WIDTH / c->head_dim) {
    return svf_fail(SVF_ERR_FILE, "%zu heads of %zu are more than %u", c->heads, c->head_dim,
                    SVF_CONFIG_MAX_WIDTH);
  }
  return SVF_OK;
}

/* Newer configs of Qwen2 list the kind of every layer. Supported is a list in which all layers with
 * a sliding window come last. */
static svf_status read_layer_types(const json_t *types, svf_config *c)
{
  size_t full = 0;
  if (!json_is_array(types) || json_array_size(types) != c->layers) {
    return svf_fail(SVF_ERR_FILE, "layer_types is not a list of %zu, num_hidden_layers", c->layers);
  }
  for (size_t i = 0; i < c->layers; ++i) {
    const json_t *type = json_array_get(types, i);
    const char *name = json_string_value(type);
    const bool is_full = name && strcmp(name, "full_attention") == 0;
    if (!is_full && !(name && strcmp(name, "sliding_attention") == 0)) {
      return svf_fail(SVF_ERR_UNSUPPORTED, "layer_types: %s is not supported",
                      svf_json_show(type).text);
    }
    if (is_full && full != i && c->window > 0) {
      return svf_fail(SVF_ERR_UNSUPPORTED,
                      "layer_types: full attention in layer %zu after a sliding window in layer "
                      "%zu is not supported",
                      i, full);
    }
    if (is_full) full = i + 1;
  }
  c->window_from_layer = full;
  return SVF_OK;
}

/* Llama has no window, Mistral has one in all layers, Qwen2 in the last ones if it is enabled. */
static svf_status read_window(const json_t *root, int family, svf_config *c)
{
  bool used = family == MISTRAL;
  svf_status status = SVF_OK;
  if (family == QWEN2) status = svf_config_bool(root, "use_sliding_window", &used);
  if (json_is_null(json_object_get(root, "sliding_window"))) used = false;
  if (!used) c->window = 0;
  if (status == SVF_OK && used) {
    status = svf_config_size(root, "sliding_window", 1, SVF_CONFIG_MAX_POSITIONS, &c->window);
  }
  if (status == SVF_OK && family == QWEN2) {
    const json_t *types = svf_config_value(root, "layer_types");
    status = svf_config_size(root, "max_window_layers", 0, SVF_CONFIG_MAX_POSITIONS,
                             &c->window_from_layer);
    if (status == SVF_OK && types) status = read_layer_types(types, c);
  }
  if (c->window == 0 || c->window_from_layer >= c->layers) {
    c->window = 0;
    c->window_from_layer = 0;
  }
  return status;
}

static svf_status read_flags(const json_t *root, int family, svf_config *c)
{
  double eps = 1e-6;
  svf_status status = svf_config_bool(root, "tie_word_embeddings", &c->tied);
  if (status == SVF_OK) status = svf_config_number(root, "rms_norm_eps", 1e-30, 1, &eps);
  c->norm_eps = (float)eps;
  if (status == SVF_OK && family == LLAMA) {
    status = svf_config_bool(root, "attention_bias", &c->qkv_bias);
    c->o_bias = c->qkv_bias;
    if (status == SVF_OK) status = svf_config_bool(root, "mlp_bias", &c->mlp_bias);
  }
  return status;
}

static svf_status parse_root(const json_t *root, svf_config *c)
{
  int family = LLAMA;
  svf_status status = find_family(root, &family);
  if (status == SVF_OK) status = check_supported(root);
  if (status != SVF_OK) return status;
  *c = families[family];
  c->rope_theta = 10000;
  status = read_sizes(root, c);
  if (status == SVF_OK) status = read_kv_heads(root, c);
  if (status == SVF_OK) status = read_head_dim(root, c);
  if (status == SVF_OK) status = read_window(root, family, c);
  if (status == SVF_OK) status = read_flags(root, family, c);
  if (status == SVF_OK) status = svf_config_tokens(root, c);
  return status == SVF_OK ? svf_config_rope(root, c) : status;
}

svf_status svf_config_parse(const char *json, size_t bytes, svf_config *config)
{
  json_t *root;
  svf_status status = svf_json_parse(json, bytes, &svf_config_limits, &root);
  if (status != SVF_OK) return status;
  status = parse_root(root, config);
  json_decref(root);
  return status;
}

static svf_status read_file(int directory, const char *name,
                            svf_status (*parse)(const char *, size_t, svf_config *), svf_config *c)
{
  char *json;
  size_t bytes;
  svf_status status = svf_directory_read(directory, name, MAX_BYTES, &json, &bytes);
  if (status != SVF_OK) return status;
  status = svf_file_at_path(parse(json, bytes, c), name);
  free(json);
  return status;
}

svf_status svf_config_read(const char *dir, svf_config *config)
{
  static const char generation[] = "generation_config.json";
  int directory;
  svf_status status = svf_directory_open(dir, &directory);
  if (status != SVF_OK) return status;
  status = read_file(directory, "config.json", svf_config_parse, config);
  if (status == SVF_OK && svf_directory_has(directory, generation)) {
    status = read_file(directory, generation, svf_config_parse_generation, config);
  }
  close(directory);
  return svf_file_at_path(status, dir);
}
