/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that uses every struct of the public headers that may grow, and arrays of them. It is
 * compiled against other headers than those of the library that it runs with: those of an earlier
 * release or, with SVF_FUTURE, such as a later one might have, whose structs have a member
 * `future`. What such a program does not ask for is done as before; what it does ask for is refused
 * with VERSION.
 *
 *   program GOLDEN TOKENIZER WORK   a dense model, a tokenizer.json, a directory to write in
 *
 * A function per header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/convert.h>
#include <svf/expert_registry.h>
#include <svf/generate.h>
#include <svf/safetensors.h>
#include <svf/score.h>
#include <svf/svd.h>
#include <svf/svf.h>
#include <svf/text.h>

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, svf_last_message()); \
      exit(1);                                                                         \
    }                                                                                  \
  } while (0)
#define OK(call) CHECK((call) == SVF_OK)

/* Where a struct has one more member than the library knows:
 *   REFUSED  `call` reads the struct and is refused because it asks for what is not known
 *   GROWS    and works where it does not
 *   FILLS    `call` fills the struct and leaves zero in what it does not know */
#ifdef SVF_FUTURE
#define REFUSED(it, call)             \
  do {                                \
    (it).future = 1;                  \
    CHECK((call) == SVF_ERR_VERSION); \
    (it).future = 0;                  \
  } while (0)
#define FILLS(it, call)                                 \
  do {                                                  \
    (it).future = 1;                                    \
    OK(call);                                           \
    CHECK((it).size == sizeof(it) && (it).future == 0); \
  } while (0)
#else
#define REFUSED(it, call) (void)(it)
#define FILLS(it, call)             \
  do {                              \
    OK(call);                       \
    CHECK((it).size == sizeof(it)); \
  } while (0)
#endif
#define GROWS(it, call) \
  do {                  \
    REFUSED(it, call);  \
    OK(call);           \
  } while (0)

enum { PATH = 600, HIDDEN = 48, VOCABULARY = 257, TOKENS = 8 };

static char path[PATH];

static const char *in(const char *dir, const char *name)
{
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

/* --- svf/types.h ------------------------------------------------------------------------------ */

static void use_types(void)
{
  svf_format_traits traits = {.size = sizeof traits};
  svf_format format;
  OK(svf_format_parse("w84", &format));
  FILLS(traits, svf_format_get_traits(format, &traits));
  CHECK(format == SVF_FORMAT_W84 && strcmp(traits.name, "w84") == 0);
  CHECK(traits.weights == SVF_FORMAT_W4 && traits.bands && traits.group_count == 3);
}

/* --- svf/linear.h, svf/matmul.h, svf/merge.h -------------------------------------------------- */

static const float u[3 * 2] = {1, 0, 2, 1, 0, 3}, vt[2 * 3] = {1, 2, 0, 0, 1, 1};
static const float sigma[2] = {4, 2}, gains[2] = {1, 10};
static const float x[2 * 3] = {1, 1, 1, 2, 0, -1}, product[2 * 3] = {12, 28, 12, 2, -6, -30};

static svf_linear_source source_of_layer(void)
{
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = 3,
                             .n = 3,
                             .r = 2,
                             .u = u,
                             .u_stride = 2,
                             .vt = vt,
                             .vt_stride = 3,
                             .sigma = sigma};
}

static void *use_linear(void)
{
  svf_linear_source source = source_of_layer();
  size_t bytes;
  source.quant.reserved[5] = 1; /* room in a struct that lies inside others */
  CHECK(svf_linear_bytes(&source, &bytes) == SVF_ERR_ARGUMENT);
  source.quant.reserved[5] = 0;
  GROWS(source, svf_linear_bytes(&source, &bytes));
  void *block = aligned_alloc(SVF_LINEAR_ALIGNMENT, bytes);
  CHECK(block);
  GROWS(source, svf_linear_pack(&source, block, bytes));
  OK(svf_linear_check(block, bytes, true));
  return block;
}

