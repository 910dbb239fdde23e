/* SPDX-License-Identifier: Apache-2.0
 *
 * The things that a row's result must not depend on, and those that a context refuses. */
#include "tests/transformer/golden.h"

static svf_model *model;
static svf_model_info info = {.size = sizeof info};
static int32_t prompt[LONGEST];
static size_t count;

static void open_model(const char *name, svf_format format)
{
  const svf_model_options o = {.size = sizeof o, .format = format};
  golden g = golden_open(name);
  ck_works(svf_model_open(g.dir, &o, &model));
  ck_works(svf_model_get_info(model, &info));
  count = golden_tokens(&g, "ids", PROMPTS - 1, prompt);
  svf_safetensors_close(g.file);
}

static svf_context *context_of(size_t sequences, size_t tokens, size_t rows, size_t threads)
{
  svf_context *c = NULL;
  const svf_context_options o = {
      .size = sizeof o, .sequences = sequences, .tokens = tokens, .rows = rows, .threads = threads};
  ck_works(svf_context_create(model, &o, &c));
  return c;
}

/* The prompt on sequence 0 in passes of `rows`, all logits. */
static float *run(svf_context *c, size_t rows)
{
  svf_row all[LONGEST];
  float *logits = malloc(count * info.vocab * sizeof *logits);
  rows_of(all, 0, prompt, count, 1);
  ck_works(svf_context_begin(c, 0, NULL, NULL, 0, NULL));
  for (size_t i = 0; i < count; i += rows) {
    const size_t n = count - i < rows ? count - i : rows;
    ck_works(svf_context_forward(c, all + i, n, logits + i * info.vocab));
  }
  return logits;
}

START_TEST(passes_and_threads_change_no_bit)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16_SPLIT, SVF_FORMAT_W8};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    open_model("llama3", formats[f]);
    svf_context *one = context_of(1, 0, 0, 1);
    float *want = run(one, LONGEST);
    for (size_t threads = 1; threads <= 3; ++threads) {
      for (size_t rows = 1; rows <= 17; rows += 4) {
        svf_context *c = context_of(1, 0, rows, threads);
        float *got = run(c, rows);
        ck_assert_mem_eq(got, want, count * info.vocab * sizeof *got);
        free(got);
        svf_context_destroy(c);
      }
    }
    free(want);
    svf_context_destroy(one);
    svf_model_close(model);
  }
}
END_TEST

/* Three sequences of different lengths, their rows mixed. */
START_TEST(neighbours_change_no_bit)
{
  open_model("mistral", SVF_FORMAT_F32);
  svf_context *one = context_of(1, 0, 0, 2), *c = context_of(3, 0, 0, 2);
  float *want = run(one, LONGEST), *got = malloc(3 * info.vocab * sizeof *got);
  for (size_t i = 0; i < count; ++i) {
    svf_row rows[3];
    size_t n = 0;
    for (size_t s = 0; s < 3; ++s) { /* sequence s begins s * 5 tokens later */
      if (i >= s * 5) rows[n++] = (svf_row){s, prompt[i - s * 5], 1};
    }
    ck_works(svf_context_forward(c, rows, n, got));
    for (size_t s = 0; s < n; ++s) {
      ck_assert_mem_eq(got + s * info.vocab, want + (i - s * 5) * info.vocab,
                       info.vocab * sizeof *got);
    }
  }
  free(want);
  free(got);
  svf_context_destroy(one);
  svf_context_destroy(c);
  svf_model_close(model);
}
END_TEST

START_TEST(a_prefix_is_kept)
{
  open_model("llama3", SVF_FORMAT_F32);
  svf_context *c = context_of(1, 0, 0, 1);
  float *want = run(c, LONGEST), *got = malloc(info.vocab * sizeof *got);
  size_t kept = 99;
  ck_works(svf_context_begin(c, 0, NULL, prompt, count, &kept));
  ck_assert_uint_eq(kept, count - 1);
  ck_works(svf_context_forward(c, &(svf_row){0, prompt[kept], 1}, 1, got));
  ck_assert_mem_eq(got, want + kept * info.vocab, info.vocab * sizeof *got);
  const int32_t other[3] = {prompt[0], prompt[1], prompt[2] ? 0 : 1};
  ck_works(svf_context_begin(c, 0, NULL, other, 3, &kept));
  ck_assert_uint_eq(kept, 2);
  ck_assert_uint_eq(svf_context_length(c, 0), 2);
  free(want);
  free(got);
  svf_context_destroy(c);
  svf_model_close(model);
}
END_TEST

