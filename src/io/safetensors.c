/* SPDX-License-Identifier: Apache-2.0
 *
 * Safetensors files: opening, mapping or reading, and access to what the header describes.
 *
 * The header is always read into memory, never through the mapping. It is parsed whole before any
 * data is touched, and if the file shrinks meanwhile that is an error instead of a SIGBUS. */
#define _POSIX_C_SOURCE 200809L
#include "src/io/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/foreign.h"
#include "src/io/safetensors_header.h"

struct svf_safetensors {
  svf_safetensors_header header;
  void *memory;  /* a mapping of the whole file, or a copy of its data */
  size_t mapped; /* bytes of the mapping; 0: the memory is allocated */
};

/* A file whose header cannot begin there is named by its kind, if that is known. */
static svf_status check_kind(int fd, size_t file_bytes)
{
  char begin[SVF_FOREIGN_BYTES];
  const size_t count = svf_size_min(sizeof begin, file_bytes);
  svf_status status = svf_file_read_at(fd, begin, count, 0);
  if (status != SVF_OK) return status;
  size_t at = SVF_SAFETENSORS_PREFIX;
  while (at < count && strchr(" \t\r\n", begin[at]) && begin[at]) ++at;
  if (at < count && begin[at] == '{') return SVF_OK;
  status = svf_foreign_check(begin, count);
  if (status != SVF_OK) return status;
  if (file_bytes <= SVF_SAFETENSORS_PREFIX) {
    return svf_fail(SVF_ERR_FILE, "the file has %zu bytes: it is not a safetensors file",
                    file_bytes);
  }
  return svf_fail(SVF_ERR_FILE, "is not a safetensors file: there is no header of JSON at byte %d",
                  SVF_SAFETENSORS_PREFIX);
}

/* *data_offset becomes the number of bytes before the data. */
static svf_status read_header(int fd, size_t file_bytes, svf_safetensors_header *header,
                              size_t *data_offset)
{
  unsigned char prefix[SVF_SAFETENSORS_PREFIX];
  size_t length;
  svf_status status = check_kind(fd, file_bytes);
  if (status == SVF_OK) status = svf_file_read_at(fd, prefix, sizeof prefix, 0);
  if (status == SVF_OK) status = svf_safetensors_header_length(prefix, file_bytes, &length);
  if (status != SVF_OK) return status;
  char *json = malloc(length + 1);
  if (!json) return svf_fail(SVF_ERR_MEMORY, "no memory for a header of %zu bytes", length);
  *data_offset = SVF_SAFETENSORS_PREFIX + length;
  status = svf_file_read_at(fd, json, length, SVF_SAFETENSORS_PREFIX);
  if (status == SVF_OK) {
    status = svf_safetensors_header_parse(json, length, file_bytes - *data_offset, header);
  }
  free(json);
  return status;
}

static svf_status read_data(svf_safetensors *file, int fd, unsigned flags, size_t file_bytes,
                            size_t data_offset)
{
  const char *data;
  if (flags & SVF_SAFETENSORS_NO_MMAP) {
    const size_t bytes = file_bytes - data_offset;
    size_t capacity;
    /* The alignment is that of a mapping of a file that svf_safetensors_create wrote. */
    file->memory = svf_size_round(bytes + !bytes, SVF_SAFETENSORS_ALIGNMENT, &capacity)
                       ? aligned_alloc(SVF_SAFETENSORS_ALIGNMENT, capacity)
                       : NULL;
    if (!file->memory) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes of data", bytes);
    const svf_status status = svf_file_read_at(fd, file->memory, bytes, data_offset);
    if (status != SVF_OK) return status;
    data = file->memory;
  } else {
    void *map = mmap(NULL, file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return svf_file_error("cannot map");
    file->memory = map;
    file->mapped = file_bytes;
    data = (const char *)map + data_offset;
  }
  svf_safetensors_header_bind(&file->header, data);
  return SVF_OK;
}

svf_status svf_safetensors_open_fd(int fd, unsigned flags, svf_safetensors **out)
{
  size_t file_bytes = 0;
  size_t data_offset = 0;
  *out = NULL;
  if (flags & ~SVF_SAFETENSORS_NO_MMAP) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags,
                    SVF_SAFETENSORS_NO_MMAP);
  }
  svf_status status = svf_file_size(fd, &file_bytes);
  if (status != SVF_OK) return status;
  svf_safetensors *file = calloc(1, sizeof *file);
  if (!file) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *file);
  status = read_header(fd, file_bytes, &file->header, &data_offset);
  if (status == SVF_OK) status = read_data(file, fd, flags, file_bytes, data_offset);
  if (status != SVF_OK) {
    svf_safetensors_close(file);
    return status;
  }
  *out = file;
  return SVF_OK;
}

svf_status svf_safetensors_open(const char *path, unsigned flags, svf_safetensors **file)
{
  int fd;
  if (!path || !file) return svf_fail(SVF_ERR_NULL, "%s is NULL", path ? "file" : "path");
  *file = NULL;
  svf_status status = svf_file_open(path, &fd);
  if (status != SVF_OK) return status;
  status = svf_safetensors_open_fd(fd, flags, file);
  close(fd);
  return svf_file_at_path(status, path);
}

void svf_safetensors_close(svf_safetensors *file)
{
  if (!file) return;
  svf_safetensors_header_free(&file->header);
  if (file->mapped) {
    munmap(file->memory, file->mapped);
  } else {
    free(file->memory);
  }
  free(file);
}

size_t svf_safetensors_count(const svf_safetensors *file) { return file ? file->header.count : 0; }

const svf_tensor *svf_safetensors_at(const svf_safetensors *file, size_t i)
{
  return i < svf_safetensors_count(file) ? &file->header.tensors[i] : NULL;
}

static int compare_name(const void *key, const void *element)
{
  const svf_tensor *const *tensor = element;
  return strcmp(key, (*tensor)->name);
}

const svf_tensor *svf_safetensors_find(const svf_safetensors *file, const char *name)
{
  if (!name || svf_safetensors_count(file) == 0) return NULL;
  const svf_safetensors_header *header = &file->header;
  const svf_tensor **found =
      bsearch(name, header->by_name, header->count, sizeof *header->by_name, compare_name);
  return found ? *found : NULL;
}

const char *svf_safetensors_metadata(const svf_safetensors *file, const char *key)
{
  if (!file || !key) return NULL;
  return json_string_value(json_object_get(file->header.metadata, key));
}
