/* SPDX-License-Identifier: Apache-2.0
 *
 * Models merged into several files. */
#define _GNU_SOURCE
#include <glob.h>

#include "src/io/checkpoint.h"
#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

enum { LIMIT = 30000 };

static golden g;
static char factors[256];

static void setup(void)
{
  const svf_decompose_options o = {.size = sizeof o, .threads = 1};
  temp_make();
  g = golden_open("qwen2");
  snprintf(factors, sizeof factors, "%s", temp_path("factors"));
  ck_works(svf_model_decompose(g.dir, factors, svf_svd, &o));
}

static void teardown(void)
{
  svf_safetensors_close(g.file);
  temp_remove();
}

static void same_tensors(const char *a, const char *b)
{
  svf_checkpoint *x, *y;
  ck_works(svf_checkpoint_open(a, 0, &x));
  ck_works(svf_checkpoint_open(b, 0, &y));
  ck_assert_uint_eq(svf_checkpoint_count(x), svf_checkpoint_count(y));
  for (size_t i = 0; i < svf_checkpoint_count(x); ++i) {
    const svf_tensor *s = svf_checkpoint_at(x, i), *t = svf_checkpoint_at(y, i);
    ck_assert_str_eq(s->name, t->name);
    ck_assert(s->dtype == t->dtype && s->ndim == t->ndim && s->bytes == t->bytes);
    ck_assert_mem_eq(s->shape, t->shape, (size_t)s->ndim * sizeof *s->shape);
    ck_assert_mem_eq(s->data, t->data, s->bytes);
  }
  svf_checkpoint_close(x);
  svf_checkpoint_close(y);
}

/* Files 1..count are there and at the limit, but for those of one tensor. Returns bytes of data. */
static size_t check_files(const char *dir, size_t count)
{
  size_t all = 0;
  for (size_t k = 1; k <= count; ++k) {
    char path[400];
    size_t bytes = 0;
    svf_safetensors *file;
    snprintf(path, sizeof path, "%s/model-%05zu-of-%05zu.safetensors", dir, k, count);
    ck_works(svf_safetensors_open(path, 0, &file));
    const size_t tensors = svf_safetensors_count(file);
    for (size_t i = 0; i < tensors; ++i) bytes += svf_safetensors_at(file, i)->bytes;
    ck_assert(bytes <= LIMIT || tensors == 1);
    ck_assert_str_eq(svf_safetensors_metadata(file, "format"), "pt");
    svf_safetensors_close(file);
    all += bytes;
  }
  return all;
}

START_TEST(files_of_limited_size)
{
  char whole[256], parts[256], text[64];
  svf_checkpoint *c;
  setup();
  snprintf(whole, sizeof whole, "%s", temp_path("whole"));
  snprintf(parts, sizeof parts, "%s", temp_path("parts"));
  ck_works(merge_with(factors, whole, NULL, SVF_DTYPE_F32, 0, NULL, NULL));
  ck_works(merge_with(factors, parts, NULL, SVF_DTYPE_F32, LIMIT, NULL, NULL));
  same_tensors(whole, parts);
  ck_works(svf_checkpoint_open(parts, 0, &c));
  size_t count = 0, bytes;
  while (svf_checkpoint_path(c, count)) ++count;
  svf_checkpoint_close(c);
  ck_assert_uint_gt(count, 4);
  char *index = slurp(parts, "model.safetensors.index.json", &bytes);
  index[bytes - 1] = 0; /* its last brace */
  snprintf(text, sizeof text, "\"total_size\": %zu\n", check_files(parts, count));
  ck_assert_msg(strstr(index, text) != NULL, "%s lacks %s", index, text);
  free(index);
  ck_assert_int_ne(access(temp_path("parts/model.safetensors"), F_OK), 0);
  ck_assert_int_ne(access(temp_path("whole/model.safetensors.index.json"), F_OK), 0);
  ck_fails(merge_with(factors, parts, NULL, SVF_DTYPE_F32, LIMIT, NULL, NULL), SVF_ERR_ARGUMENT,
           "there is a model already");
  ck_works(merge_with(factors, temp_path("one"), NULL, SVF_DTYPE_F32, 1, NULL, NULL));
  same_tensors(whole, temp_path("one")); /* a file for each tensor */
  teardown();
}
END_TEST

/* Whatever an earlier run left, the index comes last. */
START_TEST(half_of_the_files_are_no_model)
{
  char out[256];
  svf_model *model;
  setup();
  snprintf(out, sizeof out, "%s", temp_path("out"));
  for (size_t when = 0; when < 14; when += 3) {
    ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, stop_at, &when), SVF_ERR_STOPPED,
             "stopped before");
    ck_fails(svf_model_open(out, NULL, &model), SVF_ERR_IO, "model.safetensors");
  }
  glob_t found;
  ck_assert_int_eq(glob(temp_path("out/model-00001-of-*.safetensors"), 0, NULL, &found), 0);
  globfree(&found);
  ck_works(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, NULL, NULL));
  ck_works(svf_model_open(out, NULL, &model));
  svf_model_close(model);
  teardown();
}
END_TEST

