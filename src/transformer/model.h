/* SPDX-License-Identifier: Apache-2.0
 *
 * What an open model is made of. */
#ifndef SVF_TRANSFORMER_MODEL_H
#define SVF_TRANSFORMER_MODEL_H

#include <svf/model.h>

#include "src/io/checkpoint.h"
#include "src/transformer/config.h"

/* The linear layers of a decoder layer, in the order of their use. */
enum { SVF_Q, SVF_K, SVF_V, SVF_O, SVF_GATE, SVF_UP, SVF_DOWN, SVF_LAYER_LINEARS };

typedef struct svf_model_linear {
  const char *name;  /* without ".weight" */
  const void *block; /* packed, in `owned` or where the file is mapped */
  void *owned;       /* or NULL */
  float *sigma;      /* [r], owned, of an outline, which has no block; or NULL */
  float *bias;       /* [m], owned, or NULL */
  size_t m, n, r;    /* r = 0: dense */
  bool packed;       /* in the file */
  size_t bytes;      /* of the block */
  size_t gains;      /* where its gains stand in the whole model's */
} svf_model_linear;

struct svf_model {
  svf_config config;
  svf_checkpoint *files;
  svf_model_linear *linears; /* [layers][SVF_LAYER_LINEARS], then the head */
  size_t linear_count;
  char *names;
  float *norms; /* [layers][2][hidden]: before attention, before the MLP; then the last one */
  const svf_tensor *embedding; /* [vocab][hidden] */
  svf_module *module;          /* what modules.modules points to */
  svf_modules modules;
  size_t parameters;
};

static inline const svf_model_linear *svf_model_layer(const svf_model *m, size_t layer)
{
  return m->linears + layer * SVF_LAYER_LINEARS;
}

static inline const svf_model_linear *svf_model_head(const svf_model *m)
{
  return svf_model_layer(m, m->config.layers);
}

/* Of a layer, or, with layer = layers, the last one. */
static inline const float *svf_model_norm(const svf_model *m, size_t layer, int second)
{
  return m->norms + (2 * layer + (size_t)second) * m->config.hidden;
}

/* The name of linear layer i of a model, in the order of svf_model.linears: text[128]. */
void svf_model_linear_name(const svf_config *c, size_t i, char *text);

/* Its outputs and inputs, and whether it has a bias. */
typedef struct svf_linear_shape {
  size_t m, n;
  bool bias;
} svf_linear_shape;
svf_linear_shape svf_model_linear_shape(const svf_config *c, size_t i);

#endif
