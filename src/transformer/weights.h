/* SPDX-License-Identifier: Apache-2.0
 *
 * One linear layer from a checkpoint, in whichever form it has there. */
#ifndef SVF_TRANSFORMER_WEIGHTS_H
#define SVF_TRANSFORMER_WEIGHTS_H

#include <svf/model.h>

#include "src/io/checkpoint.h"
#include "src/transformer/layers.h"

/* A floating-point tensor that can be packed: fp32 or bf16, aligned. */
typedef struct svf_view {
  svf_dtype type;
  const void *data;
  void *owned; /* a converted copy, to be freed; or NULL */
} svf_view;

/* Find the tensor of that name and shape (columns = 0: one dimension). Errors: FILE, with the file
 * and, if there is a tensor of another shape, both shapes. */
svf_status svf_weights_find(const svf_checkpoint *files, const char *name, size_t rows,
                            size_t columns, const svf_tensor **tensor);

/* The same for one dimension, converted to fp32 in memory that the caller frees. */
svf_status svf_weights_floats(const svf_checkpoint *files, const char *name, size_t rows,
                              float **out);

/* The tensors of a linear layer: packed, in factors or dense, in this order of preference. */
typedef struct svf_layer_tensors {
  const svf_tensor *packed, *u, *s, *v, *dense; /* those that it does not have are NULL */
  size_t r;                                     /* 0: dense */
} svf_layer_tensors;

/* A layer's weights, opened to be packed. */
typedef struct svf_weights_views {
  svf_view u, vt, sigma; /* of a dense layer u is W, and the others are empty */
} svf_weights_views;

/* Open the tensors of a layer that is not packed, and fill in r, pointers, types and strides of
 * *to, whose m and n are set. The views are to be closed also after an error. Errors: NUMERIC,
 * naming a tensor with NaN or Inf; UNSUPPORTED, MEMORY. */
svf_status svf_weights_open(const svf_layer_tensors *tensors, svf_weights_views *views,
                            svf_linear_source *to);
void svf_weights_close(svf_weights_views *views);

/* Find the tensors of an m x n layer. `name` is without ".weight"; `alias`, or NULL, is the full
 * name of another tensor that holds W. Errors: FILE. */
svf_status svf_weights_locate(const svf_checkpoint *files, const char *name, const char *alias,
                              size_t m, size_t n, svf_layer_tensors *tensors);

/* The same for linear layer i of a model, by the names and shapes of layers.h. */
svf_status svf_weights_locate_linear(const svf_checkpoint *files, const svf_config *config,
                                     size_t i, svf_layer_tensors *tensors);

/* The bytes of a layer's block, and packing the layer into block[0..bytes). */
svf_status svf_weights_bytes(const svf_layer_tensors *tensors, size_t m, size_t n,
                             const svf_model_options *o, size_t *bytes);
svf_status svf_weights_pack(const svf_layer_tensors *tensors, size_t m, size_t n,
                            const svf_model_options *o, void *block, size_t bytes);

/* Puts the tensor of a packed layer and its file before the last message. Returns status. */
svf_status svf_weights_fail_packed(const svf_checkpoint *files, const char *name,
                                   svf_status status);

/* Load the layer whose name, m and n are set: its r, block, owned, sigma, packed and bytes. */
svf_status svf_weights_load(const svf_checkpoint *files, const char *alias,
                            const svf_model_options *o, svf_model_linear *layer);

#endif