START_TEST(misuse_is_refused)
{
  open_model("llama3", SVF_FORMAT_F32);
  static const float gains[1];
  float *logits = malloc(200 * info.vocab * sizeof *logits);
  svf_row rows[200];
  svf_context *c = NULL;
  svf_context_options o = {.size = 1};
  ck_fails(svf_context_create(NULL, NULL, &c), SVF_ERR_NULL, "model");
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_VERSION, "options->size");
  o = (svf_context_options){.size = sizeof o, .isa = (svf_isa)77};
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_UNSUPPORTED, "options->isa");
  o = (svf_context_options){.size = sizeof o, .tokens = SIZE_MAX};
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_OVERFLOW, "KV cache of 1844674407370955");
  o = (svf_context_options){.size = sizeof o, .sequences = SIZE_MAX / 2};
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_OVERFLOW, "are too many");
  o.tokens = 64;
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_OVERFLOW, "KV cache");
  o = (svf_context_options){.size = sizeof o, .threads = SIZE_MAX};
  ck_fails(svf_context_create(model, &o, &c), SVF_ERR_OVERFLOW, "nth = ");
  c = context_of(2, 100, 0, 1); /* two blocks */
  for (int i = 0; i < 200; ++i) rows[i] = (svf_row){0, 1, 0};
  ck_fails(svf_context_forward(c, rows, 101, NULL), SVF_ERR_ARGUMENT, "at most 100 rows");
  rows[3].token = (int32_t)info.vocab;
  ck_fails(svf_context_forward(c, rows, 4, NULL), SVF_ERR_ARGUMENT, "rows[3].token");
  rows[3] = (svf_row){2, 1, 0};
  ck_fails(svf_context_forward(c, rows, 4, NULL), SVF_ERR_ARGUMENT, "rows[3].sequence is 2");
  rows[3] = (svf_row){0, 1, 1};
  ck_fails(svf_context_forward(c, rows, 4, NULL), SVF_ERR_NULL, "logits");
  ck_fails(svf_context_begin(c, 2, NULL, NULL, 0, NULL), SVF_ERR_ARGUMENT, "sequence is 2");
  ck_fails(svf_context_begin(c, 0, gains, NULL, 0, NULL), SVF_ERR_ARGUMENT, "in factors");
  ck_assert_uint_eq(svf_context_length(c, 0), 0);
  ck_works(svf_context_forward(c, rows, 70, logits));
  rows[0].sequence = 1;
  ck_fails(svf_context_forward(c, rows, 1, NULL), SVF_ERR_SPACE, "KV cache is full");
  rows[0].sequence = 0;
  ck_works(svf_context_forward(c, rows, 58, logits)); /* to the end of the second block */
  ck_fails(svf_context_forward(c, rows, 1, NULL), SVF_ERR_SPACE, "exceed the limit 128");
  svf_context_end(c, 0);
  rows[0].sequence = 1;
  ck_works(svf_context_forward(c, rows, 1, NULL));
  free(logits);
  svf_context_destroy(c);
  svf_model_close(model);
}
END_TEST

/* An idle sequence takes no blocks, however many rows it had. */
START_TEST(a_refused_pass_changes_nothing)
{
  open_model("llama3", SVF_FORMAT_F32);
  svf_context *c = context_of(1, 128, 0, 2);
  float *logits = malloc((info.vocab + 1) * sizeof *logits);
  float *const odd = (float *)(void *)((char *)logits + 2);
  svf_row rows[100];
  for (size_t i = 0; i < 100; ++i) rows[i] = (svf_row){0, 1, i == 99};
  ck_fails(svf_context_forward(c, rows, 100, odd), SVF_ERR_ALIGNMENT, "logits");
  ck_assert_uint_eq(svf_context_length(c, 0), 0);
  ck_works(svf_context_forward(c, rows + 99, 1, logits));
  ck_assert_uint_eq(svf_context_length(c, 0), 1);
  free(logits);
  svf_context_destroy(c);
  svf_model_close(model);
}
END_TEST

/* Prompts of some sequences and tokens of others, more threads than rows and heads, until each has
 * filled its place to the last position. */
START_TEST(mixed_passes_until_the_cache_is_full)
{
  enum { SEQUENCES = 3, FULL = 64 };
  static const size_t piece[SEQUENCES] = {1, 3, 40};
  open_model("qwen2-window", SVF_FORMAT_F32);
  svf_context *one = context_of(1, FULL, 1, 1), *c = context_of(SEQUENCES, SEQUENCES * FULL, 0, 8);
  float *want = malloc(FULL * info.vocab * sizeof *want);
  float *got = malloc(SEQUENCES * FULL * info.vocab * sizeof *got);
  for (size_t i = 0; i < FULL; ++i) {
    const svf_row row = {0, prompt[i % count], 1};
    ck_works(svf_context_forward(one, &row, 1, want + i * info.vocab));
  }
  ck_fails(svf_context_forward(one, &(svf_row){0, 1, 0}, 1, NULL), SVF_ERR_SPACE, "limit 64");
  for (size_t left = SEQUENCES * FULL; left > 0;) {
    svf_row rows[SEQUENCES * FULL];
    size_t n = 0, begin[SEQUENCES];
    for (size_t s = 0; s < SEQUENCES; ++s) {
      begin[s] = svf_context_length(c, s);
      for (size_t i = begin[s]; i < FULL && i < begin[s] + piece[s]; ++i) {
        rows[n++] = (svf_row){s, prompt[i % count], 1};
      }
    }
    ck_works(svf_context_forward(c, rows, n, got));
    for (size_t i = 0; i < n; ++i) {
      ck_assert_mem_eq(got + i * info.vocab, want + begin[rows[i].sequence]++ * info.vocab,
                       info.vocab * sizeof *got);
    }
    left -= n;
  }
  free(want);
  free(got);
  svf_context_destroy(one);
  svf_context_destroy(c);
  svf_model_close(model);
}
END_TEST

SUITE("context", passes_and_threads_change_no_bit, neighbours_change_no_bit, a_prefix_is_kept,
      misuse_is_refused, a_refused_pass_changes_nothing, mixed_passes_until_the_cache_is_full)
