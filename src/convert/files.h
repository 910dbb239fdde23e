/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's tensors in files of limited size, named as Hugging Face's transformers names them: all
 * in model.safetensors, or model-00001-of-0000N.safetensors and so on, and
 * model.safetensors.index.json, which makes them a model and comes last. */
#ifndef SVF_CONVERT_FILES_H
#define SVF_CONVERT_FILES_H

#include "src/convert/conversion.h"

typedef struct svf_files_options {
  size_t limit; /* bytes of data in a file; a larger tensor is alone in its file */
  const svf_safetensors_pair *pairs; /* [count] the metadata of each file */
  size_t count;
  const char *mark; /* the key of a pair that marks files of an earlier call, which may be removed;
                       NULL: none is removed */
} svf_files_options;

/* Appends all data of tensor i, whose entry has that name. */
typedef svf_status svf_files_append_fn(const void *context, size_t i, const char *name,
                                       svf_safetensors_writer *writer);

/* Writes tensors, in the order of their entries, into c->out, which holds no model yet. Shards that
 * an earlier call left there without an index are replaced or, if it made another number of files,
 * removed. Errors: OVERFLOW, MEMORY, IO, and those of `append`. */
svf_status svf_files_write(const svf_conversion *c, const svf_safetensors_entry *entries,
                           size_t count, const svf_files_options *how, svf_files_append_fn *append,
                           const void *context);

#endif
