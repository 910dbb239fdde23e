/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/io/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/checkpoint_index.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "src/io/safetensors.h"
#include "src/io/text.h"

#define SINGLE_FILE "model.safetensors"
#define INDEX_FILE "model.safetensors.index.json"

typedef struct shard {
  char *path;
  svf_safetensors *file;
} shard;

typedef struct place {
  const svf_tensor *tensor;
  size_t shard;
} place;

struct svf_checkpoint {
  svf_index index; /* empty for a single file */
  char *list;      /* path of the index, or NULL */
  size_t shard_count;
  shard *shards;
  size_t count;
  place *places;       /* sorted by name */
  svf_tensor *renamed; /* a copy of the one tensor that has another name in its file, or NULL */
};

static svf_status no_memory(size_t count, const char *of)
{
  return svf_fail(SVF_ERR_MEMORY, "no memory for %zu %s", count, of);
}

static svf_status make_shards(svf_checkpoint *c, size_t count)
{
  c->shards = calloc(count, sizeof *c->shards);
  if (!c->shards) return no_memory(count, "shards");
  c->shard_count = count;
  return SVF_OK;
}

static svf_status make_places(svf_checkpoint *c, size_t count)
{
  c->places = calloc(count + 1, sizeof *c->places); /* calloc(0) may be NULL */
  if (!c->places) return no_memory(count, "tensors");
  c->count = count;
  return SVF_OK;
}

/* Paths are for messages only; files are opened by their names in the directory. */
static svf_status make_path(const char *dir, const char *name, char **path)
{
  const size_t bytes = strlen(dir) + strlen(name) + 2;
  *path = malloc(bytes);
  if (!*path) return no_memory(bytes, "bytes");
  snprintf(*path, bytes, "%s/%s", dir, name);
  return SVF_OK;
}

static svf_status open_shard(int directory, const char *dir, const char *name, unsigned flags,
                             shard *out)
{
  int fd;
  svf_status status = make_path(dir, name, &out->path);
  if (status != SVF_OK) return status;
  status = svf_directory_file(directory, name, &fd);
  if (status == SVF_OK) {
    status = svf_safetensors_open_fd(fd, flags, &out->file);
    close(fd);
  }
  return svf_file_at_path(status, out->path);
}

static int compare_places(const void *a, const void *b)
{
  const place *x = a;
  const place *y = b;
  return strcmp(x->tensor->name, y->tensor->name);
}

static svf_status open_single(int directory, const char *dir, unsigned flags, svf_checkpoint *c)
{
  svf_status status = make_shards(c, 1);
  if (status == SVF_OK) status = open_shard(directory, dir, SINGLE_FILE, flags, &c->shards[0]);
  if (status == SVF_OK) status = make_places(c, svf_safetensors_count(c->shards[0].file));
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < c->count; ++i) {
    c->places[i].tensor = svf_safetensors_at(c->shards[0].file, i);
  }
  qsort(c->places, c->count, sizeof *c->places, compare_places);
  return SVF_OK;
}

static svf_status read_index(int directory, const char *dir, svf_index *index)
{
  char *json;
  size_t bytes;
  svf_status status = svf_directory_read(directory, INDEX_FILE, SVF_INDEX_MAX_BYTES, &json, &bytes);
  if (status != SVF_OK) return svf_file_at_path(status, dir);
  status = svf_file_at_path(svf_index_parse(json, bytes, index), INDEX_FILE);
  free(json);
  return svf_file_at_path(status, dir);
}

/* Puts every tensor of shard i into the place that the index has for it; FILE if there is none. */
static svf_status place_tensors(svf_checkpoint *c, size_t i)
{
  const shard *s = &c->shards[i];
  for (size_t t = 0; t < svf_safetensors_count(s->file); ++t) {
    const svf_tensor *tensor = svf_safetensors_at(s->file, t);
    const svf_index_entry *entry = svf_index_find(&c->index, tensor->name);
    if (!entry) {
      return svf_file_at_path(svf_fail(SVF_ERR_FILE, "tensor '%s' is not in the index",
                                       svf_text_show(tensor->name).text),
                              s->path);
    }
    if (entry->shard != i) {
      return svf_file_at_path(svf_fail(SVF_ERR_FILE, "tensor '%s', which the index places in '%s'",
                                       svf_text_show(tensor->name).text,
                                       svf_text_show(c->index.shards[entry->shard]).text),
                              s->path);
    }
    c->places[entry - c->index.entries] = (place){tensor, i};
  }
  return SVF_OK;
}

static svf_status check_places(const svf_checkpoint *c)
{
  for (size_t i = 0; i < c->count; ++i) {
    const svf_index_entry *entry = &c->index.entries[i];
    if (!c->places[i].tensor) {
      return svf_file_at_path(
          svf_fail(SVF_ERR_FILE, "lacks tensor '%s', which the index places in it",
                   svf_text_show(entry->name).text),
          c->shards[entry->shard].path);
    }
  }
  return SVF_OK;
}

