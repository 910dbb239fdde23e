/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a model, in which every tensor is found, checked and packed; making a model in memory;
 * describing one. */
#include "src/transformer/model.h"

#include <stdio.h>
#include <stdlib.h>

#include <svf/matmul.h>

#include "kernels/format.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/transformer/model_files.h"
#include "src/transformer/weights.h"

/* --- Loading ---------------------------------------------------------------------------------- */

static svf_status no_memory(void) { return svf_fail(SVF_ERR_MEMORY, "no memory for a model"); }

/* Lists the name and shape of every linear layer. */
static svf_status list_linears(svf_model *m)
{
  const svf_config *c = &m->config;
  m->linear_count = svf_model_linear_count(c);
  m->linears = calloc(m->linear_count, sizeof *m->linears);
  m->names = malloc(m->linear_count * SVF_LINEAR_NAME);
  if (!m->linears || !m->names) return no_memory();
  for (size_t i = 0; i < m->linear_count; ++i) {
    const svf_linear_shape shape = svf_model_linear_shape(c, i);
    svf_model_linear_name(c, i, m->names + i * SVF_LINEAR_NAME);
    m->linears[i].name = m->names + i * SVF_LINEAR_NAME;
    m->linears[i].m = shape.m;
    m->linears[i].n = shape.n;
  }
  return SVF_OK;
}

static svf_status load_linear(svf_model *m, size_t i, const svf_model_options *o)
{
  svf_model_linear *l = &m->linears[i];
  const svf_status status = svf_weights_load(m->files, svf_model_linear_alias(&m->config, i), o, l);
  if (status != SVF_OK || !svf_model_linear_shape(&m->config, i).bias) return status;
  char name[SVF_LINEAR_NAME + 8];
  snprintf(name, sizeof name, "%s.bias", l->name);
  return svf_weights_floats(m->files, name, l->m, &l->bias);
}

typedef struct loading {
  svf_model *m;
  const svf_model_options *o;
  svf_status status;
} loading;

/* The body of svf_keep_team. */
static void load_each(void *context)
{
  loading *l = context;
  svf_model *m = l->m;
  const svf_model_options *o = l->o;
  for (size_t i = 0; l->status == SVF_OK && i < m->linear_count; ++i) {
    if (o->progress && o->progress(o->progress_context, i, m->linear_count, m->linears[i].name)) {
      l->status = svf_fail(SVF_ERR_STOPPED, "stopped before '%s'", m->linears[i].name);
    } else {
      l->status = load_linear(m, i, o);
    }
  }
}

/* True if there are layers to be packed. For others no threads are started, since a process that
 * has used OpenMP's has children of fork that cannot (svf/matmul.h). */
static bool has_to_pack(const svf_model *m, const svf_model_options *o)
{
  svf_layer_tensors t;
  if (o->flags & SVF_MODEL_OUTLINE) return false;
  for (size_t i = 0; i < m->linear_count; ++i) {
    if (svf_weights_locate_linear(m->files, &m->config, i, &t) == SVF_OK && !t.packed) return true;
  }
  return false;
}

static svf_status load_linears(svf_model *m, const svf_model_options *o)
{
  loading l = {m, o, SVF_OK};
  const svf_status status = list_linears(m);
  if (status != SVF_OK) return status;
  (void)svf_keep_team(has_to_pack(m, o) ? o->threads : 1, load_each, &l);
  return l.status;
}

static svf_status find_norm(const svf_model *m, size_t i, const svf_tensor **t)
{
  char name[SVF_LINEAR_NAME] = "model.norm.weight";
  if (i < 2 * m->config.layers) {
    snprintf(name, sizeof name, "model.layers.%zu.%s.weight", i / 2,
             i % 2 ? "post_attention_layernorm" : "input_layernorm");
  }
  return svf_weights_find(m->files, name, m->config.hidden, 0, t);
}

/* Memory is taken only once all norms are found: a config alone may ask for gigabytes. */
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
  return status;
}

static svf_status load_embedding(svf_model *m)
{
  const svf_config *c = &m->config;
  const svf_status status =
      svf_weights_find(m->files, SVF_EMBEDDING, c->vocab, c->hidden, &m->embedding);
  if (status != SVF_OK) return status;
  switch (m->embedding->dtype) {
    case SVF_TENSOR_F32:
    case SVF_TENSOR_F16:
    case SVF_TENSOR_BF16: return SVF_OK;
    default:
      return svf_fail(SVF_ERR_UNSUPPORTED, "'%s' is %s; embeddings are F32, F16 or BF16",
                      m->embedding->name, svf_tensor_type_name(m->embedding->dtype));
  }
}

/* Lists the layers in factors as modules, which is how experts see them. */
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
  svf_status status = svf_model_files_open(dir, flags, &m->config, &m->files);
  if (status == SVF_OK) status = load_embedding(m);
  if (status == SVF_OK) status = load_norms(m);
  if (status == SVF_OK) status = load_linears(m, o);
  return status == SVF_OK ? list_modules(m) : status;
}

static svf_status read_options(const svf_model_options *options, svf_model_options *o)
{
  enum { FIRST = SVF_SIZE_TO(svf_model_options, progress_context) };
  const svf_status status = svf_struct_read_options("options", options, FIRST, o, sizeof *o);
  if (status != SVF_OK) return status;
  if (o->flags & ~(SVF_MODEL_NO_MMAP | SVF_MODEL_OUTLINE)) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->flags is 0x%x, known are 0x%x", o->flags,
                    SVF_MODEL_NO_MMAP | SVF_MODEL_OUTLINE);
  }
  return SVF_OK;
}

