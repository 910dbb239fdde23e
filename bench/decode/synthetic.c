/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/decode/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/openmp.h"
#include "src/core/pages.h"

const char *const form_names[FORMS] = {"dense", "svf-mlp", "svf-all"};

bool synthetic_config(const char *name, svf_config *config)
{
  static const struct {
    const char *name;
    svf_config config;
  } known[] = {
      {"smollm-135m",
       {.architecture = "LlamaForCausalLM",
        .vocab = 49152,
        .hidden = 576,
        .intermediate = 1536,
        .layers = 30,
        .heads = 9,
        .kv_heads = 3,
        .head_dim = 64,
        .tied = true}},
      {"tinyllama-1.1b",
       {.architecture = "LlamaForCausalLM",
        .vocab = 32000,
        .hidden = 2048,
        .intermediate = 5632,
        .layers = 22,
        .heads = 32,
        .kv_heads = 4,
        .head_dim = 64}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    if (strcmp(name, known[i].name) != 0) continue;
    *config = known[i].config;
    config->max_positions = 2048;
    config->norm_eps = 1e-5f;
    config->rope_theta = 10000;
    config->bos = -1;
    return true;
  }
  return false;
}

/* --- Weights ---------------------------------------------------------------------------------- */

static void *need(void *p)
{
  if (!p) {
    fputs("svf_decode: out of memory\n", stderr);
    exit(1);
  }
  return p;
}

static float uniform(uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (float)(*state >> 40) / 8388608.0f - 1.0f;
}

/* Of this variance, that of a matrix with orthonormal rows of k elements. */
static float *random_matrix(size_t rows, size_t k, uint64_t *state)
{
  float *w = need(malloc(rows * k * sizeof *w));
  const float scale = sqrtf(3.0f / (float)k);
  for (size_t i = 0; i < rows * k; ++i) w[i] = scale * uniform(state);
  return w;
}

typedef struct task {
  const svf_linear_source *source;
  void *block;
  size_t bytes;
} task;

static void pack_part(void *context, size_t ith, size_t nth)
{
  const task *t = context;
  if (svf_linear_pack_part(t->source, t->block, t->bytes, ith, nth) == SVF_OK) return;
  fprintf(stderr, "svf_decode: %s\n", svf_last_message());
  exit(1);
}

static void fill(svf_model_linear *l, size_t r, svf_format format, size_t group)
{
  uint64_t state = 88172645463325252u + l->m + l->n;
  const size_t k = r > 0 ? r : l->n;
  float *u = random_matrix(l->m, k, &state), *vt = r > 0 ? random_matrix(r, l->n, &state) : NULL;
  float *sigma = need(malloc((r + 1) * sizeof *sigma));
  for (size_t i = 0; i < r; ++i) sigma[i] = 1 / (1 + 4 * (float)i / (float)r);
  const bool w84 = format == SVF_FORMAT_W84;
  const bool grouped = format == SVF_FORMAT_W8 || format == SVF_FORMAT_W4 || w84;
  const svf_linear_source source = {
      .m = l->m,
      .n = l->n,
      .r = r,
      .format = w84 && r == 0 ? SVF_FORMAT_W4 : format,
      .u = u,
      .u_stride = k,
      .vt = vt,
      .vt_stride = vt ? l->n : 0,
      .sigma = r > 0 ? sigma : NULL,
      .quant = {.group = grouped ? (int)group : 0, .head = w84 ? r / 4 / 64 * 64 : 0}};
  if (svf_linear_bytes(l->m, l->n, r, source.format, &source.quant, &l->bytes) != SVF_OK) {
    fprintf(stderr, "svf_decode: %s\n", svf_last_message());
    exit(1);
  }
  l->r = r;
  l->owned = need(svf_pages_alloc(l->bytes));
  l->block = l->owned;
  task t = {&source, l->owned, l->bytes};
  svf_openmp_team(svf_max_threads(), pack_part, &t);
  if (svf_linear_seal(l->owned, l->bytes) != SVF_OK) exit(1);
  free(u);
  free(vt);
  free(sigma);
}

static size_t rank_of(form f, const svf_model *m, size_t i)
{
  const svf_model_linear *l = &m->linears[i];
  const size_t full = l->m < l->n ? l->m : l->n, kind = i % SVF_LAYER_LINEARS;
  if (f == FORM_DENSE || i == m->linear_count - 1) return 0;
  return f == FORM_ALL || kind >= SVF_GATE ? full : 0;
}

/* The same as an earlier layer's, or new. */
static void fill_linear(svf_model *m, size_t i, form f, svf_format format, size_t group)
{
  svf_model_linear *l = &m->linears[i];
  const size_t r = rank_of(f, m, i);
  for (size_t j = 0; j < i; ++j) {
    const svf_model_linear *same = &m->linears[j];
    if (same->m != l->m || same->n != l->n || same->r != r) continue;
    l->r = r;
    l->bytes = same->bytes;
    l->owned = need(svf_pages_alloc(l->bytes));
    l->block = memcpy(l->owned, same->block, l->bytes);
    return;
  }
  fill(l, r, format, group);
}

svf_model *synthetic_model(const svf_config *config, form f, svf_format format, size_t group)
{
  static svf_tensor embedding; /* one model at a time */
  svf_model *m = need(calloc(1, sizeof *m));
  enum { NAME = 128 };
  m->config = *config;
  m->linear_count = config->layers * SVF_LAYER_LINEARS + 1;
  m->linears = need(calloc(m->linear_count, sizeof *m->linears));
  m->names = need(malloc(m->linear_count * NAME));
  m->module = need(calloc(m->linear_count, sizeof *m->module));
  m->modules = (svf_modules){.size = sizeof m->modules, .modules = m->module};
  for (size_t i = 0; i < m->linear_count; ++i) {
    svf_model_linear *l = &m->linears[i];
    const svf_linear_shape shape = svf_model_linear_shape(config, i);
    svf_model_linear_name(config, i, m->names + i * NAME);
    l->name = m->names + i * NAME;
    l->m = shape.m;
    l->n = shape.n;
    fill_linear(m, i, f, format, group);
    if (l->r == 0) continue;
    l->gains = m->modules.gains;
    m->module[m->modules.count++] = (svf_module){.size = sizeof(svf_module),
                                                 .name = l->name,
                                                 .r = l->r,
                                                 .sigma = svf_linear_sigma(l->block),
                                                 .offset = l->gains};
    m->modules.gains += l->r;
  }
  const size_t norms = (2 * config->layers + 1) * config->hidden;
  m->norms = need(malloc(norms * sizeof *m->norms));
  for (size_t i = 0; i < norms; ++i) m->norms[i] = 1;
  uint64_t state = 1;
  float *table = random_matrix(config->vocab, config->hidden, &state);
  embedding = (svf_tensor){.size = sizeof embedding,
                           .name = "model.embed_tokens.weight",
                           .dtype = SVF_TENSOR_F32,
                           .elements = config->vocab * config->hidden,
                           .data = table,
                           .bytes = config->vocab * config->hidden * sizeof *table};
  m->embedding = &embedding;
  return m;
}

float *synthetic_gains(const svf_model *model, unsigned seed)
{
  float *gains = need(malloc((model->modules.gains + 1) * sizeof *gains));
  uint64_t state = 0x9e3779b97f4a7c15u * (seed + 1);
  for (size_t i = 0; i < model->modules.count; ++i) {
    const svf_module *module = &model->module[i];
    for (size_t k = 0; k < module->r; ++k) {
      gains[module->offset + k] = module->sigma[k] * (1 + 0.02f * uniform(&state));
    }
  }
  return gains;
}
