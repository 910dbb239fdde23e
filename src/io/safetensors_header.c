/* SPDX-License-Identifier: Apache-2.0
 *
 * Nothing in the header is believed: the JSON's nesting and number of values are limited before a
 * tree of it is built, and tensors are made only after their byte ranges have been shown to tile
 * the data. */
#include "src/io/safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/tensor.h"
#include "src/io/text.h"

static const svf_json_limits limits = {
    .what = "the header",
    .depth = 3, /* the file's object, a tensor's object, its shape */
    .values = SVF_SAFETENSORS_MAX_TENSORS * 16u /* a tensor of 8 dimensions has 12 */
};

/* A tensor's place in the data, before anything else about it is known. */
typedef struct range {
  size_t begin, end;
  size_t order; /* place in the JSON, which makes sorting stable */
  const char *name;
  json_t *info;
} range;

svf_status svf_safetensors_header_length(const unsigned char prefix[SVF_SAFETENSORS_PREFIX],
                                         size_t file_bytes, size_t *length)
{
  uint64_t n = 0;
  for (int i = SVF_SAFETENSORS_PREFIX - 1; i >= 0; --i) n = n << 8 | prefix[i];
  if (n > SVF_SAFETENSORS_MAX_HEADER) {
    return svf_fail(SVF_ERR_FILE, "the header's length is %llu, the limit is %d",
                    (unsigned long long)n, SVF_SAFETENSORS_MAX_HEADER);
  }
  if (file_bytes < SVF_SAFETENSORS_PREFIX || n > file_bytes - SVF_SAFETENSORS_PREFIX) {
    return svf_fail(SVF_ERR_FILE, "the header's length is %llu, but the file has %zu bytes",
                    (unsigned long long)n, file_bytes);
  }
  *length = (size_t)n;
  return SVF_OK;
}

static svf_status read_range(const char *name, json_t *info, size_t data_bytes, range *out)
{
  const svf_printable p = svf_text_show(name);
  if (strlen(name) > SVF_SAFETENSORS_MAX_NAME) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s...': its name has %zu bytes, the limit is %d", p.text,
                    strlen(name), SVF_SAFETENSORS_MAX_NAME);
  }
  const json_t *offsets = json_object_get(info, "data_offsets");
  if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
      !svf_json_size(json_array_get(offsets, 0), &out->begin) ||
      !svf_json_size(json_array_get(offsets, 1), &out->end)) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s': data_offsets is not two non-negative integers",
                    p.text);
  }
  if (out->begin > out->end || out->end > data_bytes) {
    return svf_fail(SVF_ERR_FILE,
                    "tensor '%s': data_offsets [%zu, %zu] exceed the data (%zu bytes)", p.text,
                    out->begin, out->end, data_bytes);
  }
  out->name = name;
  out->info = info;
  return SVF_OK;
}

static svf_status check_metadata(json_t *metadata)
{
  const char *key;
  json_t *value;
  if (!json_is_object(metadata)) {
    return svf_fail(SVF_ERR_FILE, "__metadata__ is not an object");
  }
  json_object_foreach(metadata, key, value)
  {
    if (!json_is_string(value)) {
      const svf_printable p = svf_text_show(key);
      return svf_fail(SVF_ERR_FILE, "__metadata__: the value of '%s' is not a string", p.text);
    }
  }
  return SVF_OK;
}

