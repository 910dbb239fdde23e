/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an expert's file. It is read, not mapped, since a server must survive its truncation.
 * Sizes are limited before memory is allocated for them. */
#define _POSIX_C_SOURCE 200809L
#include <svf/expert.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/experts/expert.h"
#include "src/experts/metadata.h"
#include "src/io/file.h"
#include "src/io/safetensors.h"
#include "src/io/safetensors_header.h"
#include "src/io/text.h"

enum { SUFFIX = 2 }; /* bytes of svf_expert_suffix */

typedef struct content {
  svf_expert_module *modules;
  char *names;   /* of the modules: those of the tensors without their suffixes */
  float *values; /* aligned, unlike those in the file */
} content;

/* Checks a tensor, and adds what it needs in a `content` to *name_bytes and *values. */
static svf_status check_tensor(const svf_tensor *tensor, const char *suffix, size_t *name_bytes,
                               size_t *values)
{
  const svf_printable p = svf_text_show(tensor->name);
  const size_t length = strlen(tensor->name);
  if (length <= SUFFIX || strcmp(tensor->name + length - SUFFIX, suffix) != 0) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s': its name is not '<module>%s'", p.text, suffix);
  }
  if (tensor->dtype != SVF_TENSOR_F32 || tensor->ndim != 1) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s': it is %s of %d dimensions, not F32 of 1", p.text,
                    svf_tensor_type_name(tensor->dtype), tensor->ndim);
  }
  *name_bytes += length - SUFFIX + 1;
  *values += tensor->elements;
  return SVF_OK;
}

static svf_status allocate(size_t count, size_t name_bytes, size_t values, content *c)
{
  c->modules = calloc(count, sizeof *c->modules);
  c->names = malloc(name_bytes);
  c->values = malloc((values + 1) * sizeof *c->values); /* malloc(0) may be NULL */
  if (c->modules && c->names && c->values) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules with %zu values", count, values);
}

static svf_status read_values(const svf_tensor *tensor, float *values)
{
  const svf_status status = svf_tensor_to_f32(tensor, values, tensor->elements);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < tensor->elements; ++i) {
    if (isfinite(values[i])) continue;
    return svf_fail(SVF_ERR_FILE, "tensor '%s': element %zu is %g, which is no finite fp32",
                    svf_text_show(tensor->name).text, i, (double)values[i]);
  }
  return SVF_OK;
}

static svf_status read_modules(const svf_safetensors *file, const char *suffix, content *c)
{
  const size_t count = svf_safetensors_count(file);
  size_t name_bytes = 0, values = 0;
  svf_status status = SVF_OK;
  if (count == 0) return svf_fail(SVF_ERR_FILE, "the file has no tensor");
  for (size_t i = 0; i < count && status == SVF_OK; ++i) {
    status = check_tensor(svf_safetensors_at(file, i), suffix, &name_bytes, &values);
  }
  if (status == SVF_OK) status = allocate(count, name_bytes, values, c);
  char *name = c->names;
  float *at = c->values;
  for (size_t i = 0; i < count && status == SVF_OK; ++i) {
    const svf_tensor *tensor = svf_safetensors_at(file, i);
    const size_t length = strlen(tensor->name) - SUFFIX;
    memcpy(name, tensor->name, length);
    name[length] = 0;
    c->modules[i] = (svf_expert_module){
        .size = sizeof(svf_expert_module), .name = name, .r = tensor->elements, .values = at};
    status = read_values(tensor, at);
    name += length + 1;
    at += tensor->elements;
  }
  return status;
}

static svf_status make_expert(const svf_safetensors *file, svf_expert **expert)
{
  content c = {0};
  svf_expert_info info = {.size = sizeof info};
  svf_status status = svf_expert_metadata_read(file, &info);
  if (status == SVF_OK) status = read_modules(file, svf_expert_suffix(info.parametrisation), &c);
  if (status == SVF_OK) {
    status = svf_expert_create(&info, c.modules, svf_safetensors_count(file), expert);
    if (status != SVF_OK && status != SVF_ERR_MEMORY) status = SVF_ERR_FILE;
  }
  free(c.modules);
  free(c.names);
  free(c.values);
  return status;
}

static svf_status open_file(int fd, svf_safetensors **file)
{
  const size_t limit =
      SVF_SAFETENSORS_PREFIX + SVF_SAFETENSORS_MAX_HEADER + SVF_EXPERT_MAX_VALUES * sizeof(float);
  size_t bytes = 0;
  const svf_status status = svf_file_size(fd, &bytes);
  if (status != SVF_OK) return status;
  if (bytes <= limit) return svf_safetensors_open_fd(fd, SVF_SAFETENSORS_NO_MMAP, file);
  return svf_fail(SVF_ERR_FILE, "the file has %zu bytes, an expert's file has at most %zu", bytes,
                  limit);
}

svf_status svf_expert_open(const char *path, svf_expert **expert)
{
  int fd;
  svf_safetensors *file = NULL;
  if (!path || !expert) return svf_fail(SVF_ERR_NULL, "%s is NULL", path ? "expert" : "path");
  *expert = NULL;
  svf_status status = svf_file_open(path, &fd);
  if (status != SVF_OK) return status;
  status = open_file(fd, &file);
  close(fd);
  if (status == SVF_OK) status = make_expert(file, expert);
  svf_safetensors_close(file);
  return svf_file_at_path(status, path);
}
