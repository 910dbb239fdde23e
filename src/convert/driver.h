/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions that make one tensor of each linear layer that they take. Each layer's conversion is
 * planned before anything is written; other tensors are copied as they are. */
#ifndef SVF_CONVERT_DRIVER_H
#define SVF_CONVERT_DRIVER_H

#include "src/convert/conversion.h"
#include "src/convert/files.h"
#include "src/transformer/weights.h"

/* A linear layer and the tensor that it becomes. */
typedef struct svf_converted {
  const char *name; /* of the layer, without suffix */
  svf_linear_shape shape;
  svf_layer_tensors tensors;
  bool tied;                 /* true for an lm_head whose dense weights are the embedding */
  size_t gains;              /* index of its first gain among those of the whole model */
  svf_model_options options; /* set by plan() for append(); zero before */
  char new_tensor[SVF_LINEAR_NAME + 8]; /* name of the tensor that it becomes */
  svf_safetensors_entry entry;          /* of that tensor */
} svf_converted;

/* How layers are converted; `job` belongs to the caller. */
typedef struct svf_driver {
  const char *suffix; /* of the new tensors: ".packed" */
  /* Decides on a layer whose weights were found: sets type, dimensions and shape of its entry, or
   * leaves the entry without dimensions, so that the layer's tensors are kept as they are. */
  svf_status (*plan)(void *job, svf_converted *layer);
  /* Appends all data of the new tensor. */
  svf_status (*append)(const void *job, const svf_converted *layer, svf_safetensors_writer *writer);
} svf_driver;

/* One conversion. */
typedef struct svf_drive {
  svf_conversion c;
  const svf_driver *driver;
  void *job;
  svf_converted *layers; /* [count] the layers that are taken, in the order of the model */
  size_t count;
} svf_drive;

/* Opens the conversion, refuses an `out` that holds a model or a decomposition, finds the weights
 * of all layers and plans them. *d must be closed also after an error. */
svf_status svf_drive_open(svf_drive *d, const svf_driver *driver, void *job, const char *dir,
                          const char *out, svf_progress_fn *progress, void *progress_context);

/* Writes the new model: configuration and tokenizer, then the layers' tensors and those that are
 * kept, in files as `files` says. Progress is reported for each layer, on the calling thread. What
 * `append` gives to a team runs on `threads` threads, 0: svf_max_threads(). */
svf_status svf_drive_write(const svf_drive *d, const svf_files_options *files, size_t threads);

void svf_drive_close(svf_drive *d);

#endif
