/* SPDX-License-Identifier: Apache-2.0
 *
 * Configurations as they are published, what they leave out, and what must be refused. */
#define _GNU_SOURCE
#include "src/transformer/config.h"

#include "tests/io/temp.h"

static svf_status parse(const char *json, svf_config *config)
{
  memset(config, 0x5a, sizeof *config); /* everything must be set */
  return svf_config_parse(json, strlen(json), config);
}

#define LLAMA "\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\""
#define MISTRAL "\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\""
#define QWEN2 "\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\""

START_TEST(defaults)
{
  svf_config c;
  ck_works(parse("{" LLAMA "}", &c));
  ck_assert_str_eq(c.architecture, "LlamaForCausalLM");
  ck_assert_str_eq(c.model_type, "llama");
  ck_assert(c.vocab == 32000 && c.hidden == 4096 && c.intermediate == 11008 && c.layers == 32);
  ck_assert(c.heads == 32 && c.kv_heads == 32 && c.head_dim == 128 && c.max_positions == 2048);
  ck_assert(c.window == 0 && c.norm_eps == 1e-6f && c.rope_theta == 10000);
  ck_assert(c.rope_scaling == SVF_ROPE_NONE && c.factor == 0 && c.original_max_positions == 0);
  ck_assert(!c.tied && !c.qkv_bias && !c.o_bias && !c.mlp_bias);
  ck_assert(c.bos == 1 && c.eos_count == 1 && c.eos[0] == 2);

  ck_works(parse("{" MISTRAL "}", &c));
  ck_assert(c.vocab == 32000 && c.hidden == 4096 && c.intermediate == 14336 && c.layers == 32);
  ck_assert(c.heads == 32 && c.kv_heads == 8 && c.head_dim == 128 && c.max_positions == 131072);
  ck_assert(c.window == 4096 && c.window_from_layer == 0 && c.norm_eps == 1e-6f);
  ck_assert(!c.tied && !c.qkv_bias && c.bos == 1 && c.eos_count == 1 && c.eos[0] == 2);

  ck_works(parse("{" QWEN2 "}", &c));
  ck_assert(c.vocab == 151936 && c.hidden == 4096 && c.intermediate == 22016 && c.layers == 32);
  ck_assert(c.heads == 32 && c.kv_heads == 32 && c.head_dim == 128 && c.max_positions == 32768);
  ck_assert(c.window == 0 && c.window_from_layer == 0 && c.rope_theta == 10000);
  ck_assert(c.qkv_bias && !c.o_bias && !c.mlp_bias && !c.tied && c.bos == -1 && c.eos_count == 0);

  ck_works(parse("{\"model_type\":\"qwen2\"}", &c)); /* the type alone says as much */
  ck_assert_str_eq(c.architecture, "Qwen2ForCausalLM");
}
END_TEST

