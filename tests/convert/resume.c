/* SPDX-License-Identifier: Apache-2.0
 *
 * What interrupted jobs leave: never a model, and nothing that a second run takes for finished
 * without looking. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

static golden g;
static size_t when; /* the step to stop before */
static svf_decompose_options options;

static void setup(void)
{
  temp_make();
  g = golden_open("smollm");
  options = (svf_decompose_options){.size = sizeof options, .threads = 1};
  ck_works(svf_model_decompose(g.dir, temp_path("whole"), svf_svd, &options));
}

static void teardown(void)
{
  svf_safetensors_close(g.file);
  temp_remove();
}

/* Of cblas.h. */
void openblas_set_num_threads(int threads);
int openblas_get_num_threads(void);

static void interrupt(const char *out, size_t step)
{
  svf_decompose_options o = options;
  when = step;
  o.progress = stop_at;
  o.progress_context = &when;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_STOPPED, "stopped before");
}

/* The metadata of a finished shard around other tensors. */
static void forge(const char *path, svf_tensor_type dtype, size_t m, size_t r, size_t n)
{
  static const char zeros[1 << 16];
  const char *const name = "model.layers.0.self_attn.q_proj";
  char names[3][64], source[64];
  svf_safetensors *file = NULL;
  svf_safetensors_writer *w = NULL;
  ck_works(svf_safetensors_open(path, 0, &file));
  snprintf(source, sizeof source, "%s", svf_safetensors_metadata(file, "svf.source"));
  svf_safetensors_close(file);
  for (int i = 0; i < 3; ++i) snprintf(names[i], sizeof names[i], "%s.%c", name, "USV"[i]);
  const svf_safetensors_entry entries[] = {{sizeof *entries, names[0], dtype, 2, {m, r}},
                                           {sizeof *entries, names[1], SVF_TENSOR_F32, 1, {r}},
                                           {sizeof *entries, names[2], dtype, 2, {r, n}}};
  const size_t size = dtype == SVF_TENSOR_F32 ? 4 : 2;
  ck_works(svf_safetensors_create(path, entries, 3, &(svf_safetensors_pair){"svf.source", source},
                                  1, &w));
  ck_works(svf_safetensors_append(w, zeros, m * r * size + r * 4 + r * n * size));
  ck_works(svf_safetensors_commit(&w));
}

START_TEST(shards_are_looked_at)
{
  char out[256], shard[300];
  setup();
  for (int k = 0; k < 5; ++k) {
    snprintf(out, sizeof out, "%s", temp_path("out-%d", k));
    snprintf(shard, sizeof shard, "%s/factors-00000.safetensors", out);
    interrupt(out, 2);
    switch (k) {
      case 0: ck_assert_int_eq(truncate(shard, 4000), 0); break;
      case 1: ck_assert_int_eq(truncate(shard, 0), 0); break;
      case 2: forge(shard, SVF_TENSOR_F32, 47, 48, 48); break;
      case 3: forge(shard, SVF_TENSOR_F32, 48, 48, 40); break;
      default: forge(shard, SVF_TENSOR_BF16, 48, 48, 48); break;
    }
    ck_works(svf_model_decompose(g.dir, out, svf_svd, &options));
    same_file(temp_path("whole"), out, "factors-00000.safetensors");
    same_file(temp_path("whole"), out, "model.safetensors.index.json");
  }
  teardown();
}
END_TEST

