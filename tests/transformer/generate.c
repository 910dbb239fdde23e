/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampling, and texts for many requests at once. */
#include <math.h>

#include <svf/generate.h>

#include "src/transformer/model.h"
#include "tests/transformer/golden.h"

/* --- Sampling --------------------------------------------------------------------------------- */

#define SAMPLING(...) ((svf_sampling){.size = sizeof(svf_sampling), __VA_ARGS__})

enum { VOCAB = 6, DRAWS = 60000 };
static const float ladder[VOCAB] = {0, 1, 2, 3, 2, -INFINITY};

/* Counts how often each token is drawn. */
static void draw(const svf_sampling *s, const float *logits, double *share)
{
  svf_candidate scratch[VOCAB];
  memset(share, 0, VOCAB * sizeof *share);
  for (uint64_t i = 0; i < DRAWS; ++i) {
    int32_t token;
    ck_works(svf_sample(s, i, logits, VOCAB, scratch, &token));
    ck_assert(token >= 0 && token < VOCAB);
    share[token] += 1.0 / DRAWS;
  }
}

static void expect(const svf_sampling *s, const double *weights)
{
  double share[VOCAB], all = 0;
  draw(s, ladder, share);
  for (int i = 0; i < VOCAB; ++i) all += weights[i];
  for (int i = 0; i < VOCAB; ++i) {
    const double p = weights[i] / all, deviation = sqrt(p * (1 - p) / DRAWS);
    ck_assert_msg(fabs(share[i] - p) <= 5 * deviation, "token %d: %g, expected %g", i, share[i], p);
  }
}

START_TEST(draws_follow_the_distribution)
{
  const double e = exp(1);
  expect(&SAMPLING(.temperature = 1), (double[]){1, e, e * e, e * e * e, e * e, 0});
  expect(&SAMPLING(.temperature = 2, .seed = 5), (double[]){1, sqrt(e), e, e * sqrt(e), e, 0});
  expect(&SAMPLING(.temperature = 1, .top_k = 2), (double[]){0, 0, e * e, e * e * e, 0, 0});
  expect(&SAMPLING(.temperature = 1, .top_k = 99), (double[]){1, e, e * e, e * e * e, e * e, 0});
  /* Shares are 0.53, 0.20, 0.20, 0.07, 0.03: 0.6 needs two, of which equal ones by their id. */
  expect(&SAMPLING(.temperature = 1, .top_p = 0.6f), (double[]){0, 0, e * e, e * e * e, 0, 0});
  expect(&SAMPLING(.temperature = 1, .top_p = 0.8f), (double[]){0, 0, e * e, e * e * e, e * e, 0});
  expect(&SAMPLING(.temperature = 1, .min_p = 0.1f), (double[]){0, e, e * e, e * e * e, e * e, 0});
  expect(&SAMPLING(.temperature = 1, .top_k = 3, .top_p = 0.7f, .min_p = 0.3f),
         (double[]){0, 0, e * e, e * e * e, 0, 0});
}
END_TEST

