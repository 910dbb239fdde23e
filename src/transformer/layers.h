/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear layers of a decoder: their names and shapes, and what a loaded one is. */
#ifndef SVF_TRANSFORMER_LAYERS_H
#define SVF_TRANSFORMER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/transformer/config.h"

/* The linear layers of a decoder layer, in the order of their use. A model has them for each of its
 * layers and then the head: linear layer `i` of a model is number i % SVF_LAYER_LINEARS of layer
 * i / SVF_LAYER_LINEARS, or the head. */
enum { SVF_Q, SVF_K, SVF_V, SVF_O, SVF_GATE, SVF_UP, SVF_DOWN, SVF_LAYER_LINEARS };

enum { SVF_LINEAR_NAME = 128 }; /* bytes that hold every name */

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

/* How many a model has. */
size_t svf_model_linear_count(const svf_config *c);

/* The name of linear layer i: text[SVF_LINEAR_NAME]. */
void svf_model_linear_name(const svf_config *c, size_t i, char *text);

/* Its outputs and inputs, and whether it has a bias. */
typedef struct svf_linear_shape {
  size_t m, n;
  bool bias;
} svf_linear_shape;
svf_linear_shape svf_model_linear_shape(const svf_config *c, size_t i);

/* The other name of its weights in a file, where it has one: the embedding's, of a tied head. */
const char *svf_model_linear_alias(const svf_config *c, size_t i);

#endif
