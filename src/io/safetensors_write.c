/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing safetensors files. The whole header is made from the entries before anything is written;
 * of the data that follows only the bytes are counted. */
#include <svf/safetensors.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/file.h"
#include "src/io/output.h"
#include "src/io/tensor.h"
#include "src/io/safetensors_header.h"
#include "src/io/text.h"

struct svf_safetensors_writer {
  svf_output *output;
  size_t bytes;    /* of all data */
  size_t appended; /* bytes of data that were appended so far */
};

static svf_status no_memory(size_t count)
{
  return svf_fail(SVF_ERR_MEMORY, "no memory for a header of %zu entries", count);
}

/* Checks the name of an entry, or a key of the metadata, which `object` must not have yet. */
static svf_status check_name(const char *what, size_t i, const char *name, const json_t *object)
{
  if (!name) return svf_fail(SVF_ERR_NULL, "%s %zu: its name is NULL", what, i);
  if (!svf_text_is_utf8(name)) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s %zu '%s': its name is not UTF-8", what, i,
                    svf_text_show(name).text);
  }
  if (json_object_get(object, name)) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s %zu '%s': its name is there already", what, i,
                    svf_text_show(name).text);
  }
  return SVF_OK;
}

static svf_status check_entry(const svf_safetensors_entry *entry, size_t i, const json_t *root)
{
  const svf_status status = check_name("tensor", i, entry->name, root);
  if (status != SVF_OK) return status;
  const svf_printable p = svf_text_show(entry->name);
  if (strlen(entry->name) > SVF_SAFETENSORS_MAX_NAME) {
    return svf_fail(SVF_ERR_ARGUMENT, "tensor %zu '%s...': its name has %zu bytes, the limit is %d",
                    i, p.text, strlen(entry->name), SVF_SAFETENSORS_MAX_NAME);
  }
  if (strcmp(entry->name, SVF_SAFETENSORS_METADATA) == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "tensor %zu: '%s' is no name for a tensor", i,
                    SVF_SAFETENSORS_METADATA);
  }
  if (!svf_tensor_type_known(entry->dtype)) {
    return svf_fail(SVF_ERR_ARGUMENT, "tensor %zu '%s': dtype is %d, not one of svf_tensor_type", i,
                    p.text, (int)entry->dtype);
  }
  if (entry->ndim < 0 || entry->ndim > SVF_TENSOR_MAX_DIMS) {
    return svf_fail(SVF_ERR_ARGUMENT, "tensor %zu '%s': ndim is %d, not 0 to %d", i, p.text,
                    entry->ndim, SVF_TENSOR_MAX_DIMS);
  }
  return SVF_OK;
}

/* *end becomes the end of a tensor that begins at `begin`. JSON's integers have 63 bits, as sizes
 * of files do. */
static svf_status find_end(const svf_safetensors_entry *entry, size_t i, size_t begin, size_t *end)
{
  size_t elements, bytes;
  bool fits = svf_tensor_shape_size(entry->dtype, entry->ndim, entry->shape, &elements, &bytes) &&
              svf_size_add(begin, bytes, end) && *end <= INT64_MAX;
  for (int d = 0; fits && d < entry->ndim; ++d) fits = entry->shape[d] <= INT64_MAX;
  if (fits) return SVF_OK;
  return svf_fail(SVF_ERR_OVERFLOW, "tensor %zu '%s': its shape and %zu bytes before it overflow",
                  i, svf_text_show(entry->name).text, begin);
}

static json_t *integers(const size_t *values, int count)
{
  json_t *list = json_array();
  for (int i = 0; list && i < count; ++i) {
    if (json_array_append_new(list, json_integer((json_int_t)values[i])) != 0) {
      json_decref(list);
      list = NULL;
    }
  }
  return list;
}

