/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json of a Hugging Face model directory. Absent keys have the values that the config
 * classes of Hugging Face's transformers give them. Every size is within the limits below, so that
 * products of a few sizes cannot overflow 64 bits. */
#ifndef SVF_TRANSFORMER_CONFIG_H
#define SVF_TRANSFORMER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

#define SVF_CONFIG_MAX_VOCAB (1u << 24)
#define SVF_CONFIG_MAX_WIDTH (1u << 20) /* of hidden, and of heads x head_dim */
#define SVF_CONFIG_MAX_INTERMEDIATE (1u << 22)
#define SVF_CONFIG_MAX_LAYERS 1024u
#define SVF_CONFIG_MAX_HEAD_DIM 1024u
#define SVF_CONFIG_MAX_POSITIONS (1u << 30)
#define SVF_CONFIG_MAX_EOS 8

typedef enum svf_rope_scaling {
  SVF_ROPE_NONE = 0,
  SVF_ROPE_LINEAR, /* factor */
  SVF_ROPE_LLAMA3  /* factor, low_freq_factor, high_freq_factor, original_max_positions */
} svf_rope_scaling;

typedef struct svf_config {
  char architecture[64]; /* "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM" */
  char model_type[32];   /* "llama", "mistral", "qwen2" */
  size_t vocab, hidden, intermediate, layers;
  size_t heads,
      kv_heads;    /* attention heads of q, and of k and v; heads is a multiple of kv_heads */
  size_t head_dim; /* even */
  size_t max_positions;
  size_t window;            /* positions that one sees, itself included; 0: all up to itself */
  size_t window_from_layer; /* in layers before this one a position sees all up to itself */
  float norm_eps;
  double rope_theta;
  svf_rope_scaling rope_scaling;
  double factor, low_freq_factor, high_freq_factor; /* 0 where rope_scaling has none */
  size_t original_max_positions;
  bool tied;   /* the lm_head's weights are the embedding */
  bool untied; /* they would be, but the files have others, which are used */
  bool qkv_bias, o_bias, mlp_bias;
  int32_t bos; /* -1: none */
  int32_t eos[SVF_CONFIG_MAX_EOS];
  int eos_count;
} svf_config;

/* Parse a config.json. Errors: FILE (the message names key, value and rule), UNSUPPORTED (an
 * architecture, activation, RoPE type or quantisation, by name), MEMORY. *config is complete on OK
 * and undefined otherwise. Messages do not name the file. */
svf_status svf_config_parse(const char *json, size_t bytes, svf_config *config);

/* Add the end tokens of a generation_config.json to those of the config. Errors as above. */
svf_status svf_config_parse_generation(const char *json, size_t bytes, svf_config *config);

/* Read dir/config.json and, if there is one, dir/generation_config.json. Errors: as above, and IO;
 * the message names the file. */
svf_status svf_config_read(const char *dir, svf_config *config);

#endif
