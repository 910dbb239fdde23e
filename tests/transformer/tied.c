/* SPDX-License-Identifier: Apache-2.0
 *
 * Configurations that tie lm_head and embedding over files that have an lm_head: as in transformers
 * 5.24 it is used, or is the embedding if there is none. What it does was seen by running it. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include "tests/io/temp.h"
#include "tests/transformer/golden.h"

#define HEAD "lm_head.weight"
#define EMBEDDING "model.embed_tokens.weight"

enum { VOCAB = 256, TOKENS = 5 };

/* The golden models here have heads that are other matrices than their embeddings, the last one in
 * F16. Each test runs on one of them. */
static const char *const golden_models[] = {"tinyllama", "llama2", "mistral-f16"};
enum { MODELS = sizeof golden_models / sizeof *golden_models };
static const char *golden_model;

static void write_config(const char *to, bool tied)
{
  static const char key[] = "\"tie_word_embeddings\": false";
  char path[300], text[4096], tied_text[4200];
  snprintf(path, sizeof path, "%s/%s/config.json", GOLDEN, golden_model);
  FILE *file = fopen(path, "rb");
  ck_assert_ptr_nonnull(file);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  char *at = strstr(text, key);
  ck_assert_ptr_nonnull(at);
  *at = 0;
  snprintf(tied_text, sizeof tied_text, "%s\"tie_word_embeddings\": %s%s", text,
           tied ? "true" : "false", at + strlen(key));
  temp_write_text(to, tied_text);
}

/* The golden model with the tensors of these names as head and as embedding; NULL: left out. */
static const char *make(const char *name, bool tied, const char *head, const char *embedding)
{
  char path[300], file_path[300];
  svf_safetensors *file = NULL;
  svf_safetensors_writer *w = NULL;
  svf_safetensors_entry entries[64];
  const svf_tensor *tensors[64];
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s/model.safetensors", GOLDEN, golden_model);
  ck_works(svf_safetensors_open(path, 0, &file));
  ck_assert_int_eq(mkdir(temp_path("%s", name), 0777), 0);
  snprintf(file_path, sizeof file_path, "%s/config.json", name);
  write_config(temp_path("%s", file_path), tied);
  for (size_t i = 0; i < svf_safetensors_count(file); ++i) {
    const svf_tensor *t = svf_safetensors_at(file, i);
    const char *from = strcmp(t->name, HEAD) == 0        ? head
                       : strcmp(t->name, EMBEDDING) == 0 ? embedding
                                                         : t->name;
    if (!from) continue;
    tensors[n] = svf_safetensors_find(file, from);
    entries[n] = (svf_safetensors_entry){
        .size = sizeof *entries, .name = t->name, .dtype = t->dtype, .ndim = t->ndim};
    memcpy(entries[n++].shape, t->shape, sizeof t->shape);
  }
  snprintf(file_path, sizeof file_path, "%s/model.safetensors", name);
  ck_works(svf_safetensors_create(temp_path("%s", file_path), entries, n, NULL, 0, &w));
  for (size_t i = 0; i < n; ++i) {
    ck_works(svf_safetensors_append(w, tensors[i]->data, tensors[i]->bytes));
  }
  ck_works(svf_safetensors_commit(&w));
  svf_safetensors_close(file);
  return temp_path("%s", name);
}

/* The logits of a few tokens, and whether the model is untied. */
static float *logits_of(const char *dir, bool *untied)
{
  static const int32_t tokens[TOKENS] = {1, 5, 9, 3, 7};
  svf_model *model = NULL;
  svf_context *context = NULL;
  svf_row rows[TOKENS];
  svf_model_info info = {.size = sizeof info};
  ck_works(svf_model_open(dir, NULL, &model));
  ck_works(svf_model_get_info(model, &info));
  ck_assert_uint_le(info.vocab, VOCAB * 8);
  *untied = info.untied;
  float *logits = calloc(TOKENS * VOCAB * 8, sizeof *logits);
  ck_works(svf_context_create(model, NULL, &context));
  ck_works(svf_context_begin(context, 0, NULL, NULL, 0, NULL));
  rows_of(rows, 0, tokens, TOKENS, 1);
  ck_works(svf_context_forward(context, rows, TOKENS, logits));
  svf_context_destroy(context);
  svf_model_close(model);
  return logits;
}

/* Both models say the same, to the bit; `untied` is expected of the first one. */
static void same(const char *dir, const char *other, bool expected)
{
  bool untied, unused;
  float *a = logits_of(dir, &untied);
  float *b = logits_of(other, &unused);
  ck_assert_int_eq(untied, expected);
  ck_assert_int_eq(memcmp(a, b, TOKENS * VOCAB * 8 * sizeof *a), 0);
  free(a);
  free(b);
}

static const char *packed(const char *dir, const char *name)
{
  ck_works(svf_model_pack(dir, temp_path("%s", name), NULL));
  return temp_path("%s", name);
}

static void use_another_head(void)
{
  bool untied;
  temp_make();
  char golden_dir[300];
  snprintf(golden_dir, sizeof golden_dir, "%s/%s", GOLDEN, golden_model);
  float *logits = logits_of(golden_dir, &untied);
  ck_assert(!untied);
  free(logits);
  same(make("other", true, HEAD, EMBEDDING), golden_dir, true);
  same(make("untied", false, HEAD, EMBEDDING), golden_dir, false);
  same(packed(temp_path("other"), "packed"), golden_dir, false);
  temp_remove();
}

static void use_an_equal_head(void)
{
  temp_make();
  make("tied", true, NULL, EMBEDDING);
  same(make("equal", true, EMBEDDING, EMBEDDING), temp_path("tied"), false);
  same(packed(temp_path("equal"), "packed"), temp_path("tied"), false);
  temp_remove();
}

static void use_a_head_alone(void)
{
  temp_make();
  make("tied", true, NULL, HEAD);
  same(make("alone", true, HEAD, NULL), temp_path("tied"), false);
  same(packed(temp_path("alone"), "packed"), temp_path("tied"), false);
  svf_model *model = NULL;
  ck_fails(svf_model_open(make("untied", false, HEAD, NULL), NULL, &model), SVF_ERR_FILE,
           EMBEDDING "' is missing");
  temp_remove();
}

static void for_each_model(void (*test)(void))
{
  for (size_t i = 0; i < MODELS; ++i) {
    golden_model = golden_models[i];
    test();
  }
}

START_TEST(another_head_is_used) { for_each_model(use_another_head); }
END_TEST

START_TEST(an_equal_head_is_the_embedding) { for_each_model(use_an_equal_head); }
END_TEST

START_TEST(a_head_alone_is_the_embedding) { for_each_model(use_a_head_alone); }
END_TEST

SUITE("tied", another_head_is_used, an_equal_head_is_the_embedding, a_head_alone_is_the_embedding)
