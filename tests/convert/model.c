/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole models: decomposed, interrupted, packed, merged, and with experts as Hugging Face
 * transformers has them. */
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <svf/gains.h>
#include <svf/convert.h>

#include "src/transformer/model.h"
#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

/* --- Files beside the weights ----------------------------------------------------------------- */

static void add_name(void *context, const char *name)
{
  char *list = context;
  snprintf(list + strlen(list), 100 - strlen(list), "%s;", name);
}

/* Files that are copied, weights, hidden files and directories are not named. */
START_TEST(left_files_are_named)
{
  static const char *const files[] = {"z.txt",           "README.md",           "config.json",
                                      "tokenizer.model", "vocab.json",          "model.safetensors",
                                      ".hidden",         "chat_template.jinja", "old.bin",
                                      "x.index.json",    "decomposition.json",  "a"};
  char names[100] = "";
  temp_make();
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    temp_write_text(temp_path("%s", files[i]), "");
  }
  ck_assert_int_eq(mkdir(temp_path("directory"), 0777), 0);
  ck_works(svf_model_left_files(temp_root, add_name, names));
  ck_assert_str_eq(names, "README.md;a;z.txt;");
  ck_fails(svf_model_left_files(NULL, add_name, names), SVF_ERR_NULL, "dir");
  ck_fails(svf_model_left_files(temp_root, NULL, names), SVF_ERR_NULL, "left");
  ck_fails(svf_model_left_files(temp_path("none"), add_name, names), SVF_ERR_IO, "none");
  ck_fails(svf_model_left_files(temp_path("a"), add_name, names), SVF_ERR_IO, "/a");
  temp_remove();
}
END_TEST

/* --- Logits ----------------------------------------------------------------------------------- */

/* All logits of golden prompt k. */
static float *logits_of(const char *dir, svf_format format, const golden *g, int k,
                        float *(*gains_of)(const svf_model *, const golden *), size_t *count)
{
  const svf_model_options o = {.size = sizeof o, .format = format};
  svf_model *model = NULL;
  svf_context *c = NULL;
  svf_model_info info = {.size = sizeof info};
  int32_t ids[LONGEST];
  svf_row rows[LONGEST];
  ck_works(svf_model_open(dir, &o, &model));
  ck_works(svf_model_get_info(model, &info));
  ck_works(svf_context_create(model, NULL, &c));
  const size_t n = golden_tokens(g, "ids", k, ids);
  float *gains = gains_of ? gains_of(model, g) : NULL;
  float *logits = malloc(n * info.vocab * sizeof *logits);
  rows_of(rows, 0, ids, n, 1);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  ck_works(svf_context_forward(c, rows, n, logits));
  svf_context_destroy(c);
  svf_model_close(model);
  free(gains);
  *count = n * info.vocab;
  return logits;
}

static double difference(const float *got, const float *want, size_t count)
{
  double largest = 0, worst = 0;
  for (size_t i = 0; i < count; ++i) {
    largest = fmax(largest, fabs((double)want[i]));
    worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
  }
  return worst / largest;
}

static double difference_to(const golden *g, const char *what, int k, const float *got)
{
  const svf_tensor *t = golden_find(g, what, k);
  float *want = malloc(t->bytes);
  memcpy(want, t->data, t->bytes);
  const double d = difference(got, want, t->elements);
  free(want);
  return d;
}

/* --- Decomposing ------------------------------------------------------------------------------ */

static const char *decompose(const golden *g, unsigned layers, const char *name)
{
  const svf_decompose_options o = {.size = sizeof o, .layers = layers, .threads = 1};
  const char *out = temp_path("%s", name);
  ck_works(svf_model_decompose(g->dir, out, svf_svd, &o));
  return out;
}

START_TEST(factors_give_the_same_logits)
{
  static const char *const models[] = {"llama2",    "llama3", "mistral-f16",       "qwen2-window",
                                       "tinyllama", "smollm", "llama-bf16-sharded"};
  static const unsigned layers[] = {0, SVF_DECOMPOSE_MLP, SVF_DECOMPOSE_ATTENTION};
  temp_make();
  for (size_t i = 0; i < sizeof models / sizeof *models; ++i) {
    golden g = golden_open(models[i]);
    const char *out = decompose(&g, layers[i % 3], models[i]);
    size_t count;
    float *got = logits_of(out, SVF_FORMAT_F32, &g, 2, NULL, &count);
    const double d = difference_to(&g, "logits", 2, got);
    ck_assert_msg(d < 1e-4, "%s: %g", models[i], d);
    free(got);
    svf_safetensors_close(g.file);
  }
  temp_remove();
}
END_TEST