START_TEST(extremes_of_sampling)
{
  const svf_sampling cold = {.size = sizeof cold};
  svf_candidate scratch[VOCAB];
  int32_t token = -1;
  ck_works(svf_sample(&cold, 0, ladder, VOCAB, NULL, &token));
  ck_assert_int_eq(token, 3);
  ck_works(svf_sample(&cold, 0, (float[]){1, 7, 7}, 3, NULL, &token));
  ck_assert_int_eq(token, 1);
  for (uint64_t i = 0; i < 100; ++i) {
    ck_works(svf_sample(&SAMPLING(.temperature = 1e-30f), i, ladder, VOCAB, scratch, &token));
    ck_assert_int_eq(token, 3);
    ck_works(svf_sample(&SAMPLING(.temperature = 1, .top_k = 1, .seed = i), 0, ladder, VOCAB,
                        scratch, &token));
    ck_assert_int_eq(token, 3);
    ck_works(svf_sample(&SAMPLING(.temperature = 3e38f), i, ladder, VOCAB, scratch, &token));
    ck_assert_int_ne(token, 5);
  }
  const svf_sampling warm = {.size = sizeof warm, .temperature = 1};
  const float nan[2] = {0, NAN}, inf[2] = {0, INFINITY}, none[2] = {-INFINITY, -INFINITY};
  ck_fails(svf_sample(&warm, 0, nan, 2, scratch, &token), SVF_ERR_NUMERIC, "token 1 is NaN");
  ck_fails(svf_sample(&warm, 0, inf, 2, scratch, &token), SVF_ERR_NUMERIC, "inf");
  ck_fails(svf_sample(&warm, 0, none, 2, scratch, &token), SVF_ERR_NUMERIC, "-inf");
  ck_fails(svf_sample(&warm, 0, inf, 0, scratch, &token), SVF_ERR_ARGUMENT, "vocab is 0");
  ck_fails(svf_sample(&warm, 0, ladder, VOCAB, NULL, &token), SVF_ERR_NULL, "scratch");
  ck_fails(svf_sample(&SAMPLING(.temperature = -1), 0, ladder, VOCAB, scratch, &token),
           SVF_ERR_ARGUMENT, "temperature is -1");
  ck_fails(svf_sample(&SAMPLING(.temperature = NAN), 0, ladder, VOCAB, scratch, &token),
           SVF_ERR_ARGUMENT, "temperature is nan");
  ck_fails(svf_sample(&SAMPLING(.top_p = 2), 0, ladder, VOCAB, scratch, &token), SVF_ERR_ARGUMENT,
           "top_p is 2");
  ck_fails(svf_sample(&SAMPLING(.min_p = -1), 0, ladder, VOCAB, scratch, &token), SVF_ERR_ARGUMENT,
           "min_p is -1");
}
END_TEST

/* --- Generation ------------------------------------------------------------------------------- */

enum { REQUESTS = 9, TOKENS = 20 };

typedef struct batch {
  int32_t prompt[REQUESTS][LONGEST], tokens[REQUESTS][TOKENS];
  svf_sampling sampling[REQUESTS];
  svf_request request[REQUESTS];
} batch;

/* Prompts of all golden lengths, seeds and lengths that differ. */
static void fill(batch *b, const golden *g)
{
  memset(b, 0, sizeof *b);
  for (int i = 0; i < REQUESTS; ++i) {
    const size_t n = golden_tokens(g, "ids", i % PROMPTS, b->prompt[i]);
    b->sampling[i] = SAMPLING(.temperature = i % 3 ? 1.0f : 0, .seed = (uint64_t)i);
    b->request[i] = (svf_request){.size = sizeof(svf_request),
                                  .prompt = b->prompt[i],
                                  .prompt_count = n,
                                  .sampling = &b->sampling[i],
                                  .max_tokens = (size_t)(TOKENS - i),
                                  .ignore_end = true,
                                  .tokens = b->tokens[i]};
  }
}

static void run(const svf_model *model, batch *b, size_t sequences, size_t tokens, size_t rows,
                size_t threads)
{
  svf_context *c = NULL;
  const svf_context_options o = {
      .size = sizeof o, .sequences = sequences, .tokens = tokens, .rows = rows, .threads = threads};
  ck_works(svf_context_create(model, &o, &c));
  ck_works(svf_generate(c, b->request, REQUESTS));
  svf_context_destroy(c);
  for (int i = 0; i < REQUESTS; ++i) {
    ck_assert_uint_eq(b->request[i].count, b->request[i].max_tokens);
    ck_assert_int_eq(b->request[i].finish, SVF_FINISH_LENGTH);
  }
}

