/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's tensors in files of limited size, named as Hugging Face's transformers names them: all
 * in model.safetensors, or model-00001-of-0000N.safetensors and so on, and
 * model.safetensors.index.json, which makes them a model and comes last. */
#ifndef SVF_CONVERT_FILES_H
#define SVF_CONVERT_FILES_H

#include "src/convert/conversion.h"

typedef struct svf_files_options {
  size_t limit;                      /* bytes of data in a file; a tensor that has more is alone */
  const svf_safetensors_pair *pairs; /* the metadata of each file */
  size_t count;
  const char *mark; /* the key of a pair by which files that an earlier call left are known; NULL:
                       none is removed */
} svf_files_options;

/* Appends the data of tensor i, whose entry has that name, all of it. */
typedef svf_status svf_files_append_fn(const void *context, size_t i, const char *name,
                                       svf_safetensors_writer *writer);

/* Into c->out, which holds no model yet: shards that an earlier call left there, before its index,
 * are replaced or, where it divided otherwise, removed. In the order of entries. Errors: OVERFLOW,
 * MEMORY, IO, and those of append. */
svf_status svf_files_write(const svf_conversion *c, const svf_safetensors_entry *entries,
                           size_t count, const svf_files_options *how, svf_files_append_fn *append,
                           const void *context);

#endif