/* The golden expert's z of every module, as gains. */
static float *golden_gains(const svf_model *model, const golden *g)
{
  char path[300], name[160];
  svf_safetensors *file = NULL;
  const svf_modules *m = svf_model_modules(model);
  float *gains = malloc(m->gains * sizeof *gains);
  snprintf(path, sizeof path, "%s/expert.safetensors", g->dir);
  ck_works(svf_safetensors_open(path, 0, &file));
  ck_assert_uint_eq(m->count, svf_safetensors_count(file));
  for (size_t i = 0; i < m->count; ++i) {
    const svf_module *module = svf_modules_at(m, i);
    snprintf(name, sizeof name, "%s.z", module->name);
    const svf_tensor *t = svf_safetensors_find(file, name);
    ck_assert_msg(t && t->elements == module->r, "%s", name);
    float *z = malloc(t->bytes);
    ck_works(svf_tensor_to_f32(t, z, t->elements));
    ck_works(svf_gains(module->sigma, t->elements, z, true, gains + module->offset));
    free(z);
  }
  svf_safetensors_close(file);
  return gains;
}

START_TEST(experts_give_the_logits_of_transformers)
{
  static const char *const models[] = {"llama3", "qwen2"};
  static const unsigned layers[] = {SVF_DECOMPOSE_MLP, 0};
  temp_make();
  for (size_t i = 0; i < 2; ++i) {
    golden g = golden_open(models[i]);
    const char *out = decompose(&g, layers[i], models[i]);
    for (int k = 0; k < PROMPTS; ++k) {
      size_t count;
      float *got = logits_of(out, SVF_FORMAT_F32, &g, k, golden_gains, &count);
      const double d = difference_to(&g, "svf.logits", k, got);
      ck_assert_msg(d < 1e-4, "%s, prompt %d: %g", models[i], k, d);
      ck_assert_msg(difference_to(&g, "logits", k, got) > 1e-3, "%s: the expert does nothing",
                    models[i]);
      free(got);
    }
    svf_safetensors_close(g.file);
  }
  temp_remove();
}
END_TEST

/* Reports to the descriptor that `context` points to. */
static bool report(void *context, size_t done, size_t all, const char *what)
{
  (void)done, (void)all, (void)what;
  return write(*(const int *)context, &(char){0}, 1) != 1;
}

/* Begins or continues a job in a child and kills it some time after its report number `reports`, or
 * once it has ended. */
static void killed_after(const golden *g, const char *out, int reports)
{
  const int wait = reports * 20000;
  int ends[2], state = 0;
  char byte;
  ck_assert_int_eq(pipe(ends), 0);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    const svf_decompose_options o = {
        .size = sizeof o, .threads = 1, .progress = report, .progress_context = &ends[1]};
    if (svf_model_decompose(g->dir, out, svf_svd, &o) != SVF_OK) _exit(1);
    close(ends[1]);
    for (;;) pause();
  }
  close(ends[1]);
  while (reports > 0 && read(ends[0], &byte, 1) == 1) --reports;
  for (volatile int moment = 0; moment < wait; ++moment) continue;
  kill(child, SIGKILL);
  ck_assert_int_eq(waitpid(child, &state, 0), child);
  ck_assert(WIFSIGNALED(state));
  close(ends[0]);
}

/* A job that is killed again and again, somewhere after one report more each time, ends with the
 * same files. */
