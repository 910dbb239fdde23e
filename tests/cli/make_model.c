/* SPDX-License-Identifier: Apache-2.0
 *
 * make_model DIR: a model of random weights and 257 tokens, large enough that a job on it can be
 * interrupted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/safetensors.h>

enum { LAYERS = 4, HIDDEN = 256, INTERMEDIATE = 688, KV = 64, VOCAB = 257 };

static const char config[] =
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 256,\n"
    " \"intermediate_size\": 688, \"num_hidden_layers\": 4, \"num_attention_heads\": 4,\n"
    " \"num_key_value_heads\": 1, \"vocab_size\": 257, \"max_position_embeddings\": 65536,\n"
    " \"rms_norm_eps\": 1e-5, \"rope_theta\": 10000.0, \"hidden_act\": \"silu\",\n"
    " \"bos_token_id\": 1, \"eos_token_id\": 256, \"tie_word_embeddings\": true}\n";

static const struct {
  const char *name;
  size_t rows, columns; /* 0: a vector */
} parts[] = {{"self_attn.q_proj", HIDDEN, HIDDEN},    {"self_attn.k_proj", KV, HIDDEN},
             {"self_attn.v_proj", KV, HIDDEN},        {"self_attn.o_proj", HIDDEN, HIDDEN},
             {"mlp.gate_proj", INTERMEDIATE, HIDDEN}, {"mlp.up_proj", INTERMEDIATE, HIDDEN},
             {"mlp.down_proj", HIDDEN, INTERMEDIATE}, {"input_layernorm", HIDDEN, 0},
             {"post_attention_layernorm", HIDDEN, 0}};

enum { PARTS = sizeof parts / sizeof *parts, TENSORS = LAYERS * PARTS + 2 };

static svf_status append_random(svf_safetensors_writer *w, const svf_safetensors_entry *e,
                                uint64_t *state)
{
  const size_t count = e->shape[0] * (e->ndim == 2 ? e->shape[1] : 1);
  float *x = malloc(count * sizeof *x);
  if (!x) return SVF_ERR_MEMORY;
  for (size_t i = 0; i < count; ++i) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const float noise = (float)(*state >> 40) / (float)(1 << 24) - 0.5f;
    x[i] = e->ndim == 1 ? 1 : 3 * noise / sqrtf((float)e->shape[1]);
  }
  const svf_status status = svf_safetensors_append(w, x, count * sizeof *x);
  free(x);
  return status;
}

static svf_status write_weights(const char *path)
{
  char names[TENSORS][80];
  svf_safetensors_entry entries[TENSORS] = {
      {sizeof *entries, "model.embed_tokens.weight", SVF_TENSOR_F32, 2, {VOCAB, HIDDEN}},
      {sizeof *entries, "model.norm.weight", SVF_TENSOR_F32, 1, {HIDDEN}},
  };
  for (int i = 2; i < TENSORS; ++i) {
    const int layer = (i - 2) / PARTS, part = (i - 2) % PARTS;
    snprintf(names[i], sizeof names[i], "model.layers.%d.%s.weight", layer, parts[part].name);
    const size_t columns = parts[part].columns;
    entries[i] = (svf_safetensors_entry){sizeof *entries,
                                         names[i],
                                         SVF_TENSOR_F32,
                                         columns > 0 ? 2 : 1,
                                         {parts[part].rows, columns}};
  }
  svf_safetensors_writer *w = NULL;
  uint64_t state = 1;
  svf_status status = svf_safetensors_create(path, entries, TENSORS, NULL, 0, &w);
  for (int i = 0; status == SVF_OK && i < TENSORS; ++i) {
    status = append_random(w, &entries[i], &state);
  }
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

static int write_config(const char *path)
{
  FILE *f = fopen(path, "w");
  if (!f) return 1;
  const int failed = fputs(config, f) < 0;
  return fclose(f) != 0 || failed;
}

int main(int argc, char **argv)
{
  char path[4096];
  if (argc != 2) {
    fputs("usage: make_model DIR\n", stderr);
    return 2;
  }
  snprintf(path, sizeof path, "%s/config.json", argv[1]);
  if (write_config(path) != 0) return 1;
  snprintf(path, sizeof path, "%s/model.safetensors", argv[1]);
  if (write_weights(path) == SVF_OK) return 0;
  fprintf(stderr, "make_model: %s\n", svf_last_message());
  return 1;
}