/* svf_progress_fn: starts another job on the same directory in the midst of this one. */
static bool meddle(void *context, size_t done, size_t all, const char *what)
{
  (void)all, (void)what;
  const char *out = context;
  const svf_model_options o = {.size = sizeof o};
  if (done != 3) return false;
  ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, 2 * LIMIT, NULL, NULL), SVF_ERR_IO,
           "out: another job");
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, NULL), SVF_ERR_IO, "out: another job");
  ck_fails(pack_with(factors, out, &o, 0), SVF_ERR_IO, "out: another job");
  return false;
}

START_TEST(two_jobs_in_one_directory)
{
  char out[256];
  svf_model *model;
  setup();
  snprintf(out, sizeof out, "%s", temp_path("out"));
  ck_works(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, meddle, out));
  ck_works(svf_model_open(out, NULL, &model));
  svf_model_close(model);
  ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, NULL, NULL), SVF_ERR_ARGUMENT,
           "there is a model already"); /* the lock is gone */
  teardown();
}
END_TEST

static svf_status write_one(const char *path, const svf_safetensors_pair *pairs, size_t count)
{
  const svf_safetensors_entry entry = {sizeof entry, "x", SVF_TENSOR_U8, 1, {1}};
  svf_safetensors_writer *w;
  ck_works(svf_safetensors_create(path, &entry, 1, pairs, count, &w));
  ck_works(svf_safetensors_append(w, "", 1));
  return svf_safetensors_commit(&w);
}

static size_t count_of(const char *pattern)
{
  glob_t found;
  const int result = glob(pattern, 0, NULL, &found);
  const size_t count = result == 0 ? found.gl_pathc : 0;
  if (result == 0) globfree(&found);
  return count;
}

/* What a stopped job left is removed if the next one divides the model differently; nothing else
 * is. */
START_TEST(shards_of_another_division_are_removed)
{
  const svf_safetensors_pair format = {"format", "pt"}, mark = {"svf.made_by", "svf_model_merge"};
  char out[256], elsewhere[256];
  size_t late = 13, early = 0;
  svf_model *model;
  setup();
  snprintf(out, sizeof out, "%s", temp_path("out"));
  snprintf(elsewhere, sizeof elsewhere, "%s", temp_path("elsewhere"));
  ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, stop_at, &late), SVF_ERR_STOPPED,
           "");
  const size_t left = count_of(temp_path("out/model-*"));
  ck_assert_uint_gt(left, 3);
  ck_works(write_one(temp_path("out/model-00098-of-00099.safetensors"), &mark, 1));
  ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, stop_at, &early), SVF_ERR_STOPPED,
           "");
  ck_assert_uint_eq(count_of(temp_path("out/model-*")), left); /* but for the one of 99 */
  ck_works(write_one(temp_path("out/model-00001-of-00099.safetensors"), &format, 1));
  ck_works(write_one(elsewhere, &mark, 1));
  ck_assert_int_eq(symlink(elsewhere, temp_path("out/model-00002-of-00099.safetensors")), 0);
  ck_assert_int_eq(mkdir(temp_path("out/model-00003-of-00099.safetensors"), 0777), 0);
  FILE *f = fopen(temp_path("out/model-00004-of-00099.safetensors"), "w");
  ck_assert_int_eq(fclose(f), 0);
  ck_works(merge_with(factors, out, NULL, SVF_DTYPE_F32, 3 * LIMIT, NULL, NULL));
  ck_assert_uint_eq(count_of(temp_path("out/model-*-of-00099.safetensors")), 4);
  const size_t shards = count_of(temp_path("out/model-*.safetensors")) - 4;
  ck_assert_uint_gt(shards, 1);
  ck_assert_uint_eq(count_of(temp_path("out/model-*-of-%05zu.safetensors", shards)), shards);
  ck_works(svf_model_open(out, NULL, &model));
  svf_model_close(model);

  snprintf(out, sizeof out, "%s", temp_path("single"));
  ck_fails(merge_with(factors, out, NULL, SVF_DTYPE_F32, LIMIT, stop_at, &late), SVF_ERR_STOPPED,
           "");
  ck_works(merge_with(factors, out, NULL, SVF_DTYPE_F32, 0, NULL, NULL));
  ck_assert_uint_eq(count_of(temp_path("single/model-*")), 0);
  ck_assert_uint_eq(count_of(temp_path("single/model.safetensors")), 1);
  teardown();
}
END_TEST

SUITE("merge", files_of_limited_size, half_of_the_files_are_no_model, two_jobs_in_one_directory,
      shards_of_another_division_are_removed)
