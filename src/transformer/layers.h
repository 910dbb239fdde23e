/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear layers of a decoder: their names and shapes, and the struct of a loaded one. */
#ifndef SVF_TRANSFORMER_LAYERS_H
#define SVF_TRANSFORMER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/transformer/config.h"

/* The linear layers of a decoder layer, in the order of their use. A model has
 * these for each decoder layer, and then the lm_head: linear layer `i` of a model is number
 * i % SVF_LAYER_LINEARS of decoder layer i / SVF_LAYER_LINEARS, or the lm_head. */
enum { SVF_Q, SVF_K, SVF_V, SVF_O, SVF_GATE, SVF_UP, SVF_DOWN, SVF_LAYER_LINEARS };

enum { SVF_LINEAR_NAME = 128 }; /* bytes that hold every name */

typedef struct svf_model_linear {
  const char *name;  /* without ".weight" */
  const void *block; /* packed, in `owned` or in the mapped file; NULL in an outline */
  void *owned;       /* memory of the block, freed with the model; or NULL */
  float *sigma;      /* [r], owned: in an outline, which has no block; else NULL */
  float *bias;       /* [m], owned, or NULL */
  size_t m, n, r;    /* outputs, inputs, rank; r = 0: dense */
  bool packed;       /* the file holds it packed */
  size_t bytes;      /* bytes of the block */
  size_t gains;      /* index of its first gain among those of the whole model */
} svf_model_linear;

/* How many linear layers a model has. */
size_t svf_model_linear_count(const svf_config *c);

/* The name of linear layer i: text[SVF_LINEAR_NAME]. */
void svf_model_linear_name(const svf_config *c, size_t i, char *text);

/* Its outputs and inputs, and whether it has a bias. */
typedef struct svf_linear_shape {
  size_t m, n;
  bool bias;
} svf_linear_shape;
svf_linear_shape svf_model_linear_shape(const svf_config *c, size_t i);

#define SVF_EMBEDDING "model.embed_tokens.weight"

/* The other tensor name under which a file may hold its dense weights: for a tied lm_head that of
 * the embedding; for all others NULL. */
const char *svf_model_linear_alias(const svf_config *c, size_t i);

#endif