/* Reads the ranges of all tensors in the order of the JSON, and the metadata. */
static svf_status read_ranges(json_t *root, size_t data_bytes, range *ranges,
                              svf_safetensors_header *header)
{
  const char *name;
  json_t *info;
  json_object_foreach(root, name, info)
  {
    svf_status status;
    if (strcmp(name, SVF_SAFETENSORS_METADATA) == 0) {
      status = json_is_null(info) ? SVF_OK : check_metadata(info);
      if (status == SVF_OK && !json_is_null(info)) header->metadata = json_incref(info);
    } else {
      range *r = &ranges[header->count];
      r->order = header->count++;
      status = read_range(name, info, data_bytes, r);
    }
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

static int by_place(const void *a, const void *b)
{
  const range *x = a;
  const range *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

/* Sort the ranges; they must cover the data without hole or overlap. */
static svf_status check_tiling(range *ranges, size_t count, size_t data_bytes)
{
  size_t at = 0;
  if (count > 0) qsort(ranges, count, sizeof *ranges, by_place);
  for (size_t i = 0; i < count; ++i) {
    if (ranges[i].begin != at) {
      const svf_printable p = svf_text_show(ranges[i].name);
      return svf_fail(SVF_ERR_FILE, "tensor '%s': begins at %zu, %s the end of the one before, %zu",
                      p.text, ranges[i].begin,
                      ranges[i].begin < at ? "overlapping" : "leaving a hole after", at);
    }
    at = ranges[i].end;
  }
  if (at != data_bytes) {
    return svf_fail(SVF_ERR_FILE,
                    "the data has %zu bytes, of which the last %zu belong to no tensor", data_bytes,
                    data_bytes - at);
  }
  return SVF_OK;
}

static bool read_shape(const json_t *shape, svf_tensor *tensor)
{
  const size_t ndim = json_array_size(shape);
  if (!json_is_array(shape) || ndim > SVF_TENSOR_MAX_DIMS) return false;
  tensor->ndim = (int)ndim;
  for (size_t i = 0; i < ndim; ++i) {
    if (!svf_json_size(json_array_get(shape, i), &tensor->shape[i])) return false;
  }
  return svf_tensor_shape_size(tensor->dtype, tensor->ndim, tensor->shape, &tensor->elements,
                               &tensor->bytes);
}

/* Members of *tensor that are not set here are zero already. */
static svf_status read_tensor(const range *r, svf_tensor *tensor)
{
  const svf_printable p = svf_text_show(r->name);
  const char *dtype = json_string_value(json_object_get(r->info, "dtype"));
  if (!dtype || !svf_tensor_type_parse(dtype, &tensor->dtype)) {
    const svf_printable d = svf_text_show(dtype ? dtype : "");
    return svf_fail(SVF_ERR_FILE, "tensor '%s': unknown dtype '%s'", p.text, d.text);
  }
  if (!read_shape(json_object_get(r->info, "shape"), tensor)) {
    return svf_fail(SVF_ERR_FILE,
                    "tensor '%s': shape is not a list of at most %d non-negative integers whose "
                    "product fits in memory",
                    p.text, SVF_TENSOR_MAX_DIMS);
  }
  if (tensor->bytes != r->end - r->begin) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s': its shape takes %zu bytes, its data_offsets %zu",
                    p.text, tensor->bytes, r->end - r->begin);
  }
  return SVF_OK;
}

static int by_name(const void *a, const void *b)
{
  const svf_tensor *const *x = a;
  const svf_tensor *const *y = b;
  return strcmp((*x)->name, (*y)->name);
}

/* Makes tensors from sorted ranges; names are copied so that the JSON can be freed. */
static svf_status read_tensors(const range *ranges, svf_safetensors_header *header)
{
  const size_t count = header->count;
  size_t name_bytes = 1; /* malloc(0) may be NULL */
  for (size_t i = 0; i < count; ++i) name_bytes += strlen(ranges[i].name) + 1;
  header->tensors = calloc(count + 1, sizeof *header->tensors);
  header->by_name = malloc((count + 1) * sizeof *header->by_name);
  header->names = malloc(name_bytes);
  if (!header->tensors || !header->by_name || !header->names) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu tensors", count);
  }
  char *name = header->names;
  for (size_t i = 0; i < count; ++i) {
    svf_tensor *tensor = &header->tensors[i];
    tensor->size = sizeof *tensor;
    const svf_status status = read_tensor(&ranges[i], tensor);
    if (status != SVF_OK) return status;
    const size_t bytes = strlen(ranges[i].name) + 1;
    tensor->name = memcpy(name, ranges[i].name, bytes);
    name += bytes;
    header->by_name[i] = tensor;
  }
  if (count > 0) qsort(header->by_name, count, sizeof *header->by_name, by_name);
  return SVF_OK;
}

static svf_status parse_root(json_t *root, size_t data_bytes, svf_safetensors_header *header)
{
  const size_t keys = json_object_size(root);
  if (keys > SVF_SAFETENSORS_MAX_TENSORS) {
    return svf_fail(SVF_ERR_FILE, "the header has %zu entries, the limit is %u", keys,
                    SVF_SAFETENSORS_MAX_TENSORS);
  }
  range *ranges = malloc((keys + 1) * sizeof *ranges);
  if (!ranges) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu tensors", keys);
  svf_status status = read_ranges(root, data_bytes, ranges, header);
  if (status == SVF_OK) status = check_tiling(ranges, header->count, data_bytes);
  if (status == SVF_OK) status = read_tensors(ranges, header);
  free(ranges);
  return status;
}

svf_status svf_safetensors_header_parse(const char *json, size_t length, size_t data_bytes,
                                        svf_safetensors_header *header)
{
  json_t *root = NULL;
  *header = (svf_safetensors_header){0};
  svf_status status = svf_json_parse(json, length, &limits, &root);
  if (status != SVF_OK) return status;
  status = parse_root(root, data_bytes, header);
  json_decref(root);
  if (status != SVF_OK) svf_safetensors_header_free(header);
  return status;
}

void svf_safetensors_header_bind(svf_safetensors_header *header, const void *data)
{
  const char *at = data;
  for (size_t i = 0; i < header->count; ++i) {
    header->tensors[i].data = at;
    at += header->tensors[i].bytes;
  }
}

void svf_safetensors_header_free(svf_safetensors_header *header)
{
  free(header->tensors);
  free(header->by_name);
  free(header->names);
  json_decref(header->metadata);
  *header = (svf_safetensors_header){0};
}