START_TEST(a_killed_run_goes_on)
{
  temp_make();
  golden g = golden_open("llama2");
  const char *whole = decompose(&g, 0, "whole");
  char out[256];
  snprintf(out, sizeof out, "%s", temp_path("killed"));
  svf_model *model = NULL;
  int kills = 0;
  while (svf_model_open(out, NULL, &model) != SVF_OK) {
    killed_after(&g, out, ++kills);
    ck_assert_int_lt(kills, 400);
  }
  svf_model_close(model);
  ck_assert_int_gt(kills, 1);
  ck_works(svf_model_decompose(
      g.dir, out, svf_svd,
      &(svf_decompose_options){.size = sizeof(svf_decompose_options), .threads = 1}));
  for (int i = 0; i < 14; ++i) {
    char name[64];
    snprintf(name, sizeof name, "factors-%05d.safetensors", i);
    same_file(whole, out, name);
  }
  same_file(whole, out, "rest.safetensors");
  same_file(whole, out, "model.safetensors.index.json");
  same_file(whole, out, "config.json");
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

/* svf_svd_fn */
static svf_status no_svd(const svf_svd_args *args)
{
  ck_assert(args->size == sizeof *args && args->w_stride == args->n && !args->report);
  ck_assert(args->w == (args->m > args->n ? args->u : args->vt));
  return svf_set_message(SVF_ERR_UNSUPPORTED, "no SVD today");
}

/* svf_svd_fn: an OK that is none. */
static svf_status nan_svd(const svf_svd_args *args)
{
  const svf_status status = svf_svd(args);
  args->u[args->m * args->rank - 1] = NAN;
  return status;
}

START_TEST(options_and_misuse)
{
  temp_make();
  golden g = golden_open("smollm");
  size_t when = 3;
  svf_decompose_options o = {
      .size = sizeof o, .threads = 1, .progress = stop_at, .progress_context = &when};
  const char *out = temp_path("stopped");
  svf_model *model = NULL;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_STOPPED, "o_proj");
  ck_fails(svf_model_open(out, NULL, &model), SVF_ERR_FILE, "not finished: repeat the 'svf decom");
  ck_fails(
      pack_with(out, temp_path("p"), &(svf_model_options){.size = sizeof(svf_model_options)}, 0),
      SVF_ERR_FILE, "not finished");
  ck_fails(merge_with(out, temp_path("m"), NULL, SVF_DTYPE_F32, 0, NULL, NULL), SVF_ERR_FILE,
           "not finished");
  o.progress = NULL;
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &o)); /* nothing to do */
  o.rank = 5;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_ARGUMENT,
           "there is a model already");
  out = temp_path("rank");
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
  ck_works(svf_model_open(out, NULL, &model));
  for (size_t i = 0; i < svf_model_modules(model)->count; ++i) {
    ck_assert_uint_eq(svf_model_modules(model)->modules[i].r, 5);
  }
  svf_model_close(model);
  o.rank = 0;
  o.energy = 0.9;
  out = temp_path("energy");
  ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
  ck_works(svf_model_open(out, NULL, &model));
  ck_assert_uint_gt(svf_model_modules(model)->modules[0].r, 5);
  ck_assert_uint_lt(svf_model_modules(model)->modules[0].r, 48);
  svf_model_close(model);
  ck_fails(svf_model_decompose(g.dir, g.dir, svf_svd, &o), SVF_ERR_ARGUMENT, "the model itself");
  ck_fails(svf_model_decompose(g.dir, NULL, svf_svd, &o), SVF_ERR_NULL, "out");
  ck_fails(svf_model_decompose(out, temp_path("twice"), svf_svd, &o), SVF_ERR_FILE,
           "only dense weights");
  ck_assert_int_eq(access(temp_path("twice"), F_OK), -1); /* no empty directory is left */
  ck_fails(svf_model_decompose(g.dir, temp_path("x"), NULL, &o), SVF_ERR_NULL, "svd");
  ck_fails(svf_model_decompose(g.dir, temp_path("nan"), nan_svd, &o), SVF_ERR_NUMERIC,
           "self_attn.q_proj': the SVD gave factors with NaN or Inf");
  ck_fails(svf_model_decompose(g.dir, temp_path("own"), no_svd, &o), SVF_ERR_UNSUPPORTED,
           "'model.layers.0.self_attn.q_proj': no SVD today");
  o.energy = 2;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_ARGUMENT, "energy is 2");
  o.energy = 0;
  o.layers = 4;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_ARGUMENT, "layers is 0x4");
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

/* --- Packing and merging ---------------------------------------------------------------------- */

static void check_in_place(const char *dir)
{
  svf_model *model = NULL;
  ck_works(svf_model_open(dir, NULL, &model));
  for (size_t i = 0; i < model->linear_count; ++i) ck_assert_ptr_null(model->linears[i].owned);
  svf_model_close(model);
}

