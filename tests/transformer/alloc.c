/* SPDX-License-Identifier: Apache-2.0
 *
 * Models, contexts, generation and texts survive the failure of any allocation of their own, and
 * say so; so does making one model's directory of another. jansson, BLAS and LAPACK keep theirs. */
#define _GNU_SOURCE
#include <svf/generate.h>
#include <svf/score.h>
#include <svf/convert.h>
#include <svf/text.h>

#include "tests/convert/files.h"
#include "tests/io/fail_each.h"
#include "tests/tokenizer/small.h"
#include "tests/transformer/golden.h"

static const char *dir; /* what the calls below open */
static svf_format format;
static svf_model *model;
static svf_context *context;
static svf_tokenizer *tokenizer;

/* check allocates, and must not while allocations are counted. */
static svf_status checked(svf_status status, const void *made)
{
  return !made == (status != SVF_OK) ? status : SVF_ERR_FAILED;
}

static svf_status open_model(void)
{
  const svf_model_options o = {.size = sizeof o, .format = format, .threads = 1};
  svf_model *m = NULL;
  const svf_status status = svf_model_open(dir, &o, &m);
  svf_model_close(m);
  return checked(status, m);
}

static svf_status create_context(void)
{
  const svf_context_options o = {.size = sizeof o, .sequences = 3, .tokens = 200, .threads = 2};
  svf_context *c = NULL;
  const svf_status status = svf_context_create(model, &o, &c);
  svf_context_destroy(c);
  return checked(status, c);
}

static svf_status generate(void)
{
  static const int32_t prompt[3] = {1, 2, 3};
  svf_request r[2] = {{.size = sizeof *r, .prompt = prompt, .prompt_count = 3, .max_tokens = 2},
                      {.size = sizeof *r, .prompt = prompt, .prompt_count = 2, .max_tokens = 3}};
  return svf_generate(context, r, 2);
}

static svf_status score(void)
{
  static const int32_t tokens[5] = {1, 2, 3, 4, 5};
  double result[2][4];
  svf_score_request r[2];
  for (size_t i = 0; i < 2; ++i) {
    r[i] = (svf_score_request){.size = sizeof *r,
                               .tokens = tokens,
                               .count = 5 - i,
                               .first = 1,
                               .log_probabilities = result[i]};
  }
  return svf_score(context, r, 2);
}

static svf_status text(void)
{
  static const char *const stops[] = {"xyz", "bb"};
  svf_text *t = NULL;
  const char *out;
  size_t bytes;
  bool stopped = 0;
  svf_status status = svf_text_create(tokenizer, 0, stops, 2, &t);
  status = checked(status, t);
  for (int i = 0; status == SVF_OK && i < 200; ++i) {
    status = svf_text_push(t, i % 2 ? 10 : 2, &out, &bytes, &stopped);
  }
  if (status == SVF_OK) status = svf_text_flush(t, &out, &bytes);
  svf_text_destroy(t);
  return status;
}

/* An empty directory. */
static const char *fresh(const char *name)
{
  const char *out = temp_path("%s", name);
  nftw(out, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return mkdir(out, 0777) == 0 ? out : NULL;
}

/* A failed call leaves no temporary, and nothing that could be taken for a model. */
static svf_status clean(svf_status status, const char *out)
{
  if (status == SVF_OK) return status;
  DIR *d = opendir(out);
  if (!d) return SVF_ERR_FAILED;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    const bool parent = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if ((e->d_name[0] == '.' && !parent) || strncmp(e->d_name, "model.", 6) == 0) {
      status = SVF_ERR_FAILED;
    }
  }
  closedir(d);
  return status;
}

static svf_status decompose(void)
{
  const svf_decompose_options o = {
      .size = sizeof o, .layers = SVF_DECOMPOSE_ATTENTION, .threads = 1};
  const char *out = fresh("factors");
  return clean(svf_model_decompose(dir, out, svf_svd, &o), out);
}

static svf_status pack(void)
{
  const svf_model_options o = {.size = sizeof o, .format = format, .threads = 1};
  const char *out = fresh("packed");
  return clean(pack_with(dir, out, &o, format == SVF_FORMAT_W84 ? 20 : 0), out);
}

static svf_status merge(void)
{
  const char *out = fresh("merged");
  return clean(merge_with(dir, out, NULL, SVF_DTYPE_BF16, 0, NULL, NULL), out);
}

static svf_status merge_apart(void)
{
  const char *out = fresh("merged");
  return clean(merge_with(dir, out, NULL, SVF_DTYPE_BF16, 20000, NULL, NULL), out);
}

START_TEST(models)
{
  static const char *const names[] = {"llama3", "qwen2", "mistral-f16", "llama-bf16-sharded"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    golden g = golden_open(names[i]);
    dir = g.dir;
    format = i % 2 ? SVF_FORMAT_BF16 : SVF_FORMAT_W4;
    fail_each(open_model, 20, SVF_ERR_MEMORY);
    svf_safetensors_close(g.file);
  }
}
END_TEST

START_TEST(contexts)
{
  golden g = golden_open("qwen2");
  ck_works(svf_model_open(g.dir, NULL, &model));
  fail_each(create_context, 20, SVF_ERR_MEMORY);
  ck_works(svf_context_create(model, NULL, &context));
  fail_each(generate, 12, SVF_ERR_MEMORY);
  fail_each(score, 11, SVF_ERR_MEMORY);
  svf_context_destroy(context);
  svf_model_close(model);
  svf_safetensors_close(g.file);
}
END_TEST

START_TEST(texts)
{
  ck_works(svf_tokenizer_parse(small_tokenizer, sizeof small_tokenizer - 1, &tokenizer));
  fail_each(text, 3, SVF_ERR_MEMORY);
  svf_tokenizer_close(tokenizer);
}
END_TEST

START_TEST(directories)
{
  golden g = golden_open("smollm");
  char factors[256];
  dir = g.dir;
  /* Whether a shard or a model is there already is asked first, and need not be answered. */
  fail_each(decompose, 100, SVF_OK);
  snprintf(factors, sizeof factors, "%s", temp_path("kept"));
  ck_assert_int_eq(rename(temp_path("factors"), factors), 0);
  dir = factors;
  for (int i = 0; i < 2; ++i) {
    format = i == 0 ? SVF_FORMAT_F32 : SVF_FORMAT_W84;
    fail_each(pack, 100, SVF_ERR_MEMORY);
    fail_each(open_model, 20, SVF_ERR_MEMORY);
  }
  fail_each(merge, 100, SVF_ERR_MEMORY);
  fail_each(merge_apart, 120, SVF_ERR_MEMORY);
  svf_safetensors_close(g.file);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {models, contexts, texts, directories};
  temp_make();
  const int result = run_suite("transformer_alloc", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
