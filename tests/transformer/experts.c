/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences with different experts on one context. */
#define _GNU_SOURCE
#include <math.h>

#include <svf/generate.h>
#include <svf/convert.h>

#include "tests/io/temp.h"
#include "tests/transformer/golden.h"

enum { EXPERTS = 3, PROMPT = 17 };

static svf_model *model;
static svf_model_info info = {.size = sizeof info};
static int32_t prompt[LONGEST];
static float *gains[EXPERTS]; /* [0]: those of the base model, spelled out */

static void setup(svf_format format)
{
  const svf_model_options o = {.size = sizeof o, .format = format};
  golden g = golden_open("qwen2");
  temp_make();
  ck_works(svf_model_decompose(g.dir, temp_path("factors"), svf_svd, NULL));
  ck_works(svf_model_open(temp_path("factors"), &o, &model));
  ck_works(svf_model_get_info(model, &info));
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

/* A sequence of NaN neither reaches its neighbour nor who has its blocks of the cache after it. */
START_TEST(nan_stays_in_its_sequence)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16, SVF_FORMAT_S8,
                                       SVF_FORMAT_W4};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    setup(formats[f]);
    const size_t bytes = info.vocab * sizeof(float), all = svf_model_modules(model)->gains;
    float *want = room(1), *got = room(2);
    for (size_t i = 0; i < all; ++i) gains[2][i] = NAN;
    svf_context *alone = context_of(1), *c = context_of(2);
    run(alone, gains[1], want);
    for (int round = 0; round < 2; ++round) { /* first beside it, then in its place */
      const size_t clean = (size_t)round, foul = 1 - clean;
      ck_works(svf_context_begin(c, clean, gains[1], NULL, 0, NULL));
      ck_works(svf_context_begin(c, foul, gains[2], NULL, 0, NULL));
      for (size_t i = 0; i < PROMPT; ++i) {
        const svf_row rows[2] = {{foul, prompt[i], 1}, {clean, prompt[i], 1}};
        ck_works(svf_context_forward(c, rows, 2, got));
      }
      ck_assert(isnan(got[0]));
      ck_assert_mem_eq(got + info.vocab, want, bytes);
      svf_context_end(c, clean);
      svf_context_end(c, foul);
    }
    free(want);
    free(got);
    svf_context_destroy(alone);
    svf_context_destroy(c);
    teardown();
  }
}
END_TEST

/* More requests than sequences, few blocks: prefixes are reused, and only by their own expert. */
START_TEST(generation_reuses_prefixes_of_its_expert_only)
{
  enum { REQUESTS = 12, TOKENS = 9 };
  int32_t want[REQUESTS][TOKENS], got[REQUESTS][TOKENS];
  svf_sampling sampling[REQUESTS];
  svf_request r[REQUESTS];
  setup(SVF_FORMAT_F32);
  svf_context *c = context_of(1);
  for (size_t i = 0; i < REQUESTS; ++i) {
    sampling[i] = (svf_sampling){.size = sizeof *sampling, .temperature = 2, .seed = i % 5};
    r[i] = (svf_request){.size = sizeof *r,
                         .prompt = prompt,
                         .prompt_count = 9 + i % 4,
                         .gains = i % 4 == 3 ? NULL : gains[i % 4],
                         .sampling = &sampling[i],
                         .max_tokens = TOKENS,
                         .ignore_end = true,
                         .tokens = want[i]};
    svf_context_end(c, 0); /* cold */
    ck_works(svf_generate(c, &r[i], 1));
    r[i].tokens = got[i];
  }
  svf_context_destroy(c);
  for (size_t sequences = 1; sequences <= 5; ++sequences) {
    c = context_of(sequences);
    memset(got, 0, sizeof got);
    ck_works(svf_generate(c, r, REQUESTS));
    ck_assert_mem_eq(got, want, sizeof got);
    ck_works(svf_generate(c, r, REQUESTS)); /* warm */
    ck_assert_mem_eq(got, want, sizeof got);
    svf_context_destroy(c);
  }
  teardown();
}
END_TEST

static bool at_once(void *context, int32_t token)
{
  (void)context, (void)token;
  return true;
}

/* Requests that end at their first token, or are to be none, among others; one becomes NaN. */
START_TEST(requests_end_each_for_itself)
{
  int32_t tokens[4][4];
  svf_request r[4];
  setup(SVF_FORMAT_F32);
  svf_context *c = context_of(2);
  for (size_t i = 0; i < 4; ++i) {
    r[i] = (svf_request){.size = sizeof *r,
                         .prompt = prompt,
                         .prompt_count = PROMPT,
                         .max_tokens = 4,
                         .ignore_end = true,
                         .tokens = tokens[i]};
  }
  r[0].on_token = at_once;
  r[2].max_tokens = 0;
  ck_works(svf_generate(c, r, 4));
  ck_assert_uint_eq(r[0].count, 1);
  ck_assert_int_eq(r[0].finish, SVF_FINISH_CALLER);
  ck_assert_uint_eq(r[1].count, 4);
  ck_assert_uint_eq(r[2].count, 0);
  ck_assert_mem_eq(tokens[1], tokens[3], sizeof tokens[1]);
  ck_assert_int_eq(tokens[0][0], tokens[1][0]);
  for (size_t i = 0; i < svf_model_modules(model)->gains; ++i) gains[1][i] = NAN;
  r[3].gains = gains[1];
  ck_fails(svf_generate(c, r, 4), SVF_ERR_NUMERIC, "requests[3]: the logit of token 0 is NaN");
  svf_context_destroy(c);
  teardown();
}
END_TEST

START_TEST(an_outline_is_described_like_its_model)
{
  setup(SVF_FORMAT_W8);
  const svf_model_options o = {
      .size = sizeof o, .format = SVF_FORMAT_W8, .flags = SVF_MODEL_OUTLINE};
  svf_model *outline = NULL;
  svf_context *c = NULL;
  svf_model_info i = {.size = sizeof i};
  ck_works(svf_model_open(temp_path("factors"), &o, &outline));
  ck_works(svf_model_get_info(outline, &i));
  ck_assert_uint_eq(i.parameters, info.parameters);
  ck_assert_uint_eq(i.weight_bytes, info.weight_bytes);
  const svf_modules *a = svf_model_modules(outline), *b = svf_model_modules(model);
  ck_assert_uint_eq(a->count, b->count);
  ck_assert_uint_eq(a->fingerprint, b->fingerprint);
  for (size_t m = 0; m < a->count; ++m) {
    ck_assert_str_eq(a->modules[m].name, b->modules[m].name);
    ck_assert_uint_eq(a->modules[m].r, b->modules[m].r);
    ck_assert_uint_eq(a->modules[m].offset, b->modules[m].offset);
    ck_assert_mem_eq(a->modules[m].sigma, b->modules[m].sigma, a->modules[m].r * sizeof(float));
  }
  ck_fails(svf_context_create(outline, NULL, &c), SVF_ERR_ARGUMENT, "opened as an outline");
  svf_model_close(outline);
  teardown();
}
END_TEST

SUITE("model experts", an_outline_is_described_like_its_model, a_cache_serves_only_its_expert,
      neighbours_with_other_experts_change_no_bit, nan_stays_in_its_sequence,
      generation_reuses_prefixes_of_its_expert_only, requests_end_each_for_itself)