static svf_status open_sharded(int directory, const char *dir, unsigned flags, svf_checkpoint *c)
{
  svf_status status = make_path(dir, INDEX_FILE, &c->list);
  if (status == SVF_OK) status = read_index(directory, dir, &c->index);
  if (status == SVF_OK) status = make_shards(c, c->index.shard_count);
  if (status == SVF_OK) status = make_places(c, c->index.count);
  for (size_t i = 0; status == SVF_OK && i < c->shard_count; ++i) {
    status = open_shard(directory, dir, c->index.shards[i], flags, &c->shards[i]);
    if (status == SVF_OK) status = place_tensors(c, i);
  }
  return status == SVF_OK ? check_places(c) : status;
}

bool svf_checkpoint_is_there(int directory)
{
  return svf_directory_has(directory, SINGLE_FILE) || svf_directory_has(directory, INDEX_FILE);
}

static svf_status open_any(int directory, const char *dir, unsigned flags, svf_checkpoint *c)
{
  if (svf_directory_has(directory, SINGLE_FILE)) return open_single(directory, dir, flags, c);
  if (svf_directory_has(directory, INDEX_FILE)) return open_sharded(directory, dir, flags, c);
  return svf_file_at_path(svf_fail(SVF_ERR_IO, "has neither %s nor %s", SINGLE_FILE, INDEX_FILE),
                          dir);
}

svf_status svf_checkpoint_open(const char *dir, unsigned flags, svf_checkpoint **checkpoint)
{
  int directory;
  *checkpoint = NULL;
  svf_status status = svf_directory_open(dir, &directory);
  if (status != SVF_OK) return status;
  svf_checkpoint *c = calloc(1, sizeof *c);
  status = c ? open_any(directory, dir, flags, c) : no_memory(sizeof *c, "bytes");
  close(directory);
  if (status == SVF_OK) {
    *checkpoint = c;
  } else {
    svf_checkpoint_close(c);
  }
  return status;
}

void svf_checkpoint_close(svf_checkpoint *checkpoint)
{
  if (!checkpoint) return;
  for (size_t i = 0; i < checkpoint->shard_count; ++i) {
    svf_safetensors_close(checkpoint->shards[i].file);
    free(checkpoint->shards[i].path);
  }
  free(checkpoint->shards);
  free(checkpoint->places);
  free(checkpoint->renamed);
  svf_index_free(&checkpoint->index);
  free(checkpoint->list);
  free(checkpoint);
}

static int compare_name(const void *key, const void *element)
{
  const place *p = element;
  return strcmp(key, p->tensor->name);
}

static place *find_place(const svf_checkpoint *c, const char *name)
{
  return bsearch(name, c->places, c->count, sizeof *c->places, compare_name);
}

const svf_tensor *svf_checkpoint_find(const svf_checkpoint *checkpoint, const char *name)
{
  const place *p = find_place(checkpoint, name);
  return p ? p->tensor : NULL;
}

svf_status svf_checkpoint_rename(svf_checkpoint *checkpoint, const char *from, const char *to)
{
  place *p = find_place(checkpoint, from);
  if (!p) return SVF_OK;
  svf_tensor *copy = malloc(sizeof *copy);
  if (!copy) return no_memory(1, "tensors");
  *copy = *p->tensor;
  copy->name = to;
  p->tensor = copy;
  checkpoint->renamed = copy;
  qsort(checkpoint->places, checkpoint->count, sizeof *checkpoint->places, compare_places);
  return SVF_OK;
}

size_t svf_checkpoint_count(const svf_checkpoint *checkpoint) { return checkpoint->count; }

const svf_tensor *svf_checkpoint_at(const svf_checkpoint *checkpoint, size_t i)
{
  return i < checkpoint->count ? checkpoint->places[i].tensor : NULL;
}

const char *svf_checkpoint_file(const svf_checkpoint *checkpoint, const svf_tensor *tensor)
{
  const place *p = find_place(checkpoint, tensor->name);
  return p ? checkpoint->shards[p->shard].path : NULL;
}

const char *svf_checkpoint_list(const svf_checkpoint *checkpoint)
{
  return checkpoint->list ? checkpoint->list : checkpoint->shards[0].path;
}

const char *svf_checkpoint_path(const svf_checkpoint *checkpoint, size_t i)
{
  return i < checkpoint->shard_count ? checkpoint->shards[i].path : NULL;
}

const char *svf_checkpoint_metadata(const svf_checkpoint *checkpoint, const char *key)
{
  if (checkpoint->index.root) return svf_index_metadata(&checkpoint->index, key);
  return svf_safetensors_metadata(checkpoint->shards[0].file, key);
}
