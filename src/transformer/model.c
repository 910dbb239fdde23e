/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a model: every tensor is found, checked and packed. */
#include "src/transformer/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/transformer/source.h"
#include "src/transformer/weights.h"

enum { NAME = 128 };

/* --- Names and shapes ------------------------------------------------------------------------- */

void svf_model_linear_name(const svf_config *c, size_t i, char *text)
{
  static const char *const names[SVF_LAYER_LINEARS] = {
      [SVF_Q] = "self_attn.q_proj", [SVF_K] = "self_attn.k_proj", [SVF_V] = "self_attn.v_proj",
      [SVF_O] = "self_attn.o_proj", [SVF_GATE] = "mlp.gate_proj", [SVF_UP] = "mlp.up_proj",
      [SVF_DOWN] = "mlp.down_proj"};
  if (i >= c->layers * SVF_LAYER_LINEARS) {
    snprintf(text, NAME, "lm_head");
  } else {
    snprintf(text, NAME, "model.layers.%zu.%s", i / SVF_LAYER_LINEARS,
             names[i % SVF_LAYER_LINEARS]);
  }
}

svf_linear_shape svf_model_linear_shape(const svf_config *c, size_t i)
{
  const size_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  if (i >= c->layers * SVF_LAYER_LINEARS) return (svf_linear_shape){c->vocab, c->hidden, false};
  switch (i % SVF_LAYER_LINEARS) {
    case SVF_Q: return (svf_linear_shape){q, c->hidden, c->qkv_bias};
    case SVF_K:
    case SVF_V: return (svf_linear_shape){kv, c->hidden, c->qkv_bias};
    case SVF_O: return (svf_linear_shape){c->hidden, q, c->o_bias};
    case SVF_DOWN: return (svf_linear_shape){c->hidden, c->intermediate, c->mlp_bias};
    default: return (svf_linear_shape){c->intermediate, c->hidden, c->mlp_bias};
  }
}

/* --- Loading ---------------------------------------------------------------------------------- */

static svf_status no_memory(void) { return svf_fail(SVF_ERR_MEMORY, "no memory for a model"); }

/* Every linear layer's name and shape. */
static svf_status list_linears(svf_model *m)
{
  const svf_config *c = &m->config;
  m->linear_count = c->layers * SVF_LAYER_LINEARS + 1;
  m->linears = calloc(m->linear_count, sizeof *m->linears);
  m->names = malloc(m->linear_count * NAME);
  if (!m->linears || !m->names) return no_memory();
  for (size_t i = 0; i < m->linear_count; ++i) {
    const svf_linear_shape shape = svf_model_linear_shape(c, i);
    svf_model_linear_name(c, i, m->names + i * NAME);
    m->linears[i].name = m->names + i * NAME;
    m->linears[i].m = shape.m;
    m->linears[i].n = shape.n;
  }
  return SVF_OK;
}

static svf_status load_linear(svf_model *m, size_t i, const svf_model_options *o)
{
  svf_model_linear *l = &m->linears[i];
  const svf_linear_shape shape = svf_model_linear_shape(&m->config, i);
  const bool tied_head = m->config.tied && i == m->linear_count - 1;
  svf_status status =
      svf_weights_load(m->files, tied_head ? "model.embed_tokens.weight" : NULL, o, l);
  if (status == SVF_OK && shape.bias) {
    char name[NAME + 8];
    snprintf(name, sizeof name, "%s.bias", l->name);
    status = svf_weights_floats(m->files, name, l->m, &l->bias);
  }
  m->parameters += l->r > 0 ? l->r * (l->m + l->n + 1) : tied_head ? 0 : l->m * l->n;
  if (shape.bias) m->parameters += l->m;
  return status;
}

static svf_status load_linears(svf_model *m, const svf_model_options *o)
{
  svf_status status = list_linears(m);
  for (size_t i = 0; status == SVF_OK && i < m->linear_count; ++i) {
    if (o->progress &&
        o->progress(o->progress_context, i, m->linear_count, m->linears[i].name) != 0) {
      return svf_fail(SVF_ERR_STOPPED, "stopped before '%s'", m->linears[i].name);
    }
    status = load_linear(m, i, o);
  }
  return status;
}

static svf_status find_norm(const svf_model *m, size_t i, const svf_tensor **t)
{
  char name[NAME] = "model.norm.weight";
  if (i < 2 * m->config.layers) {
    snprintf(name, sizeof name, "model.layers.%zu.%s.weight", i / 2,
             i % 2 ? "post_attention_layernorm" : "input_layernorm");
  }
  return svf_weights_find(m->files, name, m->config.hidden, 0, t);
}

/* Memory is taken once all are there: a config alone may ask for gigabytes. */
static svf_status load_norms(svf_model *m)
{
  const size_t hidden = m->config.hidden, count = 2 * m->config.layers + 1;
  const svf_tensor *t = NULL;
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < count; ++i) status = find_norm(m, i, &t);
  if (status != SVF_OK) return status;
  m->norms = malloc(count * hidden * sizeof *m->norms);
  if (!m->norms) return no_memory();
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    status = find_norm(m, i, &t);
    if (status == SVF_OK) status = svf_tensor_to_f32(t, m->norms + i * hidden, hidden);
  }
  m->parameters += count * hidden;
  return status;
}

