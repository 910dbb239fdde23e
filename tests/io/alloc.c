/* SPDX-License-Identifier: Apache-2.0
 *
 * The model library survives the failure of any allocation of its own and of jansson's, and says
 * so. */
#define _GNU_SOURCE
#include <svf/safetensors.h>

#include "src/io/checkpoint.h"
#include "src/io/json.h"
#include "src/io/output.h"
#include "src/transformer/config.h"
#include "tests/io/fail_each.h"

static unsigned flags;

static svf_status open_file(void)
{
  svf_safetensors *file = NULL;
  const svf_status status = svf_safetensors_open(temp_path("a.safetensors"), flags, &file);
  svf_safetensors_close(file);
  return status;
}

static svf_status write_tensors(void)
{
  static const svf_safetensors_entry entries[] = {{sizeof *entries, "t", SVF_TENSOR_U8, 2, {2, 2}},
                                                  {sizeof *entries, "u", SVF_TENSOR_F32, 1, {0}}};
  static const svf_safetensors_pair pairs[] = {{"k", "v"}, {"l", "w"}};
  svf_safetensors_writer *writer;
  svf_status status = svf_safetensors_create(temp_path("written"), entries, 2, pairs, 2, &writer);
  if (status == SVF_OK) status = svf_safetensors_append(writer, "data", 4);
  if (status == SVF_OK) return svf_safetensors_commit(&writer);
  ck_assert_ptr_null(writer);
  return status;
}

static svf_status replace_file(void) { return svf_output_replace(temp_path("written"), "data", 4); }

static svf_status open_checkpoint(void)
{
  svf_checkpoint *checkpoint;
  const svf_status status = svf_checkpoint_open(temp_root, flags, &checkpoint);
  svf_checkpoint_close(checkpoint);
  return status;
}

static svf_status read_config(void)
{
  svf_config config;
  return svf_config_read(temp_root, &config);
}

static svf_status read_json(void)
{
  json_t *root;
  const svf_status status = svf_json_read(temp_path("json"), 1000, &root);
  json_decref(root);
  return status;
}

START_TEST(safetensors_survives_every_failure)
{
  temp_write_tensors(temp_path("a.safetensors"),
                     "{\"__metadata__\":{\"k\":\"v\"},"
                     "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                     4);
  for (flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags) fail_each(open_file, 20, SVF_ERR_FILE);
  flags = 0;
}
END_TEST

START_TEST(writing_survives_every_failure)
{
  fail_each(write_tensors, 20, SVF_ERR_MEMORY);
  fail_each(replace_file, 3, SVF_ERR_MEMORY);
}
END_TEST

START_TEST(json_survives_every_failure)
{
  temp_write_text(temp_path("json"), "{\"a\":[1,2.5,\"text\",null,true],\"b\":{\"c\":{}}}");
  fail_each(read_json, 10, SVF_ERR_FILE);
}
END_TEST

START_TEST(checkpoint_survives_every_failure)
{
  temp_write_text(temp_path("model.safetensors.index.json"),
                  "{\"metadata\":{\"k\":\"v\"},\"weight_map\":{\"a\":\"a.safetensors\"}}");
  fail_each(open_checkpoint, 30, SVF_ERR_FILE);
  ck_assert_int_eq(link(temp_path("a.safetensors"), temp_path("model.safetensors")), 0);
  fail_each(open_checkpoint, 20, SVF_ERR_FILE);
}
END_TEST

START_TEST(config_survives_every_failure)
{
  temp_write_text(temp_path("config.json"), "{\"model_type\":\"llama\",\"eos_token_id\":[1,2]}");
  temp_write_text(temp_path("generation_config.json"), "{\"eos_token_id\":3}");
  fail_each(read_config, 20, SVF_ERR_FILE);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {safetensors_survives_every_failure, writing_survives_every_failure,
                                json_survives_every_failure, checkpoint_survives_every_failure,
                                config_survives_every_failure};
  temp_make();
  count_jansson();
  const int result = run_suite("model_alloc", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