static void run_pool(void *self, size_t count, void (*task)(void *context, size_t i), void *context)
{
  *(size_t *)self += count;
  for (size_t i = count; i-- > 0;) task(context, i);
}

enum { PARTS = 3 };

static void run_stages(const svf_plan *plan)
{
  for (int stage = svf_matmul_next_stage(plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(plan, stage + 1)) {
    for (size_t i = 0; i < PARTS; ++i) svf_matmul_stage(plan, stage, i);
  }
}

static void run_pooled(svf_matmul_args *args, void *workspace, size_t bytes)
{
  size_t tasks = 0;
  svf_pool pool = {.size = sizeof pool, .threads = 2, .run = run_pool, .self = &tasks};
  GROWS(*args, svf_matmul_pool(args, &pool, workspace, bytes));
  GROWS(pool, svf_matmul_pool(args, &pool, workspace, bytes));
  CHECK(tasks > 0);
}

/* The call by threads, by a pool and in stages. */
static void run_single(svf_matmul_args *args, const float *y)
{
  size_t bytes;
  svf_plan plan;
  GROWS(*args, svf_matmul_workspace(args, PARTS, &bytes));
  void *workspace = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, bytes);
  CHECK(workspace);
  for (int way = 0; way < 3; ++way) {
    memset(args->y, 0, sizeof product);
    if (way == 0) GROWS(*args, svf_matmul(args, 1, workspace, bytes));
    if (way == 1) run_pooled(args, workspace, bytes);
    if (way == 2) {
      GROWS(*args, svf_matmul_plan(&plan, args, PARTS, workspace, bytes));
      run_stages(&plan);
    }
    CHECK(memcmp(y, product, sizeof product) == 0);
  }
  free(workspace);
}

/* What a group of two such calls will need. */
static void query_needs(size_t expected)
{
  const svf_linear_source layer = {.size = sizeof layer, .m = 3, .n = 3, .r = 2};
  svf_matmul_shape shapes[2];
  svf_matmul_needs needs = {.size = sizeof needs};
  for (int i = 0; i < 2; ++i) {
    shapes[i] = (svf_matmul_shape){.size = sizeof *shapes, .layer = &layer, .rows = 2};
  }
  GROWS(shapes[1], svf_matmul_query(shapes, 2, PARTS, &needs));
  FILLS(needs, svf_matmul_query(shapes, 2, PARTS, &needs));
  CHECK(needs.workspace_bytes == expected && needs.stages > 0);
}

/* The same call twice, as a group. */
static void run_group(const svf_matmul_args *args)
{
  float y[2][2 * 3];
  svf_matmul_args calls[2] = {*args, *args};
  size_t bytes;
  svf_plan plan;
  for (int i = 0; i < 2; ++i) calls[i].y = y[i];
  GROWS(calls[1], svf_matmul_group_workspace(calls, 2, PARTS, &bytes));
  query_needs(bytes);
  void *workspace = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, bytes);
  CHECK(workspace);
  for (int way = 0; way < 2; ++way) {
    memset(y, 0, sizeof y);
    if (way == 0) GROWS(calls[1], svf_matmul_group(calls, 2, 1, workspace, bytes));
    if (way == 1) {
      GROWS(calls[1], svf_matmul_group_plan(&plan, calls, 2, PARTS, workspace, bytes));
      run_stages(&plan);
    }
    for (int i = 0; i < 2; ++i) CHECK(memcmp(y[i], product, sizeof product) == 0);
  }
  free(workspace);
}

