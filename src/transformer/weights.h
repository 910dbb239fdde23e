/* SPDX-License-Identifier: Apache-2.0
 *
 * One linear layer from a checkpoint, whatever form it has there. */
#ifndef SVF_TRANSFORMER_WEIGHTS_H
#define SVF_TRANSFORMER_WEIGHTS_H

#include <svf/model.h>

#include "src/io/checkpoint.h"
#include "src/transformer/layers.h"

/* A floating-point tensor as something that can be packed: fp32 or bf16, aligned. */
typedef struct svf_view {
  svf_dtype type;
  const void *data;
  void *owned; /* a converted copy, to be freed; or NULL */
} svf_view;

/* The tensor of that name and shape (columns = 0: one dimension), or FILE with both shapes and the
 * file. */
svf_status svf_weights_find(const svf_checkpoint *files, const char *name, size_t rows,
                            size_t columns, const svf_tensor **tensor);

/* The same, converted to fp32 in memory that becomes the caller's. */
svf_status svf_weights_floats(const svf_checkpoint *files, const char *name, size_t rows,
                              float **out);

/* Where a linear layer's weights are: packed, in factors or dense, in this order of preference. */
typedef struct svf_layer_tensors {
  const svf_tensor *packed, *u, *s, *v, *dense; /* those that it does not have are NULL */
  size_t r;                                     /* 0: dense */
} svf_layer_tensors;

/* A layer's weights as something that can be packed. */
typedef struct svf_weights_views {
  svf_view u, vt, sigma; /* of a dense layer W is in u, and the others are empty */
} svf_weights_views;

/* Open what was located, which is not packed, and fill in to's r and its pointers, types and
 * strides; to->m and to->n are set. The views are to be closed also after an error. Errors:
 * NUMERIC, naming a tensor with NaN or Inf; UNSUPPORTED, MEMORY. */
svf_status svf_weights_open(const svf_layer_tensors *tensors, svf_weights_views *views,
                            svf_linear_source *to);
void svf_weights_close(svf_weights_views *views);

/* `name` without ".weight"; `alias`, or NULL, is a whole name under which W may stand too. FILE. */
svf_status svf_weights_locate(const svf_checkpoint *files, const char *name, const char *alias,
                              size_t m, size_t n, svf_layer_tensors *tensors);

/* Linear layer i of a model, by the names and shapes of layers.h. */
svf_status svf_weights_locate_linear(const svf_checkpoint *files, const svf_config *config,
                                     size_t i, svf_layer_tensors *tensors);

/* Pack what was located into block[0..bytes), which svf_weights_bytes asked for. */
svf_status svf_weights_bytes(const svf_layer_tensors *tensors, size_t m, size_t n,
                             const svf_model_options *o, size_t *bytes);
svf_status svf_weights_pack(const svf_layer_tensors *tensors, size_t m, size_t n,
                            const svf_model_options *o, void *block, size_t bytes);

/* Load layer->name, whose m and n are set: block, owned, r and bytes. */
svf_status svf_weights_load(const svf_checkpoint *files, const char *alias,
                            const svf_model_options *o, svf_model_linear *layer);

#endif