/* Shapes and keys of well-known models. */
START_TEST(published)
{
  svf_config c;
  ck_works(parse("{" LLAMA ",\"attention_bias\":false,\"bos_token_id\":128000,"
                 "\"eos_token_id\":[128001,128008,128009],\"head_dim\":64,\"hidden_act\":\"silu\","
                 "\"hidden_size\":2048,\"intermediate_size\":8192,"
                 "\"max_position_embeddings\":131072,\"mlp_bias\":false,"
                 "\"num_attention_heads\":32,\"num_hidden_layers\":16,\"num_key_value_heads\":8,"
                 "\"pretraining_tp\":1,\"rms_norm_eps\":1e-05,\"rope_scaling\":{\"factor\":32.0,"
                 "\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,"
                 "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"},"
                 "\"rope_theta\":500000.0,\"tie_word_embeddings\":true,\"vocab_size\":128256}",
                 &c));
  ck_assert(c.hidden == 2048 && c.head_dim == 64 && c.kv_heads == 8 && c.layers == 16 && c.tied);
  ck_assert(c.rope_theta == 500000 && c.rope_scaling == SVF_ROPE_LLAMA3 && c.factor == 32);
  ck_assert(c.low_freq_factor == 1 && c.high_freq_factor == 4 && c.original_max_positions == 8192);
  ck_assert(c.bos == 128000 && c.eos_count == 3 && c.eos[2] == 128009 && c.norm_eps == 1e-5f);

  ck_works(parse("{" QWEN2 ",\"bos_token_id\":151643,\"eos_token_id\":151645,\"hidden_size\":896,"
                 "\"intermediate_size\":4864,\"max_window_layers\":21,\"num_attention_heads\":14,"
                 "\"num_hidden_layers\":24,\"num_key_value_heads\":2,\"rope_theta\":1000000,"
                 "\"sliding_window\":32768,\"tie_word_embeddings\":true,"
                 "\"use_sliding_window\":false,\"vocab_size\":151936,\"rope_scaling\":null}",
                 &c));
  ck_assert(c.head_dim == 64 && c.kv_heads == 2 && c.window == 0 && c.rope_theta == 1000000);

  ck_works(parse("{" MISTRAL ",\"head_dim\":128,\"hidden_size\":5120,\"num_attention_heads\":32,"
                 "\"num_key_value_heads\":null,\"sliding_window\":null,\"bos_token_id\":null,"
                 "\"eos_token_id\":null}",
                 &c));
  ck_assert(c.head_dim == 128 && c.kv_heads == 32 && c.window == 0);
  ck_assert(c.bos == -1 && c.eos_count == 0);

  ck_works(parse("{" LLAMA ",\"attention_bias\":true,\"mlp_bias\":true,\"head_dim\":null,"
                 "\"sliding_window\":7,\"architectures_note\":[[1]]}",
                 &c));
  ck_assert(c.qkv_bias && c.o_bias && c.mlp_bias && c.head_dim == 128 && c.window == 0);
}
END_TEST

START_TEST(windows)
{
  static const struct {
    const char *json;
    size_t window, from;
  } cases[] = {
      {MISTRAL ",\"sliding_window\":100", 100, 0},
      {QWEN2 ",\"use_sliding_window\":true", 4096, 28},
      {QWEN2 ",\"use_sliding_window\":true,\"max_window_layers\":0", 4096, 0},
      {QWEN2 ",\"use_sliding_window\":true,\"max_window_layers\":32", 0, 0},
      {QWEN2 ",\"use_sliding_window\":true,\"sliding_window\":null", 0, 0},
      {QWEN2 ",\"use_sliding_window\":true,\"sliding_window\":9,\"num_hidden_layers\":3,"
             "\"layer_types\":[\"full_attention\",\"sliding_attention\",\"sliding_attention\"]",
       9, 1},
      {QWEN2 ",\"use_sliding_window\":true,\"num_hidden_layers\":2,"
             "\"layer_types\":[\"full_attention\",\"full_attention\"]",
       0, 0},
      {QWEN2 ",\"num_hidden_layers\":2,"
             "\"layer_types\":[\"sliding_attention\",\"full_attention\"]",
       0, 0},
      {QWEN2 ",\"use_sliding_window\":true,\"layer_types\":null", 4096, 28},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char json[500];
    svf_config c;
    snprintf(json, sizeof json, "{%s}", cases[i].json);
    ck_works(parse(json, &c));
    ck_assert_msg(c.window == cases[i].window && c.window_from_layer == cases[i].from,
                  "%s: %zu from %zu", json, c.window, c.window_from_layer);
  }
}
END_TEST