/* Adds one entry at offset *bytes of the data, and advances *bytes. */
static svf_status add_entry(json_t *root, const svf_safetensors_entry *entry, size_t i,
                            size_t *bytes)
{
  size_t offsets[2] = {*bytes, 0};
  svf_status status = check_entry(entry, i, root);
  if (status == SVF_OK) status = find_end(entry, i, *bytes, &offsets[1]);
  if (status != SVF_OK) return status;
  json_t *info = json_object();
  if (json_object_set_new(info, "dtype", json_string(svf_tensor_type_name(entry->dtype))) != 0 ||
      json_object_set_new(info, "shape", integers(entry->shape, entry->ndim)) != 0 ||
      json_object_set_new(info, "data_offsets", integers(offsets, 2)) != 0) {
    json_decref(info);
    return no_memory(i + 1);
  }
  if (json_object_set_new(root, entry->name, info) != 0) return no_memory(i + 1);
  *bytes = offsets[1];
  return SVF_OK;
}

/* Adds a caller's entries. */
static svf_status add_entries(json_t *root, const svf_safetensors_entry *entries, size_t count,
                              size_t *bytes)
{
  const size_t first = SVF_SIZE_TO(svf_safetensors_entry, shape);
  size_t step;
  svf_status status = svf_struct_step("entries", entries, count, first, &step);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    svf_safetensors_entry entry;
    status =
        svf_struct_read("entry", (const char *)entries + i * step, first, &entry, sizeof entry);
    if (status != SVF_OK) return svf_fail_at(status, "entries[%zu]", i);
    status = add_entry(root, &entry, i, bytes);
  }
  return status;
}

static svf_status add_metadata(json_t *root, const svf_safetensors_pair *pairs, size_t count)
{
  json_t *object = json_object();
  if (json_object_set_new(root, SVF_SAFETENSORS_METADATA, object) != 0) return no_memory(count);
  for (size_t i = 0; i < count; ++i) {
    const svf_status status = check_name("metadata", i, pairs[i].key, object);
    if (status != SVF_OK) return status;
    const svf_printable p = svf_text_show(pairs[i].key);
    if (!pairs[i].value) {
      return svf_fail(SVF_ERR_NULL, "metadata %zu '%s': its value is NULL", i, p.text);
    }
    if (!svf_text_is_utf8(pairs[i].value)) {
      return svf_fail(SVF_ERR_ARGUMENT, "metadata %zu '%s': its value is not UTF-8", i, p.text);
    }
    if (json_object_set_new(object, pairs[i].key, json_string(pairs[i].value)) != 0) {
      return no_memory(count);
    }
  }
  return SVF_OK;
}

/* Prints the prefix and the JSON, padded with spaces to where the data may begin; free(*header).
 * json_dumps would silently lose a key that it finds no memory for, so json_dumpb is used. */
static svf_status print_header(const json_t *root, char **header, size_t *bytes)
{
  const size_t length = json_dumpb(root, NULL, 0, JSON_COMPACT);
  if (length == 0) return no_memory(json_object_size(root));
  if (!svf_size_round(SVF_SAFETENSORS_PREFIX + length, SVF_SAFETENSORS_ALIGNMENT, bytes) ||
      *bytes - SVF_SAFETENSORS_PREFIX > SVF_SAFETENSORS_MAX_HEADER) {
    return svf_fail(SVF_ERR_ARGUMENT, "the header would have %zu bytes, the limit is %d", length,
                    SVF_SAFETENSORS_MAX_HEADER);
  }
  char *out = malloc(*bytes);
  if (!out || json_dumpb(root, out + SVF_SAFETENSORS_PREFIX, length, JSON_COMPACT) != length) {
    free(out);
    return no_memory(json_object_size(root));
  }
  for (size_t i = 0; i < SVF_SAFETENSORS_PREFIX; ++i) {
    out[i] = (char)((*bytes - SVF_SAFETENSORS_PREFIX) >> (8 * i) & 0xff);
  }
  memset(out + SVF_SAFETENSORS_PREFIX + length, ' ', *bytes - SVF_SAFETENSORS_PREFIX - length);
  *header = out;
  return SVF_OK;
}