START_TEST(texts_do_not_depend_on_the_company)
{
  static const size_t sizes[][4] = {
      {2, 128, 3, 1}, {9, 640, 64, 2}, {4, 200, 7, 3}, {1, 64, 64, 2}};
  golden g = golden_open("llama3");
  svf_model *model = NULL;
  static batch alone, together;
  ck_works(svf_model_open(g.dir, NULL, &model));
  fill(&alone, &g);
  run(model, &alone, 1, 0, 0, 1);
  ck_assert_mem_ne(alone.tokens[1], alone.tokens[5], 4 * sizeof(int32_t)); /* another seed */
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    fill(&together, &g);
    run(model, &together, sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3]);
    ck_assert_mem_eq(together.tokens, alone.tokens, sizeof alone.tokens);
  }
  int32_t want[LONGEST];
  ck_assert_uint_ge(golden_tokens(&g, "greedy", 0, want), TOKENS);
  ck_assert_mem_eq(alone.tokens[0], want, TOKENS * sizeof *want);
  svf_model_close(model);
  svf_safetensors_close(g.file);
}
END_TEST

static bool stop_at_third(void *context, int32_t token)
{
  (void)token;
  return ++*(int *)context == 3;
}

static const svf_request *ended[3];
static size_t ended_count;

static void remember(void *context) { ended[ended_count++] = context; }

/* Each text has its own end: a length, an end token, none at all. */
START_TEST(requests_say_when_they_end)
{
  golden g = golden_open("llama3");
  svf_model *model = NULL;
  svf_context *c = NULL;
  int32_t prompt[LONGEST], greedy[LONGEST];
  ck_works(svf_model_open(g.dir, NULL, &model));
  ck_works(svf_context_create(
      model, &(svf_context_options){.size = sizeof(svf_context_options), .sequences = 2}, &c));
  golden_tokens(&g, "greedy", 1, greedy);
  svf_request r[3];
  for (int i = 0; i < 3; ++i) {
    r[i] = (svf_request){.size = sizeof(svf_request),
                         .prompt = prompt,
                         .prompt_count = golden_tokens(&g, "ids", 1, prompt),
                         .max_tokens = i == 0   ? 5
                                       : i == 1 ? 2
                                                : 0,
                         .ignore_end = true,
                         .on_token_context = &r[i],
                         .on_finish = remember};
  }
  ended_count = 0;
  ck_works(svf_generate(c, r, 3));
  ck_assert_uint_eq(ended_count, 3);
  /* the third one needs no sequence, so it waits for none */
  ck_assert(ended[0] == &r[2] && ended[1] == &r[1] && ended[2] == &r[0]);
  model->config.eos[0] = greedy[1];
  model->config.eos_count = 1;
  r[0].ignore_end = false;
  ended_count = 0;
  ck_works(svf_generate(c, r, 1));
  ck_assert_int_eq(r[0].finish, SVF_FINISH_END);
  ck_assert_uint_eq(ended_count, 1);
  r[0].max_tokens = 500000;
  ck_fails(svf_generate(c, r, 1), SVF_ERR_ARGUMENT, "requests[0]");
  ck_assert_uint_eq(ended_count, 1);
  svf_context_destroy(c);
  svf_model_close(model);
  svf_safetensors_close(g.file);
}
END_TEST

static bool stop_at_pass(void *context) { return --*(int *)context == 0; }

/* Before the second pass: the first request has one token, the second one has read some of its
 * prompt, the third has not begun. */
START_TEST(a_stop_ends_all)
{
  golden g = golden_open("llama3");
  svf_model *model = NULL;
  svf_context *c = NULL;
  int32_t prompt[LONGEST];
  int passes = 2;
  const size_t n = golden_tokens(&g, "ids", 1, prompt);
  ck_assert_uint_gt(n, 1);
  ck_works(svf_model_open(g.dir, NULL, &model));
  ck_works(svf_context_create(model,
                              &(svf_context_options){.size = sizeof(svf_context_options),
                                                     .sequences = 2,
                                                     .rows = n + 1,
                                                     .stop = stop_at_pass,
                                                     .stop_context = &passes},
                              &c));
  svf_request r[3];
  for (int i = 0; i < 3; ++i) {
    r[i] = (svf_request){.size = sizeof(svf_request),
                         .prompt = prompt,
                         .prompt_count = n,
                         .max_tokens = 5,
                         .ignore_end = true,
                         .on_token_context = &r[i],
                         .on_finish = remember};
  }
  ended_count = 0;
  ck_fails(svf_generate(c, r, 3), SVF_ERR_STOPPED, "stopped");
  ck_assert_uint_eq(ended_count, 2);
  ck_assert(ended[0] == &r[0] && ended[1] == &r[1]);
  for (int i = 0; i < 3; ++i) {
    ck_assert_int_eq(r[i].finish, SVF_FINISH_CALLER);
    ck_assert_uint_eq(r[i].count, i == 0);
  }
  passes = 1;
  ended_count = 0;
  ck_fails(svf_generate(c, r, 3), SVF_ERR_STOPPED, "stopped");
  ck_assert_uint_eq(ended_count, 0);
  passes = 6; /* nobody is asked when all is done */
  ck_works(svf_generate(c, r, 1));
  ck_assert_int_eq(r[0].finish, SVF_FINISH_LENGTH);
  ck_assert_int_eq(passes, 1);
  svf_context_destroy(c);
  svf_model_close(model);
  svf_safetensors_close(g.file);
}
END_TEST

