/* SPDX-License-Identifier: Apache-2.0
 *
 * From one model's directory to another. */
#ifndef SVF_CONVERT_CONVERSION_H
#define SVF_CONVERT_CONVERSION_H

#include <jansson.h>

#include "src/io/checkpoint.h"
#include "src/transformer/model.h"

typedef struct svf_conversion {
  const char *dir; /* the model that is read */
  const char *out; /* the directory that is written */
  svf_config config;
  svf_checkpoint *files;
  size_t linears;                 /* linear layers of the model */
  char (*names)[SVF_LINEAR_NAME]; /* [linears] from svf_model_linear_name */
  bool *taken; /* [linears] true: the layer is converted, so its tensors are not kept */
  svf_progress_fn *progress; /* or NULL; set by the caller once the conversion is open */
  void *progress_context;
  bool *made;   /* [strlen(out) + 1] true for i if the first i bytes of `out` name a directory that
                   was made for this conversion: it is removed on closing if it is empty */
  bool is_open; /* `directory` is open */
  bool is_locked; /* `directory` is locked, until the conversion is closed */
  int directory;  /* descriptor of `out` */
} svf_conversion;

/* Opens `dir` and makes the directory `out`, and those that lead to it, if there is none.
 * Refuses `out` if it is `dir` and, with IO, if another conversion works in it, even one of this
 * process. Removes temporary files that a killed process left in `out`. *c must be closed also
 * after an error. */
svf_status svf_conversion_open(svf_conversion *c, const char *dir, const char *out);

/* Removes `out` if it was made for this conversion and is still empty; not where the file system
 * has no locks, since another job may be about to write there. */
void svf_conversion_close(svf_conversion *c);

/* Errors: ARGUMENT if `out` holds a model. */
svf_status svf_conversion_refuse_model(const svf_conversion *c);

/* Errors: ARGUMENT if `out` holds a model or a decomposition that is not finished. */
svf_status svf_conversion_refuse(const svf_conversion *c);

/* Reports progress before step `done` of `all`. Errors: STOPPED if the caller wants to stop. */
svf_status svf_conversion_step(const svf_conversion *c, size_t done, size_t all, const char *what);

/* Writes out/name. Takes ownership of `root`, which may be NULL where memory was lacking:
 * MEMORY. */
svf_status svf_conversion_write_json(const svf_conversion *c, const char *name, json_t *root);

/* Adds to the map of model.safetensors.index.json the file of a tensor. Errors: MEMORY. */
svf_status svf_conversion_map(json_t *map, const char *tensor, const char *file);

/* Writes that index, which turns the files written before into a model. Takes ownership of
 * `metadata` and `map`, which may be NULL where memory was lacking. */
svf_status svf_conversion_write_index(const svf_conversion *c, json_t *metadata, json_t *map);

/* Copies the files of configuration and tokenizer (side_files.c). */
svf_status svf_conversion_copy_files(const svf_conversion *c);

/* True for a tensor that is copied as it is: any but the weights (.weight, .U, .S, .V or .packed)
 * of a linear layer that is taken. */
bool svf_conversion_keeps(const svf_conversion *c, const svf_tensor *tensor);

/* Adds the entries of the tensors that are kept, in the order of their names, from entries[*count]
 * on; the array must have space for all tensors of the checkpoint. */
void svf_conversion_add_kept(const svf_conversion *c, svf_safetensors_entry *entries,
                             size_t *count);

/* Appends the data of the tensor of that name, one of those that are kept. */
svf_status svf_conversion_append_kept(const svf_conversion *c, const char *name,
                                      svf_safetensors_writer *writer);

/* Writes the path out/name to text[0..bytes). Errors: ARGUMENT if it is too long. */
svf_status svf_conversion_path(const svf_conversion *c, const char *name, char *text, size_t bytes);

#endif