START_TEST(rope)
{
  static const struct {
    const char *json;
    double theta;
    svf_rope_scaling scaling;
    double factor;
  } cases[] = {
      {"\"rope_theta\":5000", 5000, SVF_ROPE_NONE, 0},
      {"\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}", 10000, SVF_ROPE_LINEAR, 2},
      {"\"rope_scaling\":{\"rope_type\":\"linear\",\"type\":\"yarn\",\"factor\":4.0}", 10000,
       SVF_ROPE_LINEAR, 4},
      {"\"rope_scaling\":{\"rope_type\":\"default\"},\"rope_theta\":7.5e5", 750000, SVF_ROPE_NONE,
       0},
      {"\"rope_scaling\":{}", 10000, SVF_ROPE_NONE, 0},
      {"\"rope_parameters\":{\"rope_theta\":123.5,\"rope_type\":\"default\"}", 123.5, SVF_ROPE_NONE,
       0},
      {"\"rope_parameters\":{\"rope_theta\":5},\"rope_scaling\":null", 5, SVF_ROPE_NONE, 0},
      {"\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":8},\"rope_theta\":9", 9,
       SVF_ROPE_LINEAR, 8},
      {"\"rope_parameters\":{\"rope_theta\":500000.0,\"rope_type\":\"llama3\",\"factor\":8.0,"
       "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
       "\"original_max_position_embeddings\":8192}",
       500000, SVF_ROPE_LLAMA3, 8},
      {"\"partial_rotary_factor\":1.0", 10000, SVF_ROPE_NONE, 0},
      /* rope_scaling beside rope_parameters, as transformers 5.24 takes them */
      {"\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":2},"
       "\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":5000.0}",
       10000, SVF_ROPE_LINEAR, 2},
      {"\"rope_scaling\":{\"rope_type\":\"default\",\"rope_theta\":3000.0},"
       "\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4.0,\"rope_theta\":5000.0}",
       3000, SVF_ROPE_NONE, 0},
      {"\"rope_theta\":777.0,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.0},"
       "\"rope_parameters\":{\"rope_theta\":5000.0}",
       777, SVF_ROPE_LINEAR, 2},
      {"\"rope_scaling\":{},\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":5000.0}",
       5000, SVF_ROPE_NONE, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char json[500];
    svf_config c;
    snprintf(json, sizeof json, "{" LLAMA ",%s}", cases[i].json);
    ck_works(parse(json, &c));
    ck_assert_msg(c.rope_theta == cases[i].theta && c.rope_scaling == cases[i].scaling &&
                      c.factor == cases[i].factor,
                  "%s: theta %g, scaling %d, factor %g", json, c.rope_theta, (int)c.rope_scaling,
                  c.factor);
  }
}
END_TEST

/* llama3 without original_max_position_embeddings takes that of the whole configuration, or all
 * positions. */
START_TEST(original_positions)
{
  static const struct {
    const char *root, *scaling;
    size_t original;
  } cases[] = {
      {"", "", 512},
      {"\"original_max_position_embeddings\":64,", "", 64},
      {"\"original_max_position_embeddings\":null,", "", 512},
      {"\"original_max_position_embeddings\":32,", ",\"original_max_position_embeddings\":64", 32},
      {"", ",\"original_max_position_embeddings\":64", 64}};
  for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); ++i) {
    char json[500];
    svf_config c;
    snprintf(json, sizeof json,
             "{" LLAMA
             ",\"max_position_embeddings\":512,%s\"%s\":{\"rope_type\":\"llama3\","
             "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0%s}}",
             cases[i / 2].root, i % 2 ? "rope_scaling" : "rope_parameters", cases[i / 2].scaling);
    ck_works(parse(json, &c));
    ck_assert_uint_eq(c.original_max_positions, cases[i / 2].original);
  }
}
END_TEST

/* What transformers ignores, or what nobody reads. */
START_TEST(ignored)
{
  static const char *const cases[] = {
      "\"pretraining_tp\":4",
      "\"pretraining_tp\":2",
      "\"pretraining_tp\":0",
      "\"pretraining_tp\":null",
      "\"nobody\":Infinity",
      "\"nobody\":[NaN,-Infinity,1]",
      "\"model_max_length\":1000000000000000019884624838656",
      "\"nobody\":-99999999999999999999,\"other\":1e400",
      "\"nobody\":{\"a\":123456789012345678901234567890.5}",
      "\"nobody\":\"\\u0000\"",
      "\"no\\u0000body\":\"a\\u0000b\"",
      "\"nobody\":\"\\\\u0000 NaN 99999999999999999999\"",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char json[300];
    svf_config c;
    snprintf(json, sizeof json, " \n\t\r{" LLAMA ",%s}\n ", cases[i]);
    ck_works(parse(json, &c));
    ck_assert(c.vocab == 32000 && c.rope_theta == 10000);
  }
}
END_TEST