static svf_status load_embedding(svf_model *m)
{
  const svf_config *c = &m->config;
  const svf_status status =
      svf_weights_find(m->files, "model.embed_tokens.weight", c->vocab, c->hidden, &m->embedding);
  if (status != SVF_OK) return status;
  m->parameters += c->vocab * c->hidden;
  switch (m->embedding->dtype) {
    case SVF_TENSOR_F32:
    case SVF_TENSOR_F16:
    case SVF_TENSOR_BF16: return SVF_OK;
    default:
      return svf_fail(SVF_ERR_UNSUPPORTED, "'%s' is %s; embeddings are F32, F16 or BF16",
                      m->embedding->name, svf_tensor_type_name(m->embedding->dtype));
  }
}

/* The factored layers, as experts see them. */
static svf_status list_modules(svf_model *m)
{
  m->module = calloc(m->linear_count, sizeof *m->module);
  if (!m->module) return no_memory();
  m->modules = (svf_modules){.size = sizeof m->modules, .modules = m->module};
  for (size_t i = 0; i < m->linear_count; ++i) {
    svf_model_linear *l = &m->linears[i];
    if (l->r == 0) continue;
    l->gains = m->modules.gains;
    m->module[m->modules.count++] =
        (svf_module){.size = sizeof(svf_module),
                     .name = l->name,
                     .r = l->r,
                     .sigma = l->sigma ? l->sigma : svf_linear_sigma(l->block),
                     .offset = l->gains};
    m->modules.gains += l->r;
  }
  if (m->modules.count == 0) return SVF_OK;
  return svf_modules_fingerprint(m->module, m->modules.count, &m->modules.fingerprint);
}

static svf_status load(svf_model *m, const char *dir, const svf_model_options *o)
{
  const unsigned flags = o->flags & SVF_MODEL_NO_MMAP ? SVF_SAFETENSORS_NO_MMAP : 0;
  svf_status status = svf_source_open(dir, flags, &m->config, &m->files);
  if (status == SVF_OK) status = load_embedding(m);
  if (status == SVF_OK) status = load_norms(m);
  if (status == SVF_OK) status = load_linears(m, o);
  return status == SVF_OK ? list_modules(m) : status;
}

static svf_status check_options(const svf_model_options *o)
{
  if (o->size != sizeof *o) {
    return svf_fail(SVF_ERR_VERSION, "options->size is %zu, this library expects %zu", o->size,
                    sizeof *o);
  }
  if (o->flags & ~(SVF_MODEL_NO_MMAP | SVF_MODEL_OUTLINE)) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->flags is 0x%x, known are 0x%x", o->flags,
                    SVF_MODEL_NO_MMAP | SVF_MODEL_OUTLINE);
  }
  return SVF_OK;
}

svf_status svf_model_open(const char *dir, const svf_model_options *options, svf_model **model)
{
  const svf_model_options defaults = {.size = sizeof defaults};
  if (!model) return svf_fail(SVF_ERR_NULL, "model is NULL");
  *model = NULL;
  if (!dir) return svf_fail(SVF_ERR_NULL, "dir is NULL");
  if (!options) options = &defaults;
  svf_status status = check_options(options);
  if (status != SVF_OK) return status;
  svf_model *m = calloc(1, sizeof *m);
  if (!m) return no_memory();
  status = load(m, dir, options);
  if (status == SVF_OK) {
    *model = m;
  } else {
    svf_model_close(m);
  }
  return status;
}

void svf_model_close(svf_model *model)
{
  if (!model) return;
  for (size_t i = 0; model->linears && i < model->linear_count; ++i) {
    free(model->linears[i].owned);
    free(model->linears[i].sigma);
    free(model->linears[i].bias);
  }
  free(model->linears);
  free(model->names);
  free(model->norms);
  free(model->module);
  svf_checkpoint_close(model->files);
  free(model);
}

void svf_model_get_info(const svf_model *model, svf_model_info *info)
{
  const svf_config *c = &model->config;
  *info = (svf_model_info){.architecture = c->architecture,
                           .vocab = c->vocab,
                           .hidden = c->hidden,
                           .intermediate = c->intermediate,
                           .layers = c->layers,
                           .heads = c->heads,
                           .kv_heads = c->kv_heads,
                           .head_dim = c->head_dim,
                           .context = c->max_positions,
                           .window = c->window,
                           .bos = c->bos,
                           .eos_count = c->eos_count,
                           .linears = model->linear_count,
                           .factored = model->modules.count,
                           .parameters = model->parameters};
  memcpy(info->eos, c->eos, sizeof info->eos);
  double bytes = 0, weights = 0; /* packed */
  for (size_t i = model->linear_count; i-- > 0;) {
    info->weight_bytes += model->linears[i].bytes;
    if (model->linears[i].packed) {
      const svf_linear_header *h = model->linears[i].block;
      info->format = (svf_format)h->format;
      info->group = info->format >= SVF_FORMAT_W8 ? h->group : 0;
      bytes += (double)h->bytes;
      weights += h->r > 0 ? (double)h->r * (double)(h->m + h->n) : (double)h->m * (double)h->n;
      ++info->packed;
    }
    if (model->linears[i].bias) info->weight_bytes += model->linears[i].m * sizeof(float);
  }
  info->weight_bytes += (2 * c->layers + 1) * c->hidden * sizeof(float);
  if (info->packed > 0) info->bits = 8 * bytes / weights;
}

const svf_modules *svf_model_modules(const svf_model *model) { return &model->modules; }