START_TEST(ends_of_texts_and_misuse)
{
  golden g = golden_open("llama3");
  svf_model *model = NULL;
  svf_context *c = NULL;
  svf_model_info info = {.size = sizeof info};
  int32_t prompt[LONGEST], greedy[LONGEST], tokens[TOKENS];
  int seen = 0;
  ck_works(svf_model_open(g.dir, NULL, &model));
  ck_works(svf_model_get_info(model, &info));
  ck_works(svf_context_create(
      model, &(svf_context_options){.size = sizeof(svf_context_options), .tokens = 128}, &c));
  svf_sampling sampling = {.size = sizeof sampling, .temperature = -1};
  svf_request r = {
      .size = sizeof r, .prompt = prompt, .prompt_count = golden_tokens(&g, "ids", 1, prompt)};
  golden_tokens(&g, "greedy", 1, greedy);
  r.max_tokens = TOKENS;
  r.tokens = tokens;
  r.ignore_end = true;
  r.on_token = stop_at_third;
  r.on_token_context = &seen;
  ck_works(svf_generate(c, &r, 1));
  ck_assert_uint_eq(r.count, 3);
  ck_assert_int_eq(r.finish, SVF_FINISH_CALLER);
  ck_assert_mem_eq(tokens, greedy, 3 * sizeof *tokens);
  r.on_token = NULL;
  r.max_tokens = 0;
  ck_works(svf_generate(c, &r, 1));
  ck_assert_uint_eq(r.count, 0);
  r.max_tokens = 500;
  ck_fails(svf_generate(c, &r, 1), SVF_ERR_ARGUMENT, "requests[0]");
  r.max_tokens = 1;
  r.prompt_count = 0;
  ck_fails(svf_generate(c, &r, 1), SVF_ERR_ARGUMENT, "empty prompt");
  r.prompt_count = 1;
  r.sampling = &sampling;
  ck_fails(svf_generate(c, &r, 1), SVF_ERR_ARGUMENT, "requests[0]: temperature is -1");
  r.sampling = NULL;
  /* Nothing is generated for the first if the second is wrong, and results are never stale. */
  svf_request two[2] = {r, r};
  two[0].count = two[1].count = 7;
  two[1].gains = &(float){1};
  ck_fails(svf_generate(c, two, 2), SVF_ERR_ARGUMENT, "requests[1]: gains are given");
  ck_assert_uint_eq(two[0].count + two[1].count, 0);
  two[1].gains = NULL;
  two[1].prompt = (int32_t[]){3, (int32_t)info.vocab};
  two[1].prompt_count = 2;
  ck_fails(svf_generate(c, two, 2), SVF_ERR_ARGUMENT, "requests[1].prompt[1] is 128");
  ck_assert_uint_eq(two[0].count, 0);
  svf_context_destroy(c);
  svf_model_close(model);
  svf_safetensors_close(g.file);
}
END_TEST

SUITE("generate", draws_follow_the_distribution, extremes_of_sampling,
      texts_do_not_depend_on_the_company, requests_say_when_they_end, a_stop_ends_all,
      ends_of_texts_and_misuse)
