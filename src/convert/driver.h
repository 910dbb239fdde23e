/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions that make one tensor of each linear layer they take: what becomes of a layer is asked
 * layer by layer before anything is written, and other tensors are copied as they are. */
#ifndef SVF_CONVERT_DRIVER_H
#define SVF_CONVERT_DRIVER_H

#include "src/convert/conversion.h"
#include "src/convert/files.h"
#include "src/transformer/weights.h"

/* A linear layer and the tensor that it becomes. */
typedef struct svf_converted {
  size_t linear;    /* its number in the model */
  const char *name; /* without suffix */
  svf_linear_shape shape;
  svf_layer_tensors tensors;
  bool tied;                 /* the head, whose dense weights are the embedding */
  size_t gains;              /* where its gains begin in those of the whole model */
  svf_model_options options; /* plan's choices for append; zero before */
  char new_tensor[SVF_LINEAR_NAME + 8];
  svf_safetensors_entry entry;
} svf_converted;

/* How layers are converted; `job` is the caller's. */
typedef struct svf_driver {
  const char *suffix; /* of the new tensors: ".packed" */
  /* Decides about a layer whose weights were found: sets type, dimensions and shape of its entry,
   * or leaves it without dimensions to keep its tensors as they are. */
  svf_status (*plan)(void *job, svf_converted *layer);
  /* Appends the data of the new tensor, all of it. */
  svf_status (*append)(const void *job, const svf_converted *layer, svf_safetensors_writer *writer);
} svf_driver;

/* One conversion. */
typedef struct svf_drive {
  svf_conversion c;
  const svf_driver *driver;
  void *job;
  svf_converted *layers; /* [count] those that are taken, in the order of the model */
  size_t count;
} svf_drive;

/* Opens the conversion, refuses an `out` that is in use, finds the weights of all layers and plans
 * them. To be closed also after an error. */
svf_status svf_drive_open(svf_drive *d, const svf_driver *driver, void *job, const char *dir,
                          const char *out, svf_progress_fn *progress, void *progress_context);

/* Writes the new model: configuration and tokenizer, the layers' tensors, then those that are kept,
 * in files as `files` says. A step of progress for each layer. */
svf_status svf_drive_write(const svf_drive *d, const svf_files_options *files);

void svf_drive_close(svf_drive *d);

#endif