/* An end token that is none of the vocabulary's never comes. */
START_TEST(tokens_beyond_the_vocabulary)
{
  static const struct {
    const char *json;
    int32_t bos;
    int count;
  } cases[] = {{"\"eos_token_id\":99999", 1, 0},
               {"\"eos_token_id\":-1", 1, 0},
               {"\"eos_token_id\":[2,-1,99999,7]", 1, 2},
               {"\"eos_token_id\":1099511627776", 1, 0},
               {"\"bos_token_id\":32000", -1, 1},
               {"\"bos_token_id\":-1", -1, 1},
               {"\"vocab_size\":1", -1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char json[200];
    svf_config c;
    snprintf(json, sizeof json, "{" LLAMA ",%s}", cases[i].json);
    ck_works(parse(json, &c));
    ck_assert_msg(c.bos == cases[i].bos && c.eos_count == cases[i].count, "%s", json);
    if (c.eos_count == 2) ck_assert(c.eos[0] == 2 && c.eos[1] == 7);
  }
}
END_TEST

typedef struct refusal {
  const char *json, *words;
} refusal;

static void ck_refused(const refusal *cases, size_t count, svf_status status, const char *base)
{
  for (size_t i = 0; i < count; ++i) {
    char json[700];
    svf_config c;
    snprintf(json, sizeof json, "{%s%s}", base, cases[i].json);
    ck_fails(parse(json, &c), status, cases[i].words);
  }
}

START_TEST(unsupported)
{
  static const refusal kinds[] = {
      {"\"architectures\":[\"GemmaForCausalLM\"]", "'GemmaForCausalLM' is not supported"},
      {"\"architectures\":[\"LlamaForSequenceClassification\"],\"model_type\":\"llama\"",
       "LlamaForSequenceClassification"},
      {"\"model_type\":\"mixtral\"", "'mixtral' is not supported"},
  };
  static const refusal features[] = {
      {",\"hidden_act\":\"gelu\"", "hidden_act is 'gelu'"},
      {",\"quantization_config\":{\"quant_method\":\"gptq\"}", "'gptq'"},
      {",\"quantization_config\":{}", "quant_method missing"},
      {",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}", "rope_type 'yarn'"},
      {",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":4}", "rope_type 'dynamic'"},
      {",\"rope_parameters\":{\"rope_type\":\"longrope\"}", "rope_type 'longrope'"},
      {",\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\"}}", "kind of layer"},
      {",\"partial_rotary_factor\":0.5", "partial_rotary_factor is 0.5"},
      {",\"rope_parameters\":{\"partial_rotary_factor\":0.25}", "partial_rotary_factor is 0.25"},
      {",\"eos_token_id\":[1,2,3,4,5,6,7,8,9]", "more than 8"},
  };
  static const refusal layers[] = {
      {",\"layer_types\":[\"sliding_attention\",\"full_attention\"]", "in layer 1 after a sliding"},
      {",\"layer_types\":[\"full_attention\",\"chunked_attention\"]", "'chunked_attention'"},
      {",\"layer_types\":[\"full_attention\",1]", "layer_types: 1"},
  };
  ck_refused(kinds, sizeof kinds / sizeof *kinds, SVF_ERR_UNSUPPORTED, "");
  ck_refused(features, sizeof features / sizeof *features, SVF_ERR_UNSUPPORTED, LLAMA);
  ck_refused(layers, sizeof layers / sizeof *layers, SVF_ERR_UNSUPPORTED,
             QWEN2 ",\"num_hidden_layers\":2,\"use_sliding_window\":true");
}
END_TEST

START_TEST(malformed)
{
  static const refusal kinds[] = {
      {"", "model_type is missing"},
      {"\"architectures\":[7]", "architectures is 7"},
      {"\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"qwen2\"",
       "model_type is 'qwen2', that of LlamaForCausalLM is 'llama'"},
      {"\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":[]", "model_type is a list"},
  };
  static const refusal values[] = {
      {",\"vocab_size\":0", "vocab_size is 0, not an integer from 1 to 16777216"},
      {",\"vocab_size\":16777217", "vocab_size is 16777217"},
      {",\"vocab_size\":-1", "vocab_size is -1"},
      {",\"vocab_size\":1e3", "vocab_size is 1000, not an integer"},
      {",\"vocab_size\":\"32000\"", "vocab_size is '32000'"},
      {",\"vocab_size\":null", "vocab_size is null"},
      {",\"vocab_size\":9223372036854775807", "9223372036854775807"},
      {",\"hidden_size\":2097152", "hidden_size is 2097152"},
      {",\"hidden_size\":{}", "hidden_size is an object"},
      {",\"intermediate_size\":0", "intermediate_size is 0"},
      {",\"num_hidden_layers\":1025", "num_hidden_layers is 1025, not an integer from 1 to 1024"},
      {",\"num_hidden_layers\":0", "num_hidden_layers is 0"},
      {",\"num_attention_heads\":0", "num_attention_heads is 0"},
      {",\"num_attention_heads\":3",
       "hidden_size is 4096, not a multiple of num_attention_heads, 3"},
      {",\"num_key_value_heads\":0", "num_key_value_heads is 0"},
      {",\"num_key_value_heads\":5", "num_key_value_heads is 5, which does not divide"},
      {",\"num_key_value_heads\":64", "num_key_value_heads is 64"},
      {",\"head_dim\":0", "head_dim is 0"},
      {",\"head_dim\":63", "head_dim is 63, not an even number"},
      {",\"head_dim\":1026", "head_dim is 1026"},
      {",\"hidden_size\":4095,\"num_attention_heads\":4095", "head_dim is 1, not an even"},
      {",\"hidden_size\":4096,\"num_attention_heads\":2", "head_dim is 2048, not an even"},
      {",\"head_dim\":1024,\"num_attention_heads\":2048", "2048 heads of 1024"},
      {",\"max_position_embeddings\":0", "max_position_embeddings is 0"},
      {",\"rms_norm_eps\":0", "rms_norm_eps is 0"},
      {",\"rms_norm_eps\":-1e-6", "rms_norm_eps is -1e-06"},
      {",\"rms_norm_eps\":\"1e-6\"", "rms_norm_eps is '1e-6'"},
      {",\"rope_theta\":0", "rope_theta is 0"},
      {",\"rope_theta\":1e300", "rope_theta is 1e+300"},
      {",\"rope_theta\":NaN", "rope_theta is 'NaN', not a number"},
      {",\"rope_theta\":-Infinity", "rope_theta is '-Infinity', not a number"},
      {",\"rope_theta\":1e999", "rope_theta is '1e999', not a number"},
      {",\"vocab_size\":99999999999999999999", "vocab_size is '99999999999999999999', not an int"},
      {",\"nobody\":Infinite", "not JSON"},
      {",\"nobody\":nan", "not JSON"},
      {",\"pretraining_tp\":1.5", "pretraining_tp is 1.5, not an integer"},
      {",\"pretraining_tp\":\"2\"", "pretraining_tp is '2', not an integer"},
      {",\"tie_word_embeddings\":1", "tie_word_embeddings is 1, not true or false"},
      {",\"bos_token_id\":\"1\"", "bos_token_id is '1', not an integer"},
      {",\"bos_token_id\":1.0", "bos_token_id is 1, not an integer"},
      {",\"eos_token_id\":[2,\"x\"]", "eos_token_id is 'x'"},
      {",\"eos_token_id\":true", "eos_token_id is true"},
      {",\"rope_scaling\":[]", "rope_scaling is a list"},
      {",\"rope_scaling\":{\"factor\":2}", "rope_scaling has a factor, but no rope_type"},
      {",\"rope_scaling\":{\"rope_type\":3}", "rope_type is 3"},
      {",\"rope_scaling\":{\"rope_type\":\"linear\"}", "factor is missing"},
      {",\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":0.5}", "factor is 0.5"},
      {",\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":null}", "factor is null"},
      {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
       "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":null}",
       "original_max_position_embeddings is null"},
      {",\"rope_parameters\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0}",
       "high_freq_factor is missing"},
      {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":4.0,"
       "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":8192}",
       "high_freq_factor is 4, not more than low_freq_factor, 4"},
      {",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,\"low_freq_factor\":1.0,"
       "\"high_freq_factor\":4.0,\"original_max_position_embeddings\":-5}",
       "original_max_position_embeddings is -5"},
  };
  static const refusal qwen2[] = {
      {",\"sliding_window\":0", "sliding_window is 0"},
      {",\"use_sliding_window\":\"yes\"", "use_sliding_window is 'yes'"},
      {",\"max_window_layers\":-2", "max_window_layers is -2"},
      {",\"layer_types\":[\"full_attention\"]", "layer_types is not a list of 32"},
  };
  ck_refused(kinds, sizeof kinds / sizeof *kinds, SVF_ERR_FILE, "");
  ck_refused(values, sizeof values / sizeof *values, SVF_ERR_FILE, LLAMA);
  ck_refused(qwen2, 1, SVF_ERR_FILE, QWEN2 ",\"use_sliding_window\":true");
  ck_refused(qwen2 + 1, 3, SVF_ERR_FILE, QWEN2);
}
END_TEST