START_TEST(packed_models_run_in_place_with_the_same_bits)
{
  temp_make();
  golden g = golden_open("llama3");
  const char *factors = decompose(&g, 0, "factors");
  char from[2][256], packed[256];
  snprintf(from[0], sizeof from[0], "%s", factors);
  snprintf(from[1], sizeof from[1], "%s", g.dir);
  for (size_t f = 0; f < svf_format_count(); ++f) {
    for (int dense = 0; dense < 2; ++dense) {
      const svf_model_options o = {.size = sizeof o, .format = svf_format_at(f)};
      snprintf(packed, sizeof packed, "%s", temp_path("%s-%d", svf_format_name(o.format), dense));
      ck_works(pack_with(from[dense], packed, &o, 0));
      check_in_place(packed);
      size_t count;
      float *want = logits_of(from[dense], o.format, &g, 2, NULL, &count);
      float *got = logits_of(packed, SVF_FORMAT_F32, &g, 2, NULL, &count);
      ck_assert_mem_eq(got, want, count * sizeof *got);
      free(want);
      free(got);
    }
  }
  svf_model *a = NULL, *b = NULL; /* experts fit both */
  ck_works(svf_model_open(from[0], NULL, &a));
  ck_works(svf_model_open(temp_path("w4-0"), NULL, &b));
  ck_assert(svf_model_modules(a)->fingerprint == svf_model_modules(b)->fingerprint);
  svf_model_close(a);
  svf_model_close(b);
  const svf_model_options w84 = {.size = sizeof w84, .format = SVF_FORMAT_W84};
  ck_works(pack_with(from[0], temp_path("bits"), &w84, 16));
  ck_fails(pack_with(from[0], temp_path("few"), &w84, 1), SVF_ERR_ARGUMENT, "too few");
  ck_fails(pack_with(packed, temp_path("again"), &w84, 0), SVF_ERR_FILE, "packed already");
  ck_fails(pack_with(from[0], packed, &w84, 0), SVF_ERR_ARGUMENT, "there is a model already");
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

START_TEST(a_merged_expert_is_the_expert)
{
  temp_make();
  golden g = golden_open("qwen2");
  char factors[256], merged[256];
  snprintf(factors, sizeof factors, "%s", decompose(&g, 0, "factors"));
  snprintf(merged, sizeof merged, "%s", temp_path("merged"));
  svf_model *model = NULL;
  ck_works(svf_model_open(factors, NULL, &model));
  float *gains = golden_gains(model, &g);
  svf_model_close(model);
  ck_works(merge_with(factors, merged, gains, SVF_DTYPE_F32, 0, NULL, NULL));
  size_t count;
  float *want = logits_of(factors, SVF_FORMAT_F32, &g, 3, golden_gains, &count);
  float *got = logits_of(merged, SVF_FORMAT_F32, &g, 3, NULL, &count);
  ck_assert_double_lt(difference(got, want, count), 1e-5);
  ck_assert_double_lt(difference_to(&g, "svf.logits", 3, got), 1e-4);
  ck_works(merge_with(factors, temp_path("base"), NULL, SVF_DTYPE_BF16, 0, NULL, NULL));
  ck_fails(merge_with(merged, temp_path("none"), gains, SVF_DTYPE_F32, 0, NULL, NULL),
           SVF_ERR_ARGUMENT, "no layer");
  free(want);
  free(got);
  free(gains);
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

/* svf_model_layer_at reports the same of a mapped file, of memory and of an outline. */
START_TEST(layers_are_listed)
{
  static const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                      "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                      "mlp.down_proj"};
  char factors[256], packed[256], path[300], name[64];
  struct stat file;
  temp_make();
  golden g = golden_open("llama3");
  snprintf(factors, sizeof factors, "%s", decompose(&g, SVF_DECOMPOSE_MLP, "factors"));
  snprintf(packed, sizeof packed, "%s", temp_path("packed"));
  const svf_model_options w4 = {.size = sizeof w4, .format = SVF_FORMAT_W4, .quant.group = 64};
  ck_works(pack_with(factors, packed, &w4, 0));
  for (int k = 0; k < 3; ++k) {
    const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
    svf_model *model = NULL;
    svf_model_info info = {.size = sizeof info};
    ck_works(svf_model_open(k == 0 ? packed : factors, k == 2 ? &outline : &w4, &model));
    ck_works(svf_model_get_info(model, &info));
    ck_assert_uint_eq(info.linears, 7 * info.layers + 1);
    for (size_t i = 0; i < info.linears; ++i) {
      svf_layer_info l = {.size = sizeof l};
      ck_works(svf_model_layer_at(model, i, &l));
      const bool mlp = i % 7 >= 4 && i + 1 < info.linears;
      snprintf(name, sizeof name, "model.layers.%zu.%s", i / 7, names[i % 7]);
      ck_assert_str_eq(l.name, i + 1 < info.linears ? name : "lm_head");
      const size_t attended = info.heads * info.head_dim;
      ck_assert_uint_eq(l.n, i % 7 == 6 ? info.intermediate : i % 7 == 3 ? attended : info.hidden);
      ck_assert_uint_eq(l.r, mlp ? (l.m < l.n ? l.m : l.n) : 0);
      ck_assert(l.packed == (k == 0) && l.bytes > l.m * l.n / 2 && l.size == sizeof l);
      ck_assert_int_eq(l.format, k == 2 ? SVF_FORMAT_F32 : SVF_FORMAT_W4);
      ck_assert_uint_eq(l.group, k == 2 ? 0 : 64);
      ck_works(svf_model_check_layer(model, i));
    }
    ck_fails(svf_model_check_layer(model, info.linears), SVF_ERR_ARGUMENT, "linear layers");
    ck_fails(svf_model_check_layer(NULL, 0), SVF_ERR_NULL, "model");
    svf_layer_info l = {.size = sizeof l};
    ck_fails(svf_model_layer_at(model, info.linears, &l), SVF_ERR_ARGUMENT, "linear layers");
    ck_fails(svf_model_layer_at(model, 0, NULL), SVF_ERR_NULL, "info");
    ck_fails(svf_model_layer_at(NULL, 0, &l), SVF_ERR_NULL, "model");
    l.size = 8;
    ck_fails(svf_model_layer_at(model, 0, &l), SVF_ERR_VERSION, "info->size is 8");
    snprintf(path, sizeof path, "%s/model.safetensors", packed);
    ck_assert_int_eq(stat(path, &file), 0);
    if (k == 0) ck_assert_uint_eq(svf_model_file_bytes(model), (size_t)file.st_size);
    if (k > 0) ck_assert_uint_gt(svf_model_file_bytes(model), (size_t)file.st_size);
    svf_model_close(model);
  }
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

START_TEST(misuse_of_options)
{
  temp_make();
  golden g = golden_open("llama3");
  const char *out = temp_path("out");
  svf_model_options model = {.size = 8};
  svf_pack_options pack = {.size = sizeof pack, .model = &model};
  svf_merge_options merge = {.size = sizeof merge, .dtype = (svf_dtype)9};
  svf_decompose_options how = {.size = sizeof how, .dtype = (svf_dtype)9};
  ck_fails(svf_model_pack(g.dir, out, &pack), SVF_ERR_VERSION, "options->model->size is 8");
  model.size = sizeof model;
  pack.bits = -1;
  ck_fails(svf_model_pack(g.dir, out, &pack), SVF_ERR_ARGUMENT, "bits is -1");
  pack.bits = 5;
  ck_fails(svf_model_pack(g.dir, out, &pack), SVF_ERR_ARGUMENT, "bits is 5");
  model.format = (svf_format)99;
  ck_fails(svf_model_pack(g.dir, out, &pack), SVF_ERR_ARGUMENT, "format is 99");
  pack.size = 8;
  ck_fails(svf_model_pack(g.dir, out, &pack), SVF_ERR_VERSION, "options->size is 8");
  ck_fails(svf_model_merge(g.dir, out, NULL, &merge), SVF_ERR_ARGUMENT, "dtype is 9");
  merge.size = 8;
  ck_fails(svf_model_merge(g.dir, out, NULL, &merge), SVF_ERR_VERSION, "options->size is 8");
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &how), SVF_ERR_ARGUMENT, "dtype is 9");
  how.size = 8;
  ck_fails(svf_model_decompose(g.dir, out, svf_svd, &how), SVF_ERR_VERSION, "options->size is 8");
  ck_assert_int_ne(access(out, F_OK), 0);
  ck_works(svf_model_pack(g.dir, out, NULL)); /* f32 */
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

SUITE("decompose", factors_give_the_same_logits, experts_give_the_logits_of_transformers,
      a_killed_run_goes_on, options_and_misuse, packed_models_run_in_place_with_the_same_bits,
      a_merged_expert_is_the_expert, layers_are_listed, misuse_of_options, left_files_are_named)
