/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/layers.h"

#include <stdio.h>

static bool is_lm_head(const svf_config *c, size_t i) { return i >= c->layers * SVF_LAYER_LINEARS; }

size_t svf_model_linear_count(const svf_config *c) { return c->layers * SVF_LAYER_LINEARS + 1; }

void svf_model_linear_name(const svf_config *c, size_t i, char *text)
{
  static const char *const names[SVF_LAYER_LINEARS] = {
      [SVF_Q] = "self_attn.q_proj", [SVF_K] = "self_attn.k_proj", [SVF_V] = "self_attn.v_proj",
      [SVF_O] = "self_attn.o_proj", [SVF_GATE] = "mlp.gate_proj", [SVF_UP] = "mlp.up_proj",
      [SVF_DOWN] = "mlp.down_proj"};
  if (is_lm_head(c, i)) {
    snprintf(text, SVF_LINEAR_NAME, "lm_head");
  } else {
    snprintf(text, SVF_LINEAR_NAME, "model.layers.%zu.%s", i / SVF_LAYER_LINEARS,
             names[i % SVF_LAYER_LINEARS]);
  }
}

svf_linear_shape svf_model_linear_shape(const svf_config *c, size_t i)
{
  const size_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  if (is_lm_head(c, i)) return (svf_linear_shape){c->vocab, c->hidden, false};
  switch (i % SVF_LAYER_LINEARS) {
    case SVF_Q: return (svf_linear_shape){q, c->hidden, c->qkv_bias};
    case SVF_K:
    case SVF_V: return (svf_linear_shape){kv, c->hidden, c->qkv_bias};
    case SVF_O: return (svf_linear_shape){c->hidden, q, c->o_bias};
    case SVF_DOWN: return (svf_linear_shape){c->hidden, c->intermediate, c->mlp_bias};
    default: return (svf_linear_shape){c->intermediate, c->hidden, c->mlp_bias};
  }
}

const char *svf_model_linear_alias(const svf_config *c, size_t i)
{
  return c->tied && is_lm_head(c, i) ? SVF_EMBEDDING : NULL;
}