static void use_matmul(void)
{
  static const float *const rows[2] = {NULL, gains};
  float y[2 * 3], t0[2 * 2];
  static const float t0_expected[2 * 2] = {3, 2, 2, -1};
  void *block = use_linear();
  svf_matmul_args args = {.size = sizeof args,
                          .linear = block,
                          .rows = 2,
                          .x = x,
                          .x_stride = 3,
                          .gains = rows,
                          .y = y,
                          .y_stride = 3,
                          .t0 = t0,
                          .t0_stride = 2};
  run_single(&args, y);
  CHECK(memcmp(t0, t0_expected, sizeof t0) == 0);
  args.t0 = NULL;
  run_group(&args);
  free(block);
}

static void use_merge(void)
{
  static const float expected[2 * 3] = {2, 14, 10, 0, 30, 30}; /* rows 1 and 2 of W' */
  float out[2 * 3];
  svf_linear_source factors = source_of_layer();
  svf_merge_args args = {.size = sizeof args,
                         .factors = &factors,
                         .gains = gains,
                         .first_row = 1,
                         .rows = 2,
                         .out = out,
                         .out_stride = 3};
  size_t bytes;
  GROWS(args, svf_merge_workspace(&args, 1, &bytes));
  void *workspace = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, bytes);
  CHECK(workspace);
  GROWS(args, svf_merge_rows(&args, 1, workspace, bytes));
  GROWS(factors, svf_merge_rows(&args, 1, workspace, bytes));
  CHECK(memcmp(out, expected, sizeof out) == 0);
  free(workspace);
}

/* --- svf/svd.h -------------------------------------------------------------------------------- */

static void use_svd(void)
{
  static const float w[4] = {0, 2, 3, 0};
  float left[2], values[1], right[2]; /* of the larger one of 3 and 2 */
  svf_svd_report report = {.size = sizeof report};
  svf_svd_args args = {.size = sizeof args,
                       .m = 2,
                       .n = 2,
                       .w = w,
                       .w_stride = 2,
                       .rank = 1,
                       .threads = 1,
                       .u = left,
                       .sigma = values,
                       .vt = right,
                       .report = &report};
  GROWS(args, svf_svd(&args));
  FILLS(report, svf_svd(&args));
  CHECK(values[0] > 2.99f && report.dropped > 0.55 && report.dropped < 0.56); /* 2/sqrt(13) */
}

/* --- svf/tensor.h, svf/safetensors.h ---------------------------------------------------------- */

static void use_safetensors(const char *work)
{
  static const float values[3] = {1, 2, 3};
  const svf_safetensors_pair pair = {"key", "value"};
  svf_safetensors_entry entries[2] = {
      {.size = sizeof *entries, .name = "a", .dtype = SVF_TENSOR_F32, .ndim = 2, .shape = {1, 2}},
      {.size = sizeof *entries, .name = "b", .dtype = SVF_TENSOR_F32, .ndim = 1, .shape = {1}}};
  svf_safetensors_writer *writer = NULL;
  svf_safetensors *file;
  GROWS(entries[1], svf_safetensors_create(in(work, "file"), entries, 2, &pair, 1, &writer));
  OK(svf_safetensors_append(writer, values, sizeof values));
  OK(svf_safetensors_commit(&writer));
  OK(svf_safetensors_open(in(work, "file"), 0, &file));
  CHECK(strcmp(svf_safetensors_metadata(file, "key"), "value") == 0);
  const svf_tensor *b = svf_safetensors_find(file, "b");
  float out[2] = {0};
  CHECK(b && b->ndim == 1 && b->shape[0] == 1 && b->bytes == 4 && !svf_safetensors_at(file, 2));
  OK(svf_tensor_to_f32(b, out, 1));
  CHECK(out[0] == 3);
  svf_tensor own = {.size = sizeof own,
                    .name = "own",
                    .dtype = SVF_TENSOR_BF16,
                    .ndim = 1,
                    .shape = {2},
                    .elements = 2,
                    .data = "\x80\x3f\x00\x40",
                    .bytes = 4};
  GROWS(own, svf_tensor_to_f32(&own, out, 2));
  CHECK(out[0] == 1 && out[1] == 2);
  svf_safetensors_close(file);
}