/* A copy of the golden model in which the last four bytes of tensor `name` are that byte. */
static const char *changed_model(const char *name, int byte)
{
  size_t config_bytes;
  char path[300];
  svf_safetensors *file = NULL;
  svf_safetensors_writer *w = NULL;
  svf_safetensors_entry entries[64];
  const char *dir = temp_path("changed");
  char *config = slurp(g.dir, "config.json", &config_bytes);
  ck_assert_int_eq(mkdir(dir, 0777), 0);
  temp_write(temp_path("changed/config.json"), config, config_bytes);
  free(config);
  snprintf(path, sizeof path, "%s/model.safetensors", g.dir);
  ck_works(svf_safetensors_open(path, 0, &file));
  const size_t count = svf_safetensors_count(file);
  for (size_t i = 0; i < count; ++i) {
    const svf_tensor *t = svf_safetensors_at(file, i);
    entries[i] = (svf_safetensors_entry){
        .size = sizeof *entries, .name = t->name, .dtype = t->dtype, .ndim = t->ndim};
    memcpy(entries[i].shape, t->shape, sizeof t->shape);
  }
  ck_works(
      svf_safetensors_create(temp_path("changed/model.safetensors"), entries, count, NULL, 0, &w));
  for (size_t i = 0; i < count; ++i) {
    const svf_tensor *t = svf_safetensors_at(file, i);
    char *data = malloc(t->bytes);
    memcpy(data, t->data, t->bytes);
    if (strcmp(t->name, name) == 0) memset(data + t->bytes - 4, byte, 4);
    ck_works(svf_safetensors_append(w, data, t->bytes));
    free(data);
  }
  ck_works(svf_safetensors_commit(&w));
  svf_safetensors_close(file);
  return dir;
}

/* The finished model is not taken for that of this one, even if only a copied tensor differs. */
START_TEST(another_model_is_not_done)
{
  setup();
  ck_works(svf_model_decompose(g.dir, temp_path("whole"), svf_svd, &options));
  const char *dir = changed_model("model.norm.weight", 0);
  ck_fails(svf_model_decompose(dir, temp_path("whole"), svf_svd, &options), SVF_ERR_ARGUMENT,
           "there is a model already");
  teardown();
}
END_TEST

/* Tensors that are copied are checked before the work of hours. */
START_TEST(a_copied_nan_is_seen_at_once)
{
  setup();
  when = 0; /* of no step */
  svf_decompose_options o = options;
  o.progress = stop_at;
  o.progress_context = &when;
  const char *dir = changed_model("model.embed_tokens.weight", 0xff);
  ck_fails(svf_model_decompose(dir, temp_path("nan"), svf_svd, &o), SVF_ERR_NUMERIC,
           "'model.embed_tokens.weight' has NaN or Inf");
  ck_assert_int_ne(access(temp_path("nan"), F_OK), 0);
  teardown();
}
END_TEST

START_TEST(half_a_model_is_refused)
{
  char out[256];
  svf_model *model = NULL;
  setup();
  for (size_t step = 0; step < 15; step += 7) {
    when = step;
    svf_model_options o = {.size = sizeof o, .progress = stop_at, .progress_context = &when};
    snprintf(out, sizeof out, "%s", temp_path("packed-%zu", step));
    ck_fails(pack_with(g.dir, out, &o, 0), SVF_ERR_STOPPED, "stopped before");
    ck_fails(svf_model_open(out, NULL, &model), SVF_ERR_IO, "model.safetensors");
    o.progress = NULL;
    ck_works(pack_with(g.dir, out, &o, 0));
    ck_works(svf_model_open(out, NULL, &model));
    svf_model_close(model);
  }
  when = 3;
  snprintf(out, sizeof out, "%s", temp_path("merged"));
  ck_fails(merge_with(temp_path("whole"), out, NULL, SVF_DTYPE_F32, 0, stop_at, &when),
           SVF_ERR_STOPPED, "stopped before");
  ck_fails(svf_model_open(out, NULL, &model), SVF_ERR_IO, "model.safetensors");
  snprintf(out, sizeof out, "%s", temp_path("stopped"));
  interrupt(out, 14); /* all shards, but not the rest */
  ck_fails(svf_model_open(out, NULL, &model), SVF_ERR_FILE, "not finished");
  teardown();
}
END_TEST

