/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing safetensors files (library svf_model). Files are untrusted: the header is
 * checked whole before any tensor is visible, and no tensor can refer to bytes outside the file. */
#ifndef SVF_SAFETENSORS_H
#define SVF_SAFETENSORS_H

#include <svf/status.h>
#include <svf/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_safetensors svf_safetensors;

/* Reading into memory instead of mapping: a file that is truncated while mapped raises SIGBUS. */
#define SVF_SAFETENSORS_NO_MMAP 1u

/* Open and check `path`. On OK *file must be closed with svf_safetensors_close. Errors: NULL; IO
 * (with the system's reason); MEMORY; FILE, naming the path, the tensor and the rule that it
 * breaks: header longer than 100 MB or the file, not UTF-8 JSON starting with '{', duplicate keys,
 * unknown dtype, negative or overflowing shape, byte range that disagrees with shape, and ranges
 * that do not tile the data exactly (hole, overlap, trailing bytes). */
SVF_API svf_status svf_safetensors_open(const char *path, unsigned flags, svf_safetensors **file);

/* Close; NULL is ignored. Tensors and their data become invalid. */
SVF_API void svf_safetensors_close(svf_safetensors *file);

/* Number of tensors, and tensor i in file order (NULL if out of range). Thread-safe. */
SVF_API size_t svf_safetensors_count(const svf_safetensors *file);
SVF_API const svf_tensor *svf_safetensors_at(const svf_safetensors *file, size_t i);

/* The tensor of that name, or NULL. Thread-safe. */
SVF_API const svf_tensor *svf_safetensors_find(const svf_safetensors *file, const char *name);

/* The value of a __metadata__ key, or NULL. Belongs to the handle. Thread-safe. */
SVF_API const char *svf_safetensors_metadata(const svf_safetensors *file, const char *key);

/* A tensor that is to be written. Set to zero first, but size = sizeof. */
typedef struct svf_safetensors_entry {
  size_t size;
  const char *name; /* UTF-8, at most 1024 bytes, not "__metadata__" */
  svf_tensor_type dtype;
  int ndim;
  size_t shape[SVF_TENSOR_MAX_DIMS];
} svf_safetensors_entry;

/* A key of __metadata__ and its value, both UTF-8. The format has nothing else there, so this
 * struct never gets another member. */
typedef struct svf_safetensors_pair {
  const char *key, *value;
} svf_safetensors_pair;

typedef struct svf_safetensors_writer svf_safetensors_writer;

/* Begin a file of these tensors, in this order; all entries have the size of the first. `metadata`
 * may be NULL if pairs is 0. All strings are copied. The file is written beside its place as
 * ".<name>.<pid>-<number>.tmp": until commit, `path` holds what it held before, whatever happens to
 * the process or the disk (a killed process leaves the temporary). The data begins at a multiple of
 * 64 bytes of the file, and so does every tensor whose predecessors have sizes that are multiples
 * of 64.
 *
 * What is written can be read by svf_safetensors_open: the rules are the same, and on OK *writer
 * must be committed or discarded. Errors: NULL; VERSION (a size); ARGUMENT (naming the
 * entry: not UTF-8, too long, twice, too many, unknown dtype, ndim; the path names no file);
 * OVERFLOW; IO; MEMORY. */
SVF_API svf_status svf_safetensors_create(const char *path, const svf_safetensors_entry *entries,
                                          size_t count, const svf_safetensors_pair *metadata,
                                          size_t pairs, svf_safetensors_writer **writer);

/* The next bytes of the tensors' data, which follow each other without gaps: pieces may be of any
 * size and need not end where tensors do. Errors: NULL; ARGUMENT and nothing written if more than
 * the entries hold; IO, after which the writer can only be discarded. */
SVF_API svf_status svf_safetensors_append(svf_safetensors_writer *writer, const void *data,
                                          size_t bytes);

/* Put the file in its place: on OK it is on the disk, name and all, and *writer is freed and NULL.
 * ARGUMENT if bytes are missing; the writer is left alone then. After IO the temporary is gone and
 * *writer freed and NULL. */
SVF_API svf_status svf_safetensors_commit(svf_safetensors_writer **writer);

/* Remove the temporary and free; NULL and pointers to NULL are ignored. */
SVF_API void svf_safetensors_discard(svf_safetensors_writer **writer);

#ifdef __cplusplus
}
#endif
#endif