svf_status svf_model_open(const char *dir, const svf_model_options *options, svf_model **model)
{
  svf_model_options o;
  if (!model) return svf_fail(SVF_ERR_NULL, "model is NULL");
  *model = NULL;
  if (!dir) return svf_fail(SVF_ERR_NULL, "dir is NULL");
  svf_status status = read_options(options, &o);
  if (status != SVF_OK) return status;
  svf_model *m = calloc(1, sizeof *m);
  if (!m) return no_memory();
  status = load(m, dir, &o);
  if (status == SVF_OK) {
    *model = m;
  } else {
    svf_model_close(m);
  }
  return status;
}

/* --- In memory -------------------------------------------------------------------------------- */

static svf_status make_linears(svf_model *m, const svf_model_parts *parts)
{
  svf_status status = list_linears(m);
  for (size_t i = 0; status == SVF_OK && i < m->linear_count; ++i) {
    status = parts->linear(parts->context, i, &m->linears[i]);
    m->linears[i].block = m->linears[i].owned;
  }
  return status == SVF_OK ? list_modules(m) : status;
}

svf_status svf_model_create(const svf_config *config, const svf_model_parts *parts,
                            svf_model **model)
{
  const size_t elements = config->vocab * config->hidden;
  svf_model *m = calloc(1, sizeof *m);
  *model = NULL;
  if (!m) return no_memory();
  m->config = *config;
  const svf_status status = make_linears(m, parts);
  if (status != SVF_OK) {
    svf_model_close(m);
    return status;
  }
  m->norms = parts->norms;
  m->made = (svf_tensor){.size = sizeof m->made,
                         .name = SVF_EMBEDDING,
                         .dtype = SVF_TENSOR_F32,
                         .ndim = 2,
                         .shape = {config->vocab, config->hidden},
                         .elements = elements,
                         .data = parts->embedding,
                         .bytes = elements * sizeof(float)};
  m->embedding = &m->made;
  *model = m;
  return SVF_OK;
}

svf_status svf_model_check_blocks(const svf_model *model)
{
  for (size_t i = 0; i < model->linear_count; ++i) {
    if (model->linears[i].block) continue;
    return svf_fail(SVF_ERR_ARGUMENT, "the model was opened as an outline: '%s' is not packed",
                    model->linears[i].name);
  }
  return SVF_OK;
}

/* --- What it is ------------------------------------------------------------------------------- */

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
  free((void *)(uintptr_t)model->made.data);
  free(model->module);
  svf_checkpoint_close(model->files);
  free(model);
}

static void describe_config(const svf_config *c, svf_model_info *info)
{
  info->architecture = c->architecture;
  info->vocab = c->vocab;
  info->hidden = c->hidden;
  info->intermediate = c->intermediate;
  info->layers = c->layers;
  info->heads = c->heads;
  info->kv_heads = c->kv_heads;
  info->head_dim = c->head_dim;
  info->context = c->max_positions;
  info->window = c->window;
  info->bos = c->bos;
  info->eos = c->eos;
  info->eos_count = (size_t)c->eos_count;
}

/* The format is that of the first packed layer. */
static void describe_packed(const svf_model *m, svf_model_info *info)
{
  double bytes = 0, weights = 0;
  for (size_t i = m->linear_count; i-- > 0;) {
    if (!m->linears[i].packed) continue;
    const svf_linear_header *h = m->linears[i].block;
    info->format = (svf_format)h->format;
    info->group = svf_format_of(info->format)->traits.group_count > 1 ? h->group : 0;
    bytes += (double)h->bytes;
    weights += h->r > 0 ? (double)h->r * (double)(h->m + h->n) : (double)h->m * (double)h->n;
    ++info->packed;
  }
  if (info->packed > 0) info->bits = 8 * bytes / weights;
}

static size_t parameters_of(const svf_model *m, size_t i)
{
  const svf_model_linear *l = &m->linears[i];
  const size_t bias = l->bias ? l->m : 0;
  if (l->r > 0) return l->r * (l->m + l->n + 1) + bias;
  return svf_model_linear_alias(&m->config, i) ? bias : l->m * l->n + bias;
}

static void count_weights(const svf_model *m, svf_model_info *info)
{
  const svf_config *c = &m->config;
  const size_t norms = (2 * c->layers + 1) * c->hidden;
  info->parameters = c->vocab * c->hidden + norms;
  info->weight_bytes = norms * sizeof(float);
  for (size_t i = 0; i < m->linear_count; ++i) {
    const svf_model_linear *l = &m->linears[i];
    info->parameters += parameters_of(m, i);
    info->weight_bytes += l->bytes + (l->bias ? l->m * sizeof(float) : 0);
  }
}

svf_status svf_model_get_info(const svf_model *model, svf_model_info *info)
{
  enum { FIRST = SVF_SIZE_TO(svf_model_info, weight_bytes) };
  if (!model || !info) return svf_fail(SVF_ERR_NULL, "%s is NULL", model ? "info" : "model");
  svf_model_info ours = {.size = sizeof ours,
                         .linears = model->linear_count,
                         .factored = model->modules.count,
                         .untied = model->config.untied};
  describe_config(&model->config, &ours);
  describe_packed(model, &ours);
  count_weights(model, &ours);
  return svf_struct_write("info", &ours, sizeof ours, info, FIRST);
}

const svf_modules *svf_model_modules(const svf_model *model)
{
  return model ? &model->modules : NULL;
}