/* --- svf/tokenizer.h, svf/text.h -------------------------------------------------------------- */

static void use_tokenizer(const char *json)
{
  static const char word[] = "Hi, \xc3\xa9t\xc3\xa9";
  static const char *const stops[] = {"t"};
  int32_t ids[32];
  char text[64], unused[64];
  size_t count, bytes, all = 0;
  svf_tokenizer *tokenizer;
  svf_decoder decoder;
  svf_text *stream;
  OK(svf_tokenizer_open(json, &tokenizer));
  OK(svf_tokenizer_encode(tokenizer, SVF_TOKENIZER_PLAIN, word, strlen(word), ids, 32, &count));
  OK(svf_tokenizer_decode(tokenizer, 0, ids, count, text, sizeof text, &bytes));
  CHECK(bytes == strlen(word) && memcmp(text, word, bytes) == 0);
  OK(svf_decoder_init(&decoder, tokenizer, 0));
  for (size_t i = 0; i < count; ++i) {
    const svf_decoder before = decoder;
    OK(svf_decoder_push(&decoder, ids[i], unused, sizeof unused, &bytes));
    decoder = before;
    OK(svf_decoder_push(&decoder, ids[i], text + all, sizeof text - all, &bytes));
    all += bytes;
  }
  CHECK(all == strlen(word) && memcmp(text, word, all) == 0);
  OK(svf_text_create(tokenizer, 0, stops, 1, &stream));
  bool stopped = false;
  const char *out;
  for (size_t i = 0; i < count; ++i) OK(svf_text_push(stream, ids[i], &out, &bytes, &stopped));
  CHECK(stopped);
  svf_text_destroy(stream);
  svf_tokenizer_close(tokenizer);
}

/* --- svf/convert.h, svf/model.h --------------------------------------------------------------- */

/* A dense model decomposed, packed, and merged again. Returns the directory of the packed one. */
static const char *use_convert(const char *golden, const char *work)
{
  static char factors[PATH], packed[PATH];
  snprintf(factors, sizeof factors, "%s/factors", work);
  snprintf(packed, sizeof packed, "%s/packed", work);
  svf_decompose_options decompose = {.size = sizeof decompose, .threads = 1};
  svf_model_options model = {.size = sizeof model};
  svf_pack_options pack = {.size = sizeof pack, .model = &model};
  svf_merge_options merge = {.size = sizeof merge, .threads = 1};
  GROWS(decompose, svf_model_decompose(golden, factors, svf_svd, &decompose));
  REFUSED(model, svf_model_pack(factors, packed, &pack));
  GROWS(pack, svf_model_pack(factors, packed, &pack));
  GROWS(merge, svf_model_merge(factors, in(work, "merged"), NULL, &merge));
  return packed;
}

static svf_model *use_model(const char *packed)
{
  svf_model_options options = {.size = sizeof options};
  svf_model_info info = {.size = sizeof info};
  svf_layer_info layer = {.size = sizeof layer};
  svf_model *model;
  GROWS(options, svf_model_open(packed, &options, &model));
  FILLS(info, svf_model_get_info(model, &info));
  CHECK(info.hidden == HIDDEN && info.layers == 2 && info.factored > 0);
  CHECK(info.packed == info.linears);
  FILLS(layer, svf_model_layer_at(model, 0, &layer));
  CHECK(layer.n == HIDDEN && layer.r > 0 && layer.packed);
  CHECK(svf_model_layer_at(model, info.linears, &layer) == SVF_ERR_ARGUMENT);
  return model;
}

/* --- svf/modules.h, svf/expert.h -------------------------------------------------------------- */

/* An expert with z = 2 in every second module, and a copy of the model's modules as this program
 * knows them. */
