/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/convert/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/safetensors.h"
#include "src/io/tensor.h"

enum { NAME = 64 };

typedef struct writing {
  const svf_conversion *c;
  const svf_safetensors_entry *entries;
  const svf_files_options *how;
  size_t files;
  size_t bytes;  /* of data in all files */
  size_t *first; /* [files + 1] the first entry of each file, then one past the last entry */
  svf_files_append_fn *append;
  const void *context;
} writing;

static svf_status divide(writing *s, size_t count)
{
  const size_t limit = s->how->limit;
  size_t in_file = 0, elements, bytes;
  for (size_t i = 0; i < count; ++i) {
    const svf_safetensors_entry *e = &s->entries[i];
    if (!svf_tensor_shape_size(e->dtype, e->ndim, e->shape, &elements, &bytes) ||
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

static void name_shard(size_t number, size_t files, char *text)
{
  snprintf(text, NAME, "model-%05zu-of-%05zu.safetensors", number, files);
}

static void name_file(const writing *s, size_t k, char *text)
{
  if (s->files == 1) {
    snprintf(text, NAME, "model.safetensors");
  } else {
    name_shard(k + 1, s->files, text);
  }
}

/* --- What an unfinished run left -------------------------------------------------------------- */

/* True for the name of a shard of another number of files. */
static bool is_of_another_division(const writing *s, const char *name)
{
  static const char before[] = "model-", between[] = "-of-";
  char text[NAME];
  const char *of = strstr(name, between);
  if (strncmp(name, before, sizeof before - 1) != 0 || !of) return false;
  const size_t files = strtoul(of + sizeof between - 1, NULL, 10);
  name_shard(strtoul(name + sizeof before - 1, NULL, 10), files, text);
  return strcmp(text, name) == 0 && files != s->files;
}

/* True for a file of that name that has the mark; a link has none. */
static bool is_marked(const writing *s, int directory, const char *name)
{
  const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  svf_safetensors *file = NULL;
  if (fd < 0) return false;
  const bool marked = svf_safetensors_open_fd(fd, 0, &file) == SVF_OK &&
                      svf_safetensors_metadata(file, s->how->mark);
  svf_safetensors_close(file);
  close(fd);
  return marked;
}

/* Shards of another number of files would otherwise stay beside the model forever, since its own
 * shards replace only those of the same names. */
static svf_status remove_other_divisions(const writing *s)
{
  if (!s->how->mark) return SVF_OK;
  DIR *d = opendir(s->c->out);
  if (!d) return svf_file_at_path(svf_file_error("cannot open the directory"), s->c->out);
  svf_status status = SVF_OK;
  for (struct dirent *e; status == SVF_OK && (e = readdir(d)) != NULL;) {
    if (!is_of_another_division(s, e->d_name) || !is_marked(s, dirfd(d), e->d_name)) continue;
    if (unlinkat(dirfd(d), e->d_name, 0) == 0) continue;
    status = svf_file_at_path(svf_file_error("cannot remove what an earlier run left"), e->d_name);
    status = svf_file_at_path(status, s->c->out);
  }
  closedir(d);
  return status;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static svf_status write_file(const writing *s, size_t k)
{
  char name[NAME], path[PATH_MAX];
  svf_safetensors_writer *w = NULL;
  name_file(s, k, name);
  svf_status status = svf_conversion_path(s->c, name, path, sizeof path);
  if (status == SVF_OK) {
    status = svf_safetensors_create(path, s->entries + s->first[k], s->first[k + 1] - s->first[k],
                                    s->how->pairs, s->how->count, &w);
  }
  for (size_t i = s->first[k]; status == SVF_OK && i < s->first[k + 1]; ++i) {
    status = s->append(s->context, i, s->entries[i].name, w);
  }
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

static svf_status write_index(const writing *s)
{
  json_t *map = json_object();
  for (size_t k = 0; k < s->files; ++k) {
    char name[NAME];
    name_file(s, k, name);
    for (size_t i = s->first[k]; i < s->first[k + 1]; ++i) {
      const svf_status status = svf_conversion_map(map, s->entries[i].name, name);
      if (status == SVF_OK) continue;
      json_decref(map);
      return status;
    }
  }
  return svf_conversion_write_index(s->c, json_pack("{sI}", "total_size", (json_int_t)s->bytes),
                                    map);
}

svf_status svf_files_write(const svf_conversion *c, const svf_safetensors_entry *entries,
                           size_t count, const svf_files_options *how, svf_files_append_fn *append,
                           const void *context)
{
  writing s = {.c = c, .entries = entries, .how = how, .append = append, .context = context};
  s.first = malloc((count + 1) * sizeof *s.first);
  if (!s.first) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of files");
  svf_status status = divide(&s, count);
  if (status == SVF_OK) status = remove_other_divisions(&s);
  for (size_t k = 0; status == SVF_OK && k < s.files; ++k) status = write_file(&s, k);
  if (status == SVF_OK && s.files > 1) status = write_index(&s);
  free(s.first);
  return status;
}
