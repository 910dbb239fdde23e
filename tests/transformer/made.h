/* SPDX-License-Identifier: Apache-2.0
 *
 * A small model with random factors that is made in memory, and experts of it. */
#ifndef SVF_TESTS_MADE_H
#define SVF_TESTS_MADE_H

#include <svf/context.h>

#include "src/transformer/model.h"
#include "tests/unit/suite.h"

enum { MADE_VOCAB = 97, MADE_LAYERS = 3, MADE_CONTEXT = 400 };

static inline float made_uniform(uint64_t *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return (float)(*state >> 40) / 8388608.0f - 1.0f;
}

static inline size_t made_below(uint64_t *state, size_t limit)
{
  (void)made_uniform(state);
  return (size_t)(*state >> 20) % limit;
}

static inline float *made_floats(size_t count, float scale, uint64_t *state)
{
  float *x = malloc(count * sizeof *x);
  ck_assert_ptr_nonnull(x);
  for (size_t i = 0; i < count; ++i) x[i] = scale * made_uniform(state);
  return x;
}

/* In factors, but the head. */
static inline svf_status made_linear(void *context, size_t i, svf_model_linear *l)
{
  const svf_format format = *(const svf_format *)context;
  uint64_t state = 88172645463325252u + i;
  l->r = i == MADE_LAYERS * SVF_LAYER_LINEARS ? 0 : l->m < l->n ? l->m : l->n;
  const size_t k = l->r ? l->r : l->n;
  float *u = made_floats(l->m * k, 0.5f, &state), *vt = made_floats(k * l->n, 0.5f, &state);
  float *sigma = made_floats(k, 1, &state);
  for (size_t j = 0; j < k; ++j) sigma[j] = 1 / (1 + (float)j / 8);
  const svf_linear_source source = {.size = sizeof source,
                                    .m = l->m,
                                    .n = l->n,
                                    .r = l->r,
                                    .format = format,
                                    .u = u,
                                    .u_stride = k,
                                    .vt = l->r ? vt : NULL,
                                    .vt_stride = l->r ? l->n : 0,
                                    .sigma = l->r ? sigma : NULL};
  svf_status status = svf_linear_bytes(&source, &l->bytes);
  l->owned = aligned_alloc(SVF_LINEAR_ALIGNMENT, l->bytes);
  if (status == SVF_OK) status = svf_linear_pack(&source, l->owned, l->bytes);
  free(u);
  free(vt);
  free(sigma);
  return status;
}

static inline svf_model *made_model(svf_format format)
{
  const svf_config config = {.architecture = "LlamaForCausalLM",
                             .vocab = MADE_VOCAB,
                             .hidden = 32,
                             .intermediate = 48,
                             .layers = MADE_LAYERS,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 8,
                             .max_positions = MADE_CONTEXT,
                             .norm_eps = 1e-5f,
                             .rope_theta = 10000,
                             .bos = -1};
  uint64_t state = 7;
  const size_t norms = (2 * config.layers + 1) * config.hidden;
  svf_model *model = NULL;
  svf_model_parts parts = {.embedding = made_floats(config.vocab * config.hidden, 1, &state),
                           .norms = made_floats(norms, 1, &state),
                           .linear = made_linear,
                           .context = &format};
  ck_works(svf_model_create(&config, &parts, &model));
  return model;
}

/* Far enough from the base model that texts differ. The caller frees them. */
static inline float *made_gains(const svf_model *model, unsigned seed)
{
  uint64_t state = 1234567 + seed;
  const svf_modules *m = svf_model_modules(model);
  float *gains = made_floats(m->gains, 1, &state);
  for (size_t i = 0; i < m->count; ++i) {
    for (size_t k = 0; k < m->modules[i].r; ++k) {
      float *d = &gains[m->modules[i].offset + k];
      *d = m->modules[i].sigma[k] * (1 + 0.5f * *d);
    }
  }
  return gains;
}

#endif