static svf_expert *use_expert(const svf_modules *modules, svf_modules *copy, const char *work)
{
  svf_module *own = calloc(modules->count, sizeof *own);
  svf_expert_module *changed = calloc(modules->count, sizeof *changed);
  float *z = malloc(modules->gains * sizeof *z);
  size_t count = 0;
  CHECK(own && changed && z && modules->count > 2);
  for (size_t i = 0; i < modules->gains; ++i) z[i] = i % 2 ? 2 : 1;
  for (size_t i = 0; i < modules->count; ++i) {
    const svf_module *m = svf_modules_at(modules, i);
    own[i] = (svf_module){
        .size = sizeof *own, .name = m->name, .r = m->r, .sigma = m->sigma, .offset = m->offset};
    if (i % 2) continue;
    changed[count++] =
        (svf_expert_module){.size = sizeof *changed, .name = m->name, .r = m->r, .values = z};
  }
  *copy = (svf_modules){
      .size = sizeof *copy, .modules = own, .count = modules->count, .gains = modules->gains};
  GROWS(own[1], svf_modules_fingerprint(own, copy->count, &copy->fingerprint));
  CHECK(copy->fingerprint == modules->fingerprint);
  svf_expert_info info = {.size = sizeof info,
                          .factors = copy->fingerprint,
                          .scale = 1,
                          .normalise = true,
                          .task = "task"};
  svf_expert *expert = NULL;
  GROWS(info, svf_expert_write(in(work, "expert"), &info, changed, count));
  GROWS(changed[1], svf_expert_write(in(work, "expert"), &info, changed, count));
  OK(svf_expert_open(in(work, "expert"), &expert));
  FILLS(info, svf_expert_get_info(expert, &info));
  CHECK(strcmp(info.task, "task") == 0 && info.normalise && !info.trained);
  CHECK(svf_expert_count(expert) == count && svf_expert_at(expert, 0)->z[1] == 2);
  free(changed);
  free(z);
  return expert;
}

static float *use_modules(const svf_modules *modules, const char *work)
{
  svf_modules copy;
  svf_expert *expert = use_expert(modules, &copy, work);
  float *of_expert = calloc(modules->gains, sizeof *of_expert),
        *again = calloc(modules->gains, sizeof *of_expert);
  const float alpha[2] = {1, 0};
  const svf_expert *const experts[2] = {expert, NULL};
  svf_mixture mixture = {.size = sizeof mixture, .count = 2, .experts = experts, .alpha = alpha};
  CHECK(of_expert && again);
  OK(svf_expert_gains(expert, 1, modules, 0, of_expert));
  GROWS(copy, svf_expert_gains(expert, 1, &copy, 0, again));
  CHECK(memcmp(of_expert, again, modules->gains * sizeof *of_expert) == 0);
  GROWS(mixture, svf_mixture_gains(&mixture, &copy, 0, again));
  CHECK(memcmp(of_expert, again, modules->gains * sizeof *of_expert) == 0);
  svf_expert_registry *registry;
  svf_expert_handle *handle;
  OK(svf_expert_registry_create(&copy, 0, &registry));
  OK(svf_expert_registry_add(registry, "name", expert));
  OK(svf_expert_registry_find(registry, "name", &handle));
  CHECK(memcmp(of_expert, svf_expert_handle_gains(handle), modules->gains * sizeof *of_expert) ==
        0);
  svf_expert_handle_release(handle);
  svf_expert_registry_destroy(registry);
  free((void *)copy.modules);
  free(again);
  return of_expert;
}

/* --- svf/context.h, svf/generate.h, svf/score.h ----------------------------------------------- */

static const int32_t prompt[3] = {5, 6, 7};

/* What the base model and an expert write, and that the expert's text is scored as it was written.
 * Returns the first token of that. */
