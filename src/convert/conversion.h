/* SPDX-License-Identifier: Apache-2.0
 *
 * From one model's directory to another. */
#ifndef SVF_CONVERT_CONVERSION_H
#define SVF_CONVERT_CONVERSION_H

#include <jansson.h>

#include "src/io/checkpoint.h"
#include "src/transformer/model.h"

typedef struct svf_conversion {
  const char *dir, *out;
  svf_config config;
  svf_checkpoint *files;
  size_t linears;
  char (*names)[SVF_LINEAR_NAME]; /* of linear layers, see svf_model_linear_name */
  bool *taken; /* [linears] those that are made anew, by which tensors are kept or not */
  svf_progress_fn *progress; /* or NULL; the caller sets it once the conversion is open */
  void *progress_context;
  bool made;     /* out did not exist; it is removed again where it stays empty */
  bool is_open;  /* `directory` is */
  int directory; /* out, locked until the conversion is closed */
} svf_conversion;

/* Opens dir, makes the directory out if there is none, and refuses it if it is dir, or with IO if
 * another conversion works in it, also one of this process. Temporaries that a killed process left
 * in it are removed. To be closed also after an error. */
svf_status svf_conversion_open(svf_conversion *c, const char *dir, const char *out);
void svf_conversion_close(svf_conversion *c);

/* ARGUMENT if out holds a model. */
svf_status svf_conversion_refuse_model(const svf_conversion *c);

/* ARGUMENT if `out` holds a model or a decomposition that is not finished. */
svf_status svf_conversion_refuse(const svf_conversion *c);

/* STOPPED if the caller wants to stop before step `done` of `all`. */
svf_status svf_conversion_step(const svf_conversion *c, size_t done, size_t all, const char *what);

/* Writes out/name; takes `root`, which may be NULL for want of memory. */
svf_status svf_conversion_write_json(const svf_conversion *c, const char *name, json_t *root);

/* What model.safetensors.index.json says: the file of a tensor. MEMORY. */
svf_status svf_conversion_map(json_t *map, const char *tensor, const char *file);

/* Writes that index, which makes a model of what was written before; takes `metadata` and `map`,
 * which may be NULL for want of memory. */
svf_status svf_conversion_write_index(const svf_conversion *c, json_t *metadata, json_t *map);

/* Copies configuration and tokenizer. */
svf_status svf_conversion_copy_files(const svf_conversion *c);

/* True for a tensor that is copied as it is: one that is no part (.weight, .U, .S, .V or .packed)
 * of a linear layer that is taken. A bias is none. */
bool svf_conversion_keeps(const svf_conversion *c, const svf_tensor *tensor);

/* Adds the entries of those, in the order of their names, at entries[*count], which has room for
 * all tensors of the checkpoint; and appends their data. */
void svf_conversion_add_kept(const svf_conversion *c, svf_safetensors_entry *entries,
                             size_t *count);
svf_status svf_conversion_append_kept(const svf_conversion *c, svf_safetensors_writer *writer);

/* out/name in text[0..bytes). ARGUMENT if it is too long. */
svf_status svf_conversion_path(const svf_conversion *c, const char *name, char *text, size_t bytes);

#endif
