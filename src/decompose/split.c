/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/decompose/split.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/io/st_dtype.h"

enum { NAME = 64 };

typedef struct split {
  const svf_conversion *c;
  const svf_st_entry *entries;
  size_t files, bytes; /* of data */
  size_t *first;       /* [files + 1]: entries of a file begin here */
  svf_split_fn *append;
  const void *context;
} split;

static svf_status divide(split *s, size_t count, size_t limit)
{
  size_t in_file = 0, elements, bytes;
  for (size_t i = 0; i < count; ++i) {
    const svf_st_entry *e = &s->entries[i];
    if (!svf_st_shape_size(e->dtype, e->ndim, e->shape, &elements, &bytes) ||
        !svf_size_add(s->bytes, bytes, &s->bytes)) {
      return svf_fail(SVF_ERR_OVERFLOW, "tensor '%s' has more bytes than can be counted", e->name);
    }
    if (s->files == 0 || (i > s->first[s->files - 1] && bytes > limit - in_file)) {
      s->first[s->files++] = i;
      in_file = 0;
    }
    in_file = bytes > limit - in_file ? limit : in_file + bytes;
  }
  s->first[s->files] = count;
  return SVF_OK;
}

static void name_file(const split *s, size_t k, char *text)
{
  if (s->files == 1) {
    snprintf(text, NAME, "model.safetensors");
  } else {
    snprintf(text, NAME, "model-%05zu-of-%05zu.safetensors", k + 1, s->files);
  }
}

static svf_status write_file(const split *s, size_t k)
{
  const svf_st_pair format = {"format", "pt"}; /* transformers insists on it */
  char name[NAME], path[PATH_MAX];
  svf_st_writer *w = NULL;
  name_file(s, k, name);
  svf_status status = svf_conversion_path(s->c, name, path, sizeof path);
  if (status == SVF_OK) {
    status = svf_st_create(path, s->entries + s->first[k], s->first[k + 1] - s->first[k], &format,
                           1, &w);
  }
  for (size_t i = s->first[k]; status == SVF_OK && i < s->first[k + 1]; ++i) {
    status = s->append(s->context, i, w);
  }
  if (status == SVF_OK) return svf_st_commit(&w);
  svf_st_discard(&w);
  return status;
}

static svf_status write_index(const split *s)
{
  json_t *map = json_object();
  for (size_t k = 0; k < s->files; ++k) {
    char name[NAME];
    name_file(s, k, name);
    for (size_t i = s->first[k]; i < s->first[k + 1]; ++i) {
      if (json_object_set_new(map, s->entries[i].name, json_string(name)) == 0) continue;
      json_decref(map);
      return svf_fail(SVF_ERR_MEMORY, "no memory for an index");
    }
  }
  return svf_conversion_write_json(
      s->c, "model.safetensors.index.json",
      json_pack("{s{sI} so}", "metadata", "total_size", (json_int_t)s->bytes, "weight_map", map));
}

svf_status svf_split_write(const svf_conversion *c, const svf_st_entry *entries, size_t count,
                           size_t limit, svf_split_fn *append, const void *context)
{
  split s = {.c = c, .entries = entries, .append = append, .context = context};
  s.first = malloc((count + 1) * sizeof *s.first);
  if (!s.first) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of files");
  svf_status status = divide(&s, count, limit);
  for (size_t k = 0; status == SVF_OK && k < s.files; ++k) status = write_file(&s, k);
  if (status == SVF_OK && s.files > 1) status = write_index(&s);
  free(s.first);
  return status;
}
