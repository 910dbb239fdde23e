/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing safetensors files (library svf_model). Files are untrusted: the header is
 * checked whole before any tensor is visible, and no tensor can refer to bytes outside the file.
 *
 * A file that is open never changes here: all functions on it are thread-safe, except that
 * svf_safetensors_close must be the last call on it. One thread at a time may use a writer;
 * distinct writers are independent, even of one path, which then holds what was committed last. */
#ifndef SVF_SAFETENSORS_H
#define SVF_SAFETENSORS_H

#include <svf/status.h>
#include <svf/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_safetensors svf_safetensors;

/* Flag: read the file into memory instead of mapping it. A file that is truncated while it is
 * mapped raises SIGBUS. */
#define SVF_SAFETENSORS_NO_MMAP 1u

/* Open and check `path`. On OK *file must be closed with svf_safetensors_close. Errors: NULL; IO
 * (with the system's reason); MEMORY; ARGUMENT (flags); FILE, naming the path, the tensor and the
 * rule that it breaks: the header is longer than 100 MB or than the file, or is not UTF-8 JSON that
 * starts with '{'; a key is there twice; a dtype is unknown; a shape is negative or overflows; a
 * byte range disagrees with its shape; or the ranges do not tile the data exactly (a hole, an
 * overlap, trailing bytes). */
SVF_API svf_status svf_safetensors_open(const char *path, unsigned flags, svf_safetensors **file);

/* Close; NULL is ignored. Tensors and their data become invalid. */
SVF_API void svf_safetensors_close(svf_safetensors *file);

/* The number of tensors, and tensor i in file order (NULL if out of range). Thread-safe. */
SVF_API size_t svf_safetensors_count(const svf_safetensors *file);
SVF_API const svf_tensor *svf_safetensors_at(const svf_safetensors *file, size_t i);

/* The tensor of that name, or NULL. Thread-safe. */
SVF_API const svf_tensor *svf_safetensors_find(const svf_safetensors *file, const char *name);

/* The value of a key of __metadata__, or NULL; U+0000 in it has become U+FFFD. It belongs to
 * `file`. Thread-safe. */
SVF_API const char *svf_safetensors_metadata(const svf_safetensors *file, const char *key);

/* A tensor that is to be written. Set to zero first, except size = sizeof. */
typedef struct svf_safetensors_entry {
  size_t size;
  const char *name; /* UTF-8, at most 1024 bytes, not "__metadata__" */
  svf_tensor_type dtype;
  int ndim;
  size_t shape[SVF_TENSOR_MAX_DIMS];
} svf_safetensors_entry;

/* A key of __metadata__ and its value, both UTF-8. The format has nothing else there, so this
 * struct will never have another member. */
typedef struct svf_safetensors_pair {
  const char *key, *value;
} svf_safetensors_pair;

typedef struct svf_safetensors_writer svf_safetensors_writer;

/* Begin a file of these tensors, in this order; all entries have the size of the first. `metadata`
 * may be NULL if pairs is 0. All strings are copied. The file is written next to its place as
 * ".<name>.<pid>-<number>.tmp": until commit, `path` holds what it held before, whatever happens to
 * the process or the disk (a killed process leaves the temporary file). The data begins at a
 * multiple of 64 bytes of the file, and so does every tensor whose predecessors all have sizes that
 * are multiples of 64.
 *
 * svf_safetensors_open can read what is written: the rules are the same. On OK *writer must be
 * committed or discarded. Errors: NULL; VERSION (a size); ARGUMENT (too many entries; an entry,
 * which is named: its name is not UTF-8, too long or there twice, its dtype is unknown, its ndim is
 * out of range; the path names no file); OVERFLOW; IO; MEMORY. */
SVF_API svf_status svf_safetensors_create(const char *path, const svf_safetensors_entry *entries,
                                          size_t count, const svf_safetensors_pair *metadata,
                                          size_t pairs, svf_safetensors_writer **writer);

/* Append the next bytes of the tensors' data, which follow each other without gaps. Bytes may come
 * in any amounts, which need not end where tensors do. Errors: NULL; ARGUMENT if that is more than
 * the entries hold, and then nothing is written; IO, after which the writer can only be
 * discarded. */
SVF_API svf_status svf_safetensors_append(svf_safetensors_writer *writer, const void *data,
                                          size_t bytes);

/* Put the file in its place. On OK it is on the disk, with its name, and *writer is freed and NULL.
 * Errors: NULL; ARGUMENT if bytes are missing, and then the writer is left alone; IO, after which
 * the temporary file is gone and *writer is freed and NULL. */
SVF_API svf_status svf_safetensors_commit(svf_safetensors_writer **writer);

/* Remove the temporary file and free; NULL and pointers to NULL are ignored. */
SVF_API void svf_safetensors_discard(svf_safetensors_writer **writer);

#ifdef __cplusplus
}
#endif
#endif
