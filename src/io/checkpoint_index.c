/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/checkpoint_index.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/safetensors_header.h"
#include "src/io/text.h"

static const svf_json_limits limits = {
    .what = "the index", .depth = 16, .values = 2 * SVF_SAFETENSORS_MAX_TENSORS};

/* A pair of the weight_map. */
typedef struct placed {
  const char *name, *shard;
} placed;

static svf_status read_pair(const char *name, const json_t *value, placed *out)
{
  const char *shard = json_string_value(value);
  if (strlen(name) > SVF_SAFETENSORS_MAX_NAME) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s...': its name has %zu bytes, the limit is %d",
                    svf_text_show(name).text, strlen(name), SVF_SAFETENSORS_MAX_NAME);
  }
  if (!shard || !svf_text_is_file_name(shard) || strstr(shard, SVF_JSON_NUL)) {
    return svf_fail(SVF_ERR_FILE, "tensor '%s': shard '%s' is not the name of a file beside it",
                    svf_text_show(name).text, svf_text_show(shard ? shard : "").text);
  }
  *out = (placed){name, shard};
  return SVF_OK;
}

static int by_shard(const void *a, const void *b)
{
  const placed *x = a;
  const placed *y = b;
  const int order = strcmp(x->shard, y->shard);
  return order ? order : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
  const svf_index_entry *x = a;
  const svf_index_entry *y = b;
  return strcmp(x->name, y->name);
}

/* Makes numbered shards and entries sorted by name from pairs that are sorted by shard. */
static svf_status number_shards(const placed *pairs, size_t count, svf_index *index)
{
  for (size_t i = 0; i < count; ++i) {
    const size_t shards = index->shard_count;
    if (shards == 0 || strcmp(pairs[i].shard, index->shards[shards - 1]) != 0) {
      if (shards == SVF_INDEX_MAX_SHARDS) {
        return svf_fail(SVF_ERR_FILE, "weight_map names more than %d shards", SVF_INDEX_MAX_SHARDS);
      }
      index->shards[index->shard_count++] = pairs[i].shard;
    }
    index->entries[i] = (svf_index_entry){pairs[i].name, index->shard_count - 1};
  }
  index->count = count;
  qsort(index->entries, count, sizeof *index->entries, by_name);
  return SVF_OK;
}

static svf_status read_map(json_t *map, placed *pairs, size_t count, svf_index *index)
{
  size_t i = 0;
  const char *name;
  json_t *value;
  json_object_foreach(map, name, value)
  {
    const svf_status status = read_pair(name, value, &pairs[i++]);
    if (status != SVF_OK) return status;
  }
  qsort(pairs, count, sizeof *pairs, by_shard);
  return number_shards(pairs, count, index);
}

static svf_status parse_root(svf_index *index)
{
  json_t *map = json_object_get(index->root, "weight_map");
  const json_t *metadata = json_object_get(index->root, "metadata");
  const size_t count = json_object_size(map);
  if (!json_is_object(map) || count == 0) {
    return svf_fail(SVF_ERR_FILE, "weight_map is not an object with at least one tensor");
  }
  if (count > SVF_SAFETENSORS_MAX_TENSORS) {
    return svf_fail(SVF_ERR_FILE, "weight_map names %zu tensors, the limit is %u", count,
                    SVF_SAFETENSORS_MAX_TENSORS);
  }
  if (metadata && !json_is_object(metadata)) {
    return svf_fail(SVF_ERR_FILE, "metadata is not an object");
  }
  index->entries = malloc(count * sizeof *index->entries);
  index->shards = malloc(count * sizeof *index->shards);
  placed *pairs = malloc(count * sizeof *pairs);
  svf_status status;
  if (index->entries && index->shards && pairs) {
    status = read_map(map, pairs, count, index);
  } else {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for %zu tensors", count);
  }
  free(pairs);
  return status;
}

svf_status svf_index_parse(const char *json, size_t bytes, svf_index *index)
{
  *index = (svf_index){0};
  svf_status status = svf_json_parse(json, bytes, &limits, &index->root);
  if (status == SVF_OK) status = parse_root(index);
  if (status != SVF_OK) svf_index_free(index);
  return status;
}

const svf_index_entry *svf_index_find(const svf_index *index, const char *name)
{
  const svf_index_entry key = {.name = name};
  if (index->count == 0) return NULL;
  return bsearch(&key, index->entries, index->count, sizeof key, by_name);
}

const char *svf_index_metadata(const svf_index *index, const char *key)
{
  return json_string_value(json_object_get(json_object_get(index->root, "metadata"), key));
}

void svf_index_free(svf_index *index)
{
  free(index->entries);
  free(index->shards);
  json_decref(index->root);
  *index = (svf_index){0};
}
