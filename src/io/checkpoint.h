/* SPDX-License-Identifier: Apache-2.0
 *
 * The tensors of a model's directory, in one file or in many. As in Hugging Face's transformers,
 * model.safetensors is used if it exists. Otherwise model.safetensors.index.json names the shards,
 * which must agree with it exactly: every tensor of the index is in the shard that it names, and no
 * shard holds any other tensor.
 *
 * Shards are files of the directory itself: src/io/directory.h says which links are followed. */
#ifndef SVF_IO_CHECKPOINT_H
#define SVF_IO_CHECKPOINT_H

#include <stdbool.h>

#include <svf/safetensors.h>

typedef struct svf_checkpoint svf_checkpoint;

/* flags: SVF_SAFETENSORS_NO_MMAP or 0. No descriptor stays open. Errors: ARGUMENT, IO, FILE,
 * MEMORY; the message names the file. */
svf_status svf_checkpoint_open(const char *dir, unsigned flags, svf_checkpoint **checkpoint);

/* True if the open directory has a checkpoint, valid or not. */
bool svf_checkpoint_is_there(int directory);

/* NULL is ignored. Tensors and their data become invalid. */
void svf_checkpoint_close(svf_checkpoint *checkpoint);

/* The tensor of that name, or NULL. */
const svf_tensor *svf_checkpoint_find(const svf_checkpoint *checkpoint, const char *name);

/* Call a tensor, if it is there, by another name, which no tensor has yet; at most once for a
 * checkpoint. `to` must stay valid. Errors: MEMORY. */
svf_status svf_checkpoint_rename(svf_checkpoint *checkpoint, const char *from, const char *to);

/* The number of tensors, and tensor i in the order of names by strcmp; NULL if out of range. */
size_t svf_checkpoint_count(const svf_checkpoint *checkpoint);
const svf_tensor *svf_checkpoint_at(const svf_checkpoint *checkpoint, size_t i);

/* The path of the file that holds a tensor of this checkpoint, for messages. */
const char *svf_checkpoint_file(const svf_checkpoint *checkpoint, const svf_tensor *tensor);

/* The path of the file that says which tensors there are, for messages: the only file, or the
 * index. */
const char *svf_checkpoint_list(const svf_checkpoint *checkpoint);

/* The path of file i of the checkpoint; NULL if out of range. */
const char *svf_checkpoint_path(const svf_checkpoint *checkpoint, size_t i);

/* A string of __metadata__, or of the index's "metadata"; NULL if there is none. */
const char *svf_checkpoint_metadata(const svf_checkpoint *checkpoint, const char *key);

#endif
