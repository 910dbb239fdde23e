/* SPDX-License-Identifier: Apache-2.0
 *
 * The struct of an open model. */
#ifndef SVF_TRANSFORMER_MODEL_H
#define SVF_TRANSFORMER_MODEL_H

#include <svf/model.h>

#include "src/io/checkpoint.h"
#include "src/transformer/config.h"
#include "src/transformer/layers.h"

struct svf_model {
  svf_config config;
  svf_checkpoint *files;
  svf_model_linear *linears; /* [layers][SVF_LAYER_LINEARS], then the lm_head */
  size_t linear_count;
  char *names;  /* [linear_count][SVF_LINEAR_NAME] */
  float *norms; /* [layers][2][hidden] before attention, before the MLP; then the final one */
  const svf_tensor *embedding; /* [vocab][hidden], of `files` or `made` */
  svf_tensor made;             /* the embedding of a model made in memory; owns its data */
  svf_module *module;          /* what modules.modules points to */
  svf_modules modules;
};

static inline const svf_model_linear *svf_model_layer(const svf_model *m, size_t layer)
{
  return m->linears + layer * SVF_LAYER_LINEARS;
}

static inline const svf_model_linear *svf_model_lm_head(const svf_model *m)
{
  return svf_model_layer(m, m->config.layers);
}

/* The weights of a layer's norm, the second one being that before the MLP; layer = layers means the
 * final norm. */
static inline const float *svf_model_norm(const svf_model *m, size_t layer, bool second)
{
  return m->norms + (2 * layer + (second ? 1 : 0)) * m->config.hidden;
}

/* Errors: ARGUMENT if a layer has no block, as in an outline. */
svf_status svf_model_check_blocks(const svf_model *model);

/* What a model in memory is made of. The arrays belong to the caller until the model is made; then
 * they belong to the model, which frees them. */
typedef struct svf_model_parts {
  float *embedding; /* [vocab][hidden] */
  float *norms;     /* as in svf_model */
  /* Completes linear layer i, whose name, m and n are set: r, bytes, and `owned`, which is its
   * block and which the model frees by free(). On an error the model is not made. */
  svf_status (*linear)(void *context, size_t i, svf_model_linear *linear);
  void *context;
} svf_model_parts;

/* Make a model in memory. Errors: MEMORY, those of parts->linear, and of svf_modules_fingerprint.
 * On an error the arrays of `parts` stay the caller's. */
svf_status svf_model_create(const svf_config *config, const svf_model_parts *parts,
                            svf_model **model);

#endif
