/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/convert/conversion.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/output.h"
#include "src/transformer/model_files.h"

static svf_status same_directory(const char *dir, const char *out)
{
  struct stat a, b;
  if (stat(dir, &a) != 0 || stat(out, &b) != 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev) {
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_ARGUMENT, "%s is the model itself: choose another directory", out);
}

/* True for ".<name>.<pid>-<number>.tmp" (src/io/output.h) of a process that has ended. */
static bool is_stale(const char *name)
{
  const size_t length = strlen(name);
  if (name[0] != '.' || length < 5 || strcmp(name + length - 4, ".tmp") != 0) return false;
  const char *dot = memrchr(name, '.', length - 4);
  if (!dot || dot == name) return false;
  char *end = NULL;
  const long pid = strtol(dot + 1, &end, 10);
  return *end == '-' && pid > 0 && pid <= INT_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void remove_stale(const char *out)
{
  DIR *d = opendir(out);
  if (!d) return;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (is_stale(e->d_name)) (void)unlinkat(dirfd(d), e->d_name, 0);
  }
  closedir(d);
}

/* Where the file system has no locks, as on some networks, the conversion goes on without one. */
static svf_status lock(svf_conversion *c)
{
  c->directory = open(c->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (c->directory < 0) {
    return svf_file_at_path(svf_file_error("cannot open the directory"), c->out);
  }
  c->is_open = true;
  int result;
  while ((result = flock(c->directory, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR) continue;
  c->is_locked = result == 0;
  if (c->is_locked || errno != EWOULDBLOCK) return SVF_OK;
  return svf_fail(SVF_ERR_IO, "%s: another job is writing a model there", c->out);
}

static svf_status list_names(svf_conversion *c)
{
  c->linears = svf_model_linear_count(&c->config);
  c->names = malloc(c->linears * sizeof *c->names);
  c->taken = calloc(c->linears, sizeof *c->taken);
  if (!c->names || !c->taken) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu names", c->linears);
  }
  for (size_t i = 0; i < c->linears; ++i) svf_model_linear_name(&c->config, i, c->names[i]);
  return SVF_OK;
}

/* Makes `out` and the directories that lead to it. */
static svf_status make_directories(svf_conversion *c)
{
  char path[PATH_MAX];
  const size_t length = strlen(c->out);
  if (length >= sizeof path) {
    return svf_fail(SVF_ERR_ARGUMENT, "the path %.80s... is too long", c->out);
  }
  c->made = calloc(length + 1, sizeof *c->made);
  if (!c->made) return svf_fail(SVF_ERR_MEMORY, "no memory for a path of %zu bytes", length);
  for (size_t i = 1; i <= length; ++i) {
    if (i < length && c->out[i] != '/') continue;
    memcpy(path, c->out, i);
    path[i] = 0;
    c->made[i] = mkdir(path, 0777) == 0;
    if (!c->made[i] && errno != EEXIST && access(path, F_OK) != 0) {
      return svf_file_at_path(svf_file_error("cannot make the directory"), path);
    }
  }
  return SVF_OK;
}

/* Removes the directories that make_directories made, as far as they are empty; no others, even if
 * the path leads through them. */
static void remove_directories(const svf_conversion *c)
{
  char path[PATH_MAX];
  for (size_t length = c->made ? strlen(c->out) : 0; length > 0; --length) {
    if (!c->made[length]) continue;
    memcpy(path, c->out, length);
    path[length] = 0;
    (void)rmdir(path);
  }
}

svf_status svf_conversion_open(svf_conversion *c, const char *dir, const char *out)
{
  *c = (svf_conversion){.dir = dir, .out = out};
  if (!dir || !out) return svf_fail(SVF_ERR_NULL, "%s is NULL", dir ? "out" : "dir");
  svf_status status = svf_model_files_open(dir, 0, &c->config, &c->files);
  if (status == SVF_OK) status = list_names(c);
  if (status != SVF_OK) return status;
  status = make_directories(c);
  if (status == SVF_OK) status = same_directory(dir, out);
  if (status == SVF_OK) status = lock(c);
  if (status == SVF_OK) remove_stale(out);
  return status;
}

/* A directory that this job made belongs to another one if that locked it first. */
void svf_conversion_close(svf_conversion *c)
{
  if (c->is_locked || !c->is_open) remove_directories(c);
  if (c->is_open) close(c->directory); /* unlocks it too */
  svf_checkpoint_close(c->files);
  free(c->names);
  free(c->taken);
  free(c->made);
  *c = (svf_conversion){0};
}

svf_status svf_conversion_path(const svf_conversion *c, const char *name, char *text, size_t bytes)
{
  const int n = snprintf(text, bytes, "%s/%s", c->out, name);
  if (n >= 0 && (size_t)n < bytes) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "the path %.80s... is too long", c->out);
}

svf_status svf_conversion_refuse_model(const svf_conversion *c)
{
  static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
  char path[PATH_MAX];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    const svf_status status = svf_conversion_path(c, names[i], path, sizeof path);
    if (status != SVF_OK) return status;
    if (access(path, F_OK) == 0) {
      return svf_fail(SVF_ERR_ARGUMENT, "%s: there is a model already: choose another directory",
                      path);
    }
  }
  return SVF_OK;
}

