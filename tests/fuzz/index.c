/* SPDX-License-Identifier: Apache-2.0
 *
 * model.safetensors.index.json: every shard is a plain name and used, every tensor is found. */
#include "src/io/checkpoint_index.h"
#include "src/io/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  svf_index index;
  const svf_status status = svf_index_parse((const char *)data, size, &index);
  if (status != SVF_OK) {
    fuzz_refused(status);
    return 0;
  }
  fuzz_assert(index.shard_count > 0 && index.shard_count <= index.count);
  for (size_t i = 0; i < index.shard_count; ++i) {
    fuzz_assert(svf_text_is_file_name(index.shards[i]));
    if (i > 0) fuzz_assert(strcmp(index.shards[i - 1], index.shards[i]) < 0);
  }
  for (size_t i = 0; i < index.count; ++i) {
    fuzz_assert(index.entries[i].shard < index.shard_count);
    fuzz_assert(svf_index_find(&index, index.entries[i].name) == &index.entries[i]);
  }
  (void)svf_index_metadata(&index, "format");
  svf_index_free(&index);
  return 0;
}
