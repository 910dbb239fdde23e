/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/decode/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>

#include "kernels/format.h"
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

/* Random numbers with the variance of a matrix with orthonormal rows of k elements. */
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
  const svf_format_traits *traits = &svf_format_of(format)->traits;
  const svf_linear_source source = {.size = sizeof source,
                                    .m = l->m,
                                    .n = l->n,
                                    .r = r,
                                    .format = r == 0 ? traits->dense : format,
                                    .u = u,
                                    .u_stride = k,
                                    .vt = vt,
                                    .vt_stride = vt ? l->n : 0,
                                    .sigma = r > 0 ? sigma : NULL,
                                    .quant = {.group = traits->group_count > 1 ? group : 0,
                                              .head = traits->bands ? r / 4 / 64 * 64 : 0}};
  if (svf_linear_bytes(&source, &l->bytes) != SVF_OK) {
    fprintf(stderr, "svf_decode: %s\n", svf_last_message());
    exit(1);
  }
  l->r = r;
  l->owned = need(svf_pages_alloc(l->bytes));
  task t = {&source, l->owned, l->bytes};
  svf_openmp_run(svf_max_threads(), pack_part, &t);
  if (svf_linear_seal(l->owned, l->bytes) != SVF_OK) exit(1);
  free(u);
  free(vt);
  free(sigma);
}

/* The model that is being made, and its linear layers so far. */
typedef struct making {
  const svf_config *config;
  form form;
  svf_format format;
  size_t group;
  svf_model_linear *made;
} making;

static size_t rank_of(const making *m, const svf_model_linear *l, size_t i)
{
  const size_t full = l->m < l->n ? l->m : l->n, kind = i % SVF_LAYER_LINEARS;
  if (m->form == FORM_DENSE || i + 1 == svf_model_linear_count(m->config)) return 0;
  return m->form == FORM_ALL || kind >= SVF_GATE ? full : 0;
}

/* The weights of an earlier layer of the same shape and form, or new ones. */
static svf_status make_linear(void *context, size_t i, svf_model_linear *l)
{
  const making *m = context;
  const size_t r = rank_of(m, l, i);
  size_t j = 0;
  while (j < i && (m->made[j].m != l->m || m->made[j].n != l->n || m->made[j].r != r)) ++j;
  if (j < i) {
    l->r = r;
    l->bytes = m->made[j].bytes;
    l->owned = memcpy(need(svf_pages_alloc(l->bytes)), m->made[j].owned, l->bytes);
  } else {
    fill(l, r, m->format, m->group);
  }
  m->made[i] = *l;
  return SVF_OK;
}

svf_model *synthetic_model(const svf_config *config, form f, svf_format format, size_t group)
{
  const size_t norms = (2 * config->layers + 1) * config->hidden;
  uint64_t state = 1;
  svf_model *model = NULL;
  making m = {config, f, format, group, NULL};
  m.made = need(calloc(svf_model_linear_count(config), sizeof *m.made));
  const svf_model_parts parts = {.embedding = random_matrix(config->vocab, config->hidden, &state),
                                 .norms = need(malloc(norms * sizeof(float))),
                                 .linear = make_linear,
                                 .context = &m};
  for (size_t i = 0; i < norms; ++i) parts.norms[i] = 1;
  if (svf_model_create(config, &parts, &model) != SVF_OK) {
    fprintf(stderr, "svf_decode: %s\n", svf_last_message());
    exit(1);
  }
  free(m.made);
  return model;
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