static svf_status make_header(const svf_safetensors_entry *entries, size_t count,
                              const svf_safetensors_pair *pairs, size_t pair_count,
                              size_t *data_bytes, char **header, size_t *bytes)
{
  json_t *root = json_object();
  svf_status status = root ? SVF_OK : no_memory(count);
  if (status == SVF_OK && pair_count > 0) status = add_metadata(root, pairs, pair_count);
  if (status == SVF_OK) status = add_entries(root, entries, count, data_bytes);
  if (status == SVF_OK) status = print_header(root, header, bytes);
  json_decref(root);
  return status;
}

static svf_status check_create(const char *path, const svf_safetensors_entry *entries, size_t count,
                               const svf_safetensors_pair *pairs, size_t pair_count,
                               svf_safetensors_writer **writer)
{
  if (!path || !writer) return svf_fail(SVF_ERR_NULL, "%s is NULL", path ? "writer" : "path");
  if ((!entries && count > 0) || (!pairs && pair_count > 0)) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", entries || !count ? "metadata" : "entries");
  }
  /* The limit is one less here, because the reader counts __metadata__. */
  if (count > SVF_SAFETENSORS_MAX_TENSORS - 1 || pair_count > SVF_SAFETENSORS_MAX_TENSORS - 1) {
    return svf_fail(SVF_ERR_ARGUMENT, "%zu tensors and %zu pairs of metadata, the limit is %u each",
                    count, pair_count, SVF_SAFETENSORS_MAX_TENSORS - 1);
  }
  return SVF_OK;
}

svf_status svf_safetensors_create(const char *path, const svf_safetensors_entry *entries,
                                  size_t count, const svf_safetensors_pair *metadata, size_t pairs,
                                  svf_safetensors_writer **writer)
{
  char *header = NULL;
  size_t header_bytes = 0;
  svf_status status = check_create(path, entries, count, metadata, pairs, writer);
  if (status != SVF_OK) return status;
  *writer = NULL;
  svf_safetensors_writer *w = calloc(1, sizeof *w);
  if (!w) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *w);
  status = svf_file_at_path(
      make_header(entries, count, metadata, pairs, &w->bytes, &header, &header_bytes), path);
  if (status == SVF_OK) status = svf_output_open(path, &w->output);
  if (status == SVF_OK) status = svf_output_write(w->output, header, header_bytes);
  free(header);
  if (status == SVF_OK) {
    *writer = w;
    return SVF_OK;
  }
  svf_safetensors_discard(&w);
  return status;
}

svf_status svf_safetensors_append(svf_safetensors_writer *writer, const void *data, size_t bytes)
{
  if (!writer || (!data && bytes > 0)) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", writer ? "data" : "writer");
  }
  if (bytes > writer->bytes - writer->appended) {
    return svf_file_at_path(
        svf_fail(SVF_ERR_ARGUMENT, "%zu bytes more, but %zu of its %zu are left", bytes,
                 writer->bytes - writer->appended, writer->bytes),
        svf_output_path(writer->output));
  }
  const svf_status status = svf_output_write(writer->output, data, bytes);
  if (status == SVF_OK) writer->appended += bytes;
  return status;
}

svf_status svf_safetensors_commit(svf_safetensors_writer **writer)
{
  if (!writer || !*writer) return svf_fail(SVF_ERR_NULL, "writer is NULL");
  if ((*writer)->appended != (*writer)->bytes) {
    return svf_file_at_path(svf_fail(SVF_ERR_ARGUMENT, "%zu of its %zu bytes of data were appended",
                                     (*writer)->appended, (*writer)->bytes),
                            svf_output_path((*writer)->output));
  }
  const svf_status status = svf_output_commit(&(*writer)->output);
  svf_safetensors_discard(writer);
  return status;
}

void svf_safetensors_discard(svf_safetensors_writer **writer)
{
  if (!writer || !*writer) return;
  svf_output_discard(&(*writer)->output);
  free(*writer);
  *writer = NULL;
}
