/* SPDX-License-Identifier: Apache-2.0
 *
 * model.safetensors.index.json as a pure function of its bytes. */
#ifndef SVF_IO_CHECKPOINT_INDEX_H
#define SVF_IO_CHECKPOINT_INDEX_H

#include <jansson.h>
#include <stddef.h>

#include <svf/status.h>

#define SVF_INDEX_MAX_BYTES 100000000 /* that of a header, which names the same tensors */
#define SVF_INDEX_MAX_SHARDS 65536    /* a decomposed model has one for every matrix */

typedef struct svf_index_entry {
  const char *name;
  size_t shard; /* index in svf_index.shards */
} svf_index_entry;

typedef struct svf_index {
  size_t count;
  svf_index_entry *entries; /* [count], sorted by name; names are unique */
  size_t shard_count;
  const char **shards; /* [shard_count] names of files in the directory, sorted and unique */
  json_t *root;        /* holds all strings */
} svf_index;

/* On OK *index must be freed. Errors: FILE (also if the name of a shard leads out of the
 * directory), MEMORY. */
svf_status svf_index_parse(const char *json, size_t bytes, svf_index *index);

/* The entry of that name, or NULL. */
const svf_index_entry *svf_index_find(const svf_index *index, const char *name);

/* The string of that key in "metadata", or NULL. */
const char *svf_index_metadata(const svf_index *index, const char *key);

void svf_index_free(svf_index *index);

#endif
