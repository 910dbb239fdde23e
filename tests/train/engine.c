/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts in passes of any size: gradients and log-probabilities have the same bits, and these are
 * the bits that were reported when the texts were generated. */
#include "src/train/engine.h"

#include <svf/generate.h>
#include <svf/score.h>

#include "tests/transformer/made.h"

enum { TEXTS = 9, PROMPT = 11, NEW = 70, LONGEST = PROMPT + NEW };

/* A prompt, what was generated after it, and what was reported meanwhile. */
typedef struct rollout {
  int32_t tokens[LONGEST];
  size_t prompt, count;
  double reported[NEW], log_probabilities[LONGEST];
  svf_sampling sampling;
  float *gains, *gradient;
} rollout;

static svf_model *model;
static rollout rollouts[TEXTS];

/* Prompts of all lengths up to PROMPT, some with a common beginning, and texts of any length. */
static void make_rollouts(void)
{
  uint64_t state = 77;
  const size_t gains = svf_model_modules(model)->gains;
  for (unsigned i = 0; i < TEXTS; ++i) {
    rollout *r = &rollouts[i];
    *r = (rollout){.prompt = 1 + i * 5 % PROMPT, .count = 1 + i * 37 % NEW};
    r->sampling = (svf_sampling){
        .size = sizeof r->sampling, .temperature = i % 3 ? 1 : 0.6f, .seed = 1000 + i};
    r->gains = i % 4 == 3 ? NULL : made_gains(model, i % 4);
    r->gradient = calloc(gains, sizeof *r->gradient);
    for (size_t k = 0; k < r->prompt; ++k) {
      r->tokens[k] = (int32_t)(i % 2 ? k : made_below(&state, MADE_VOCAB));
    }
  }
}

static void free_rollouts(void)
{
  for (size_t i = 0; i < TEXTS; ++i) {
    free(rollouts[i].gains);
    free(rollouts[i].gradient);
  }
}

/* All at once, on a cache that is cold at first and then holds their beginnings. */
static void generate(size_t sequences, size_t rows, size_t threads)
{
  svf_context *context;
  svf_request requests[TEXTS];
  const svf_context_options o = {
      .size = sizeof o, .sequences = sequences, .tokens = 1200, .rows = rows, .threads = threads};
  ck_works(svf_context_create(model, &o, &context));
  for (int time = 0; time < 2; ++time) {
    for (size_t i = 0; i < TEXTS; ++i) {
      rollout *r = &rollouts[i];
      requests[i] = (svf_request){.size = sizeof *requests,
                                  .prompt = r->tokens,
                                  .prompt_count = r->prompt,
                                  .gains = r->gains,
                                  .sampling = &r->sampling,
                                  .max_tokens = r->count,
                                  .ignore_end = true,
                                  .tokens = r->tokens + r->prompt,
                                  .log_probabilities = r->reported};
    }
    ck_works(svf_generate(context, requests, TEXTS));
  }
  svf_context_destroy(context);
}

/* Runs rollouts [begin, end). */
static void run(size_t begin, size_t end, size_t rows, size_t threads)
{
  svf_engine *engine;
  svf_example examples[TEXTS];
  const svf_engine_options o = {.rows = rows, .threads = threads};
  ck_works(svf_engine_create(model, &o, &engine));
  for (size_t i = begin; i < end; ++i) {
    rollout *r = &rollouts[i];
    memset(r->gradient, 0, svf_model_modules(model)->gains * sizeof *r->gradient);
    examples[i] = (svf_example){.tokens = r->tokens,
                                .count = r->prompt + r->count,
                                .first = r->prompt,
                                .temperature = r->sampling.temperature,
                                .gains = r->gains,
                                .gradient = r->gradient,
                                .log_probabilities = r->log_probabilities};
  }
  ck_works(svf_engine_run(engine, examples + begin, end - begin, NULL));
  svf_engine_destroy(engine);
}

static void ck_on_policy(void)
{
  for (size_t i = 0; i < TEXTS; ++i) {
    const rollout *r = &rollouts[i];
    ck_assert_mem_eq(r->log_probabilities, r->reported, r->count * sizeof *r->reported);
  }
}

/* The log-probabilities of the training pass are those of the rollout, whatever divided either. */
START_TEST(on_policy_to_the_bit)
{
  static const size_t shapes[][3] = {{1, 1, 1}, {TEXTS, 200, 2}, {3, 7, 3}, {TEXTS, 9, 1}};
  for (size_t f = 0; f < svf_format_count(); ++f) {
    if (svf_format_at(f) == SVF_FORMAT_W84) continue; /* whose ranks here are too small */
    model = made_model(svf_format_at(f));
    make_rollouts();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      generate(shapes[i][0], shapes[i][1], shapes[i][2]);
      run(0, TEXTS, LONGEST + 100 * i, 1 + i);
      ck_on_policy();
    }
    free_rollouts();
    svf_model_close(model);
  }
}
END_TEST

/* Gradients, too, for texts one by one and in passes of any size, on any number of threads. */
START_TEST(gradients_have_the_same_bits)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16_SPLIT, SVF_FORMAT_W4};
  float *want[TEXTS];
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    model = made_model(formats[f]);
    const size_t bytes = svf_model_modules(model)->gains * sizeof(float);
    make_rollouts();
    generate(TEXTS, 200, 2);
    for (size_t i = 0; i < TEXTS; ++i) {
      run(i, i + 1, LONGEST, 1);
      want[i] = malloc(bytes);
      memcpy(want[i], rollouts[i].gradient, bytes);
    }
    for (size_t threads = 1; threads <= 7; threads += 2) {
      run(0, TEXTS, LONGEST + 40 * threads, threads);
      for (size_t i = 0; i < TEXTS; ++i) ck_assert_mem_eq(rollouts[i].gradient, want[i], bytes);
    }
    for (size_t i = 0; i < TEXTS; ++i) free(want[i]);
    free_rollouts();
    svf_model_close(model);
  }
}
END_TEST

START_TEST(examples_are_checked)
{
  svf_engine *engine;
  const int32_t tokens[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, beyond[] = {1, MADE_VOCAB};
  double results[10];
  model = made_model(SVF_FORMAT_F32);
  svf_engine_options o = {.rows = 0};
  ck_fails(svf_engine_create(model, &o, &engine), SVF_ERR_ARGUMENT, "rows is 0");
  o.rows = 8;
  ck_works(svf_engine_create(model, &o, &engine));
  const svf_example good = {.tokens = tokens, .count = 9, .first = 1, .log_probabilities = results};
  svf_example x[2] = {good, good};
  ck_works(svf_engine_run(engine, x, 2, NULL));
  x[1].count = 10;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_ARGUMENT, "examples[1]");
  x[1] = good;
  x[1].first = 0;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_ARGUMENT, "first is 0");
  x[1].first = 9;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_ARGUMENT, "first is 9");
  x[1] = good;
  x[1].count = 1;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_ARGUMENT, "count is 1");
  x[1] = good;
  x[1].tokens = beyond;
  x[1].count = 2;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_ARGUMENT, "tokens[1]");
  x[1].tokens = NULL;
  ck_fails(svf_engine_run(engine, x, 2, NULL), SVF_ERR_NULL, "tokens is NULL");
  ck_works(svf_engine_run(engine, x, 0, NULL));
  svf_engine_destroy(engine);
  svf_engine_destroy(NULL);
  svf_model_close(model);
}
END_TEST

SUITE("train_engine", on_policy_to_the_bit, gradients_have_the_same_bits, examples_are_checked)