START_TEST(from_a_directory)
{
  svf_config c;
  ck_fails(svf_config_read(temp_root, &c), SVF_ERR_IO, "config.json: cannot open");
  temp_write_text(temp_path("config.json"), "{" QWEN2 ",\"eos_token_id\":151645}");
  ck_works(svf_config_read(temp_root, &c));
  ck_assert(c.eos_count == 1 && c.eos[0] == 151645);

  static const struct {
    const char *generation;
    int count;
    int32_t second;
  } cases[] = {{"{\"eos_token_id\":[151645,151643],\"bos_token_id\":1}", 2, 151643},
               {"{\"eos_token_id\":7}", 2, 7},
               {"{\"eos_token_id\":151645}", 1, 0},
               {"{\"eos_token_id\":null}", 1, 0},
               {" \n\t\r{\"eos_token_id\":7}\n", 2, 7},
               {"{\"a\":Infinity,\"b\":[-99999999999999999999],\"eos_token_id\":7}", 2, 7},
               {"{\"a\":1e400,\"b\\u0000\":\"\\u0000\",\"eos_token_id\":7}", 2, 7},
               {"{}", 1, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    temp_write_text(temp_path("generation_config.json"), cases[i].generation);
    ck_works(svf_config_read(temp_root, &c));
    ck_assert_int_eq(c.eos_count, cases[i].count);
    ck_assert_int_eq(c.eos[0], 151645);
    if (c.eos_count > 1) ck_assert_int_eq(c.eos[1], cases[i].second);
    ck_assert_int_eq(c.bos, -1);
  }
  temp_write_text(temp_path("generation_config.json"), "{\"eos_token_id\":[999999,-1]}");
  ck_works(svf_config_read(temp_root, &c));
  ck_assert(c.eos_count == 1 && c.eos[0] == 151645);
  temp_write_text(temp_path("generation_config.json"), "{\"eos_token_id\":\"7\"}");
  ck_fails(svf_config_read(temp_root, &c), SVF_ERR_FILE,
           "generation_config.json: eos_token_id is '7'");
  ck_assert_ptr_nonnull(strstr(svf_last_message(), temp_root));
  temp_write_text(temp_path("generation_config.json"), "");
  ck_fails(svf_config_read(temp_root, &c), SVF_ERR_FILE, "generation_config.json: ");
  unlink(temp_path("generation_config.json"));

  ck_assert_int_eq(truncate(temp_path("config.json"), (1 << 20) + 1), 0);
  ck_fails(svf_config_read(temp_root, &c), SVF_ERR_FILE, "the limit is 1048576");
  ck_assert_int_eq(rename(temp_path("config.json"), temp_path("other")), 0);
  temp_write_text(temp_path("here"), "{" QWEN2 ",\"eos_token_id\":9}");
  ck_assert_int_eq(symlink("here", temp_path("config.json")), 0);
  ck_works(svf_config_read(temp_root, &c));
  ck_assert(c.eos_count == 1 && c.eos[0] == 9);
  unlink(temp_path("config.json"));
  ck_assert_int_eq(symlink("./other", temp_path("config.json")), 0);
  ck_fails(svf_config_read(temp_root, &c), SVF_ERR_FILE, "config.json: a symbolic link");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {defaults,
                                published,
                                windows,
                                rope,
                                original_positions,
                                ignored,
                                tokens_beyond_the_vocabulary,
                                unsupported,
                                malformed,
                                from_a_directory};
  temp_make();
  const int result = run_suite("config", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