/* Temporaries of dead processes are removed, but never in the model that is read. */
START_TEST(temporaries_are_removed)
{
  static const char *const kept[] = {".1234567-8.tmp", ".a.1-0.tmp", ".a.tmp", "a.999999999-0.tmp"};
  setup();
  temp_write_text(temp_path("whole/.a.999999999-0.tmp"), "");
  ck_fails(svf_model_decompose(temp_path("whole"), temp_path("whole"), svf_svd, &options),
           SVF_ERR_ARGUMENT, "the model itself");
  ck_assert_int_eq(access(temp_path("whole/.a.999999999-0.tmp"), F_OK), 0);
  for (size_t i = 0; i < 4; ++i) temp_write_text(temp_path("whole/%s", kept[i]), "");
  ck_works(svf_model_decompose(g.dir, temp_path("whole"), svf_svd, &options));
  ck_assert_int_ne(access(temp_path("whole/.a.999999999-0.tmp"), F_OK), 0);
  for (size_t i = 0; i < 4; ++i) ck_assert_int_eq(access(temp_path("whole/%s", kept[i]), F_OK), 0);
  teardown();
}
END_TEST

static size_t seen; /* threads of an SVD */

/* svf_svd_fn */
static svf_status see_threads(const svf_svd_args *args)
{
  seen = args->threads;
  return svf_svd(args);
}

/* Whatever the call comes to. */
START_TEST(threads_are_as_before)
{
  setup();
  openblas_set_num_threads(2);
  svf_decompose_options o = options;
  when = 2;
  o.progress = stop_at;
  o.progress_context = &when;
  seen = 0;
  ck_works(svf_model_decompose(g.dir, temp_path("whole"), see_threads, &o)); /* is done */
  o.rank = 3;
  ck_fails(svf_model_decompose(g.dir, temp_path("whole"), see_threads, &o), SVF_ERR_ARGUMENT,
           "already");
  ck_assert_uint_eq(seen, 0);
  ck_assert_int_eq(openblas_get_num_threads(), 2);
  ck_fails(svf_model_decompose(g.dir, temp_path("new"), see_threads, &o), SVF_ERR_STOPPED,
           "stopped");
  ck_assert_uint_eq(seen, 1);
  ck_assert_int_eq(openblas_get_num_threads(), 2);
  o.progress = NULL;
  ck_works(svf_model_decompose(g.dir, temp_path("new"), see_threads, &o));
  ck_assert_int_eq(openblas_get_num_threads(), 2);
  teardown();
}
END_TEST

/* A mistake in the arguments does not throw away hours of work, which continue as they began. */
START_TEST(an_unfinished_job_is_gone_on_with)
{
  char out[256];
  setup();
  snprintf(out, sizeof out, "%s", temp_path("half"));
  interrupt(out, 3);
  svf_decompose_options o = options;
  o.rank = 3;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_ARGUMENT,
           "another model or with other");
  ck_fails(pack_with(temp_path("whole"), out,
                     &(svf_model_options){.size = sizeof(svf_model_options)}, 0),
           SVF_ERR_ARGUMENT, "not finished");
  ck_fails(merge_with(temp_path("whole"), out, NULL, SVF_DTYPE_F32, 0, NULL, NULL),
           SVF_ERR_ARGUMENT, "not finished");
  golden other = golden_open("llama3");
  ck_fails(svf_model_decompose(other.dir, out, svf_svd, &options), SVF_ERR_ARGUMENT,
           "another model or");
  svf_safetensors_close(other.file);
  ck_assert_int_eq(access(temp_path("half/factors-00002.safetensors"), F_OK), 0);
  o = options;
  o.threads = 2;
  when = 4;
  o.progress = stop_at;
  o.progress_context = &when;
  seen = 0;
  ck_fails(svf_model_decompose(g.dir, out, see_threads, &o), SVF_ERR_STOPPED, "stopped");
  ck_assert_uint_eq(seen, 1); /* those of the first run */
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &options));
  teardown();
}
END_TEST

SUITE("resume", an_unfinished_job_is_gone_on_with, shards_are_looked_at, another_model_is_not_done,
      a_copied_nan_is_seen_at_once, half_a_model_is_refused, temporaries_are_removed,
      threads_are_as_before)