svf_status svf_conversion_refuse(const svf_conversion *c)
{
  char path[PATH_MAX];
  svf_status status = svf_conversion_refuse_model(c);
  if (status == SVF_OK) status = svf_conversion_path(c, SVF_DECOMPOSITION_FILE, path, sizeof path);
  if (status != SVF_OK || access(path, F_OK) != 0) return status;
  return svf_fail(SVF_ERR_ARGUMENT,
                  "%s belongs to a decomposition that is not finished: choose another "
                  "directory",
                  path);
}

svf_status svf_conversion_step(const svf_conversion *c, size_t done, size_t all, const char *what)
{
  if (!c->progress || !c->progress(c->progress_context, done, all, what)) return SVF_OK;
  return svf_fail(SVF_ERR_STOPPED, "stopped before '%s'", what);
}

svf_status svf_conversion_write_json(const svf_conversion *c, const char *name, json_t *root)
{
  char path[PATH_MAX];
  const size_t flags = JSON_INDENT(2);
  const size_t bytes = root ? json_dumpb(root, NULL, 0, flags) : 0;
  char *text = bytes > 0 ? malloc(bytes) : NULL;
  svf_status status = svf_conversion_path(c, name, path, sizeof path);
  if (!text || json_dumpb(root, text, bytes, flags) != bytes) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for %s", name);
  }
  if (status == SVF_OK) status = svf_output_replace(path, text, bytes);
  free(text);
  json_decref(root);
  return status;
}

svf_status svf_conversion_map(json_t *map, const char *tensor, const char *file)
{
  if (json_object_set_new(map, tensor, json_string(file)) == 0) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for an index");
}

svf_status svf_conversion_write_index(const svf_conversion *c, json_t *metadata, json_t *map)
{
  json_t *root = json_object();
  const int failed = json_object_set_new(root, "metadata", metadata) |
                     json_object_set_new(root, "weight_map", map); /* takes ownership of both */
  if (failed != 0) {
    json_decref(root);
    root = NULL;
  }
  return svf_conversion_write_json(c, "model.safetensors.index.json", root);
}

/* --- Tensors that are kept -------------------------------------------------------------------- */

/* The linear layer that a tensor belongs to, or `linears`. */
static size_t linear_of(const svf_conversion *c, const char *tensor)
{
  static const char *const suffixes[] = {".weight", ".U", ".S", ".V", ".packed"};
  const char *dot = strrchr(tensor, '.');
  bool belongs = false;
  for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; ++i) {
    belongs = belongs || strcmp(dot, suffixes[i]) == 0;
  }
  if (!belongs) return c->linears;
  const size_t length = (size_t)(dot - tensor);
  for (size_t i = 0; i < c->linears; ++i) {
    if (strlen(c->names[i]) == length && memcmp(c->names[i], tensor, length) == 0) return i;
  }
  return c->linears;
}

bool svf_conversion_keeps(const svf_conversion *c, const svf_tensor *tensor)
{
  const size_t linear = linear_of(c, tensor->name);
  return linear == c->linears || !c->taken[linear];
}

void svf_conversion_add_kept(const svf_conversion *c, svf_safetensors_entry *entries, size_t *count)
{
  for (size_t i = 0; i < svf_checkpoint_count(c->files); ++i) {
    const svf_tensor *t = svf_checkpoint_at(c->files, i);
    if (!svf_conversion_keeps(c, t)) continue;
    svf_safetensors_entry *e = &entries[(*count)++];
    *e = (svf_safetensors_entry){
        .size = sizeof *e, .name = t->name, .dtype = t->dtype, .ndim = t->ndim};
    memcpy(e->shape, t->shape, sizeof e->shape);
  }
}

svf_status svf_conversion_append_kept(const svf_conversion *c, const char *name,
                                      svf_safetensors_writer *writer)
{
  const svf_tensor *t = svf_checkpoint_find(c->files, name);
  return svf_safetensors_append(writer, t->data, t->bytes);
}