static int32_t use_generate(svf_context *context, const float *of_expert)
{
  int32_t tokens[2][TOKENS], text[3 + TOKENS];
  double written[TOKENS], scored[TOKENS];
  svf_sampling sampling = {.size = sizeof sampling};
  svf_request requests[2];
  for (int i = 0; i < 2; ++i) {
    requests[i] = (svf_request){.size = sizeof *requests,
                                .prompt = prompt,
                                .prompt_count = 3,
                                .sampling = &sampling,
                                .max_tokens = TOKENS,
                                .ignore_end = true,
                                .tokens = tokens[i],
                                .log_probabilities = i ? written : NULL,
                                .gains = i ? of_expert : NULL};
  }
  REFUSED(sampling, svf_generate(context, requests, 2));
  GROWS(requests[1], svf_generate(context, requests, 2));
  for (int i = 0; i < 2; ++i) {
    CHECK(requests[i].count == TOKENS && requests[i].finish == SVF_FINISH_LENGTH);
  }
  CHECK(memcmp(tokens[0], tokens[1], sizeof tokens[0]) != 0);
  memcpy(text, prompt, sizeof prompt);
  memcpy(text + 3, tokens[1], sizeof tokens[1]);
  svf_score_request score[2];
  for (int i = 0; i < 2; ++i) {
    score[i] = (svf_score_request){.size = sizeof *score,
                                   .tokens = text,
                                   .count = 3 + TOKENS,
                                   .first = 3,
                                   .gains = of_expert,
                                   .log_probabilities = scored};
  }
  GROWS(score[1], svf_score(context, score, 2));
  CHECK(memcmp(written, scored, sizeof written) == 0);
  return tokens[1][0];
}

/* A sequence that ends with `first`, and its fork. */
static void use_passes(svf_context *context, const float *of_expert, int32_t first)
{
  float *logits = malloc(2 * VOCABULARY * sizeof *logits);
  double probability;
  int32_t token;
  svf_row rows[3];
  svf_sampling sampling = {.size = sizeof sampling};
  CHECK(logits);
  for (int i = 0; i < 3; ++i) rows[i] = (svf_row){.token = prompt[i], .wants_logits = i == 2};
  OK(svf_context_begin(context, 0, of_expert, NULL, 0, NULL));
  OK(svf_context_forward(context, rows, 3, logits));
  GROWS(sampling, svf_sample(&sampling, 0, logits, VOCABULARY, NULL, &token));
  CHECK(token == first);
  OK(svf_log_probability(logits, VOCABULARY, token, 1, &probability));
  CHECK(probability < 0);
  OK(svf_context_fork(context, 0, 1, 3));
  for (size_t i = 0; i < 2; ++i) {
    rows[i] = (svf_row){.sequence = i, .token = token, .wants_logits = true};
  }
  OK(svf_context_forward(context, rows, 2, logits));
  CHECK(memcmp(logits, logits + VOCABULARY, VOCABULARY * sizeof *logits) == 0);
  CHECK(svf_context_length(context, 1) == 4);
  free(logits);
}

static void use_context(const svf_model *model, const float *of_expert)
{
  svf_context_options options = {.size = sizeof options, .sequences = 2, .threads = 1};
  svf_context *context;
  GROWS(options, svf_context_create(model, &options, &context));
  use_passes(context, of_expert, use_generate(context, of_expert));
  svf_context_destroy(context);
}

int main(int argc, char **argv)
{
  if (argc != 4) return 2;
  const char *golden = argv[1], *json = argv[2], *work = argv[3];
  use_types();
  use_matmul();
  use_merge();
  use_svd();
  use_safetensors(work);
  use_tokenizer(json);
  svf_model *model = use_model(use_convert(golden, work));
  float *of_expert = use_modules(svf_model_modules(model), work);
  use_context(model, of_expert);
  free(of_expert);
  svf_model_close(model);
  printf("svf %s serves a program of %d.%d.%d\n", svf_version(), SVF_VERSION_MAJOR,
         SVF_VERSION_MINOR, SVF_VERSION_PATCH);
  return 0;
}
