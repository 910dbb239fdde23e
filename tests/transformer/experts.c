/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences with different experts on one context. */
#define _GNU_SOURCE
#include <svf/model_files.h>

#include "tests/io/temp.h"
#include "tests/transformer/golden.h"

enum { EXPERTS = 3, PROMPT = 17 };

static svf_model *model;
static svf_model_info info;
static int32_t prompt[LONGEST];
static float *gains[EXPERTS]; /* [0]: those of the base model, spelled out */

static void setup(svf_format format)
{
  const svf_model_options o = {.size = sizeof o, .format = format};
  golden g = golden_open("qwen2");
  temp_make();
  ck_works(svf_model_decompose(g.dir, temp_path("factors"), NULL));
  ck_works(svf_model_open(temp_path("factors"), &o, &model));
  svf_model_describe(model, &info);
  ck_assert_uint_eq(golden_tokens(&g, "ids", 2, prompt), PROMPT);
  const svf_modules *m = svf_model_modules(model);
  for (int e = 0; e < EXPERTS; ++e) {
    gains[e] = malloc(m->gains * sizeof(float));
    for (size_t i = 0; i < m->count; ++i) {
      for (size_t k = 0; k < m->modules[i].r; ++k) {
        const float z = 1 + 0.1f * (float)e * (float)((k * 7 + i) % 5) / 5;
        gains[e][m->modules[i].offset + k] = m->modules[i].sigma[k] * z;
      }
    }
  }
  svf_safetensors_close(g.file);
}

static void teardown(void)
{
  for (int e = 0; e < EXPERTS; ++e) free(gains[e]);
  svf_model_close(model);
  temp_remove();
}

static svf_context *context_of(size_t sequences)
{
  svf_context *c = NULL;
  const svf_context_options o = {.size = sizeof o, .sequences = sequences, .threads = 2};
  ck_works(svf_context_create(model, &o, &c));
  return c;
}

static float *room(size_t rows) { return malloc(rows * info.vocab * sizeof(float)); }

/* The last logits of the prompt on sequence 0, from what the cache still has. */
static size_t run(svf_context *c, const float *own, float *logits)
{
  svf_row rows[LONGEST];
  size_t kept = 0;
  ck_works(svf_context_begin(c, 0, own, prompt, PROMPT, &kept));
  rows_of(rows, 0, prompt + kept, PROMPT - kept, 0);
  ck_works(svf_context_forward(c, rows, PROMPT - kept, logits));
  return kept;
}

START_TEST(a_cache_serves_only_its_expert)
{
  setup(SVF_FORMAT_F32);
  svf_context *c = context_of(1);
  float *cold = room(1), *got = room(1);
  const size_t bytes = info.vocab * sizeof(float);
  ck_assert_uint_eq(run(c, gains[1], cold), 0);
  ck_assert_uint_eq(run(c, gains[1], got), PROMPT - 1);
  ck_assert_mem_eq(got, cold, bytes);
  ck_assert_uint_eq(run(c, gains[2], got), 0);
  ck_assert_mem_ne(got, cold, bytes);
  ck_fails(svf_context_resume(c, 0, gains[1]), SVF_ERR_ARGUMENT, "was filled with gains");
  ck_fails(svf_context_resume(c, 0, NULL), SVF_ERR_ARGUMENT, "not with 0000000000000000");
  ck_works(svf_context_resume(c, 0, gains[2]));
  ck_assert_uint_eq(run(c, gains[1], got), 0);
  ck_assert_mem_eq(got, cold, bytes);
  /* Other memory with the same values is the same expert. */
  float *copy = malloc(svf_model_modules(model)->gains * sizeof *copy);
  memcpy(copy, gains[1], svf_model_modules(model)->gains * sizeof *copy);
  ck_assert_uint_eq(run(c, copy, got), PROMPT - 1);
  ck_assert_mem_eq(got, cold, bytes);
  free(copy);
  free(cold);
  free(got);
  svf_context_destroy(c);
  teardown();
}
END_TEST

START_TEST(neighbours_with_other_experts_change_no_bit)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16_SPLIT, SVF_FORMAT_S8_SPLIT,
                                       SVF_FORMAT_W4};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    setup(formats[f]);
    float *alone[EXPERTS], *together = room(EXPERTS);
    const size_t bytes = info.vocab * sizeof(float);
    for (int e = 0; e < EXPERTS; ++e) {
      svf_context *c = context_of(1);
      alone[e] = room(1);
      run(c, gains[e], alone[e]);
      svf_context_destroy(c);
    }
    svf_context *c = context_of(EXPERTS), *base = context_of(1);
    svf_row rows[EXPERTS];
    for (size_t e = 0; e < EXPERTS; ++e) ck_works(svf_context_begin(c, e, gains[e], NULL, 0, NULL));
    for (size_t i = 0; i < PROMPT; ++i) {
      for (size_t e = 0; e < EXPERTS; ++e) rows[e] = (svf_row){e, prompt[i], 1};
      ck_works(svf_context_forward(c, rows, EXPERTS, together));
    }
    for (size_t e = 0; e < EXPERTS; ++e) {
      ck_assert_mem_eq(together + e * info.vocab, alone[e], bytes);
    }
    ck_assert_mem_ne(alone[0], alone[1], bytes);
    ck_assert_mem_ne(alone[1], alone[2], bytes);
    run(base, NULL, together); /* z = 1 is the base model */
    ck_assert_mem_eq(together, alone[0], bytes);
    for (int e = 0; e < EXPERTS; ++e) free(alone[e]);
    free(together);
    svf_context_destroy(c);
    svf_context_destroy(base);
    teardown();
  }
}
END_TEST

SUITE("model experts", a_cache_serves_only_its_expert, neighbours_with_other_experts_change_no_bit)
