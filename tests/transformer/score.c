/* SPDX-License-Identifier: Apache-2.0
 *
 * Log-probabilities: of a row of logits, of an end token, and what is refused. */
#include <math.h>

#include <svf/generate.h>
#include <svf/score.h>

#include "tests/transformer/made.h"

static svf_model *model;

/* --- One token -------------------------------------------------------------------------------- */

static double reference(const float *x, size_t n, size_t token, double temperature)
{
  double max = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; ++i) max = fmax(max, (double)x[i]);
  for (size_t i = 0; i < n; ++i) sum += exp(((double)x[i] - max) / temperature);
  return ((double)x[token] - max) / temperature - log(sum);
}

/* Sizes on both sides of lanes and blocks of sums; large logits; masked ones. */
START_TEST(log_probabilities_are_those_of_double_precision)
{
  static const size_t sizes[] = {1, 2, 15, 16, 17, 1023, 1024, 1025, 5000};
  static const float temperatures[] = {0, 1, 0.1f, 0.7f, 2, 1e-3f, 1e6f};
  uint64_t state = 3;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
    const size_t n = sizes[k];
    float *x = made_floats(n, 20, &state);
    for (size_t i = 1; i < n; i += 5) x[i] = -INFINITY;
    for (size_t i = 1024; i < n && i < 2048; ++i) x[i] = -INFINITY; /* a whole block */
    for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; ++t) {
      const float temperature = temperatures[t] > 0 ? temperatures[t] : 1;
      for (size_t token = 0; token < n; token += 1 + n / 7) {
        double got = 7;
        ck_works(svf_log_probability(x, n, (int32_t)token, temperatures[t], &got));
        const double want = reference(x, n, token, (double)temperature);
        ck_assert_msg(isinf(want) ? got < -1e300 : fabs(got - want) < 1e-5 * (1 + fabs(want)),
                      "n = %zu, token %zu, temperature %g: %g, not %g", n, token,
                      (double)temperature, got, want);
      }
    }
    free(x);
  }
}
END_TEST

START_TEST(rows_without_a_distribution_are_refused)
{
  const float some[3] = {0, 1, 2}, nan[2] = {0, NAN}, inf[2] = {0, INFINITY};
  const float none[2] = {-INFINITY, -INFINITY};
  double p = 0;
  ck_fails(svf_log_probability(NULL, 3, 0, 1, &p), SVF_ERR_NULL, "logits");
  ck_fails(svf_log_probability(some, 3, 0, 1, NULL), SVF_ERR_NULL, "log_probability");
  ck_fails(svf_log_probability(some, 0, 0, 1, &p), SVF_ERR_ARGUMENT, "vocab is 0");
  ck_fails(svf_log_probability(some, 3, 3, 1, &p), SVF_ERR_ARGUMENT, "token is 3");
  ck_fails(svf_log_probability(some, 3, -1, 1, &p), SVF_ERR_ARGUMENT, "token is -1");
  ck_fails(svf_log_probability(some, 3, 0, -1, &p), SVF_ERR_ARGUMENT, "temperature is -1");
  ck_fails(svf_log_probability(some, 3, 0, INFINITY, &p), SVF_ERR_ARGUMENT, "temperature is inf");
  ck_fails(svf_log_probability(nan, 2, 0, 1, &p), SVF_ERR_NUMERIC, "token 1 is NaN");
  ck_fails(svf_log_probability(inf, 2, 0, 1, &p), SVF_ERR_NUMERIC, "inf");
  ck_fails(svf_log_probability(none, 2, 0, 1, &p), SVF_ERR_NUMERIC, "-inf");
}
END_TEST

/* --- Texts ------------------------------------------------------------------------------------ */

enum { PROMPT = 5, TOKENS = 12 };

static bool stopped(void *context)
{
  const size_t *left = context;
  return *left == 0;
}

static size_t stop_left;

static svf_context *open_context(svf_format format)
{
  const svf_context_options o = {.size = sizeof o,
                                 .sequences = 2,
                                 .tokens = 128,
                                 .rows = 8,
                                 .stop = stopped,
                                 .stop_context = &stop_left};
  svf_context *c = NULL;
  model = made_model(format);
  stop_left = 1;
  ck_works(svf_context_create(model, &o, &c));
  return c;
}

static void close_context(svf_context *c)
{
  svf_context_destroy(c);
  svf_model_close(model);
}

/* It belongs to the likelihood of a text, and so it is reported, uncounted. */
START_TEST(an_end_token_has_a_log_probability)
{
  static const int32_t prompt[PROMPT] = {1, 2, 3, 4, 5};
  int32_t tokens[TOKENS], whole[PROMPT + TOKENS] = {1, 2, 3, 4, 5};
  double reported[TOKENS], scored[TOKENS];
  svf_context *c = open_context(SVF_FORMAT_F32);
  const svf_sampling sampling = {.size = sizeof sampling, .temperature = 1.5f, .seed = 3};
  svf_request r = {.size = sizeof r,
                   .prompt = prompt,
                   .prompt_count = PROMPT,
                   .sampling = &sampling,
                   .max_tokens = TOKENS,
                   .tokens = tokens,
                   .log_probabilities = reported};
  ck_works(svf_generate(c, &r, 1));
  ck_assert_uint_eq(r.count, TOKENS);
  size_t at = TOKENS - 1;
  while (tokens[at] == tokens[0] && at > 0) --at;
  model->config.eos[0] = tokens[at];
  model->config.eos_count = 1;
  ck_works(svf_generate(c, &r, 1));
  ck_assert_int_eq(r.finish, SVF_FINISH_END);
  ck_assert_uint_le(r.count, at);
  ck_assert_int_eq(tokens[r.count], model->config.eos[0]);
  memcpy(whole + PROMPT, tokens, (r.count + 1) * sizeof *tokens);
  const svf_score_request s = {.size = sizeof s,
                               .tokens = whole,
                               .count = PROMPT + r.count + 1,
                               .first = PROMPT,
                               .temperature = 1.5f,
                               .log_probabilities = scored};
  ck_works(svf_score(c, &s, 1));
  ck_assert_mem_eq(scored, reported, (r.count + 1) * sizeof *scored);
  close_context(c);
}
END_TEST

static void count_one(void *context) { ++*(int *)context; }

START_TEST(misuse_is_refused_before_anything_is_scored)
{
  static const int32_t tokens[4] = {1, 2, 3, 4}, beyond[2] = {1, MADE_VOCAB};
  static const int32_t many[131];
  double result[130];
  int finished = 0;
  svf_context *c = open_context(SVF_FORMAT_F32);
  const svf_score_request good = {.size = sizeof good,
                                  .tokens = tokens,
                                  .count = 4,
                                  .first = 1,
                                  .on_finish = count_one,
                                  .on_finish_context = &finished,
                                  .log_probabilities = result};
  svf_score_request r[2] = {good, good};
  ck_fails(svf_score(NULL, r, 2), SVF_ERR_NULL, "context");
  ck_fails(svf_score(c, NULL, 2), SVF_ERR_NULL, "requests");
  ck_works(svf_score(c, NULL, 0));
  r[1].size = 3;
  ck_fails(svf_score(c, r, 2), SVF_ERR_VERSION, "requests[1].size is 3");
  r[1] = good;
  r[1].tokens = NULL;
  ck_fails(svf_score(c, r, 2), SVF_ERR_NULL, "requests[1]: tokens");
  r[1] = good;
  r[1].log_probabilities = NULL;
  ck_fails(svf_score(c, r, 2), SVF_ERR_NULL, "requests[1]: log_probabilities");
  r[1] = good;
  r[1].count = 1;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "requests[1]: a text of fewer than two");
  r[1] = good;
  r[1].first = 0;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "requests[1]: first is 0, not from 1 to 3");
  r[1].first = 4;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "first is 4");
  r[1] = good;
  r[1].tokens = beyond;
  r[1].count = 2;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "requests[1]: tokens[1] is 97");
  r[1] = good;
  r[1].temperature = -2;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "requests[1]: temperature is -2");
  r[1] = good;
  r[1].tokens = many;
  r[1].count = 130;
  ck_fails(svf_score(c, r, 2), SVF_ERR_ARGUMENT, "the context has room for 128");
  ck_assert_int_eq(finished, 0);
  r[1].count = 129; /* the last token is not read */
  ck_works(svf_score(c, r, 2));
  ck_assert_int_eq(finished, 2);
  stop_left = 0;
  ck_fails(svf_score(c, r, 2), SVF_ERR_STOPPED, "stopped");
  ck_assert_int_eq(finished, 2);
  close_context(c);
}
END_TEST

START_TEST(logits_that_are_no_numbers_are_named)
{
  static const int32_t tokens[4] = {1, 2, 3, 4};
  double result[3];
  svf_context *c = open_context(SVF_FORMAT_F32);
  float *gains = made_gains(model, 1);
  gains[0] = NAN;
  svf_score_request r[2] = {
      {.size = sizeof *r, .tokens = tokens, .count = 4, .first = 2, .log_probabilities = result}};
  r[1] = r[0];
  r[1].gains = gains;
  ck_fails(svf_score(c, r, 2), SVF_ERR_NUMERIC, "requests[1]: tokens[2]: the logit of token");
  free(gains);
  close_context(c);
}
END_TEST

/* Programs of a later version, whose structs are longer, in arrays of their own step. */
START_TEST(longer_requests_are_understood)
{
  static const int32_t tokens[4] = {1, 2, 3, 4};
  double result[2][3];
  struct {
    svf_score_request known;
    size_t later;
  } r[2];
  svf_context *c = open_context(SVF_FORMAT_F32);
  memset(r, 0, sizeof r);
  for (int i = 0; i < 2; ++i) {
    r[i].known = (svf_score_request){.size = sizeof *r,
                                     .tokens = tokens,
                                     .count = 4,
                                     .first = 1,
                                     .log_probabilities = result[i]};
  }
  ck_works(svf_score(c, &r[0].known, 2));
  ck_assert_mem_eq(result[0], result[1], sizeof *result);
  r[1].later = 1;
  ck_fails(svf_score(c, &r[0].known, 2), SVF_ERR_VERSION, "requests[1]: request->size");
  struct {
    svf_request known;
    size_t later;
  } g[2];
  memset(g, 0, sizeof g);
  for (int i = 0; i < 2; ++i) {
    g[i].known = (svf_request){
        .size = sizeof *g, .prompt = tokens, .prompt_count = 4, .max_tokens = 2 + (size_t)i};
  }
  ck_works(svf_generate(c, &g[0].known, 2));
  ck_assert(g[0].known.count == 2 && g[1].known.count == 3);
  close_context(c);
}
END_TEST

SUITE("score", log_probabilities_are_those_of_double_precision,
      rows_without_a_distribution_are_refused, an_end_token_has_a_log_probability,
      misuse_is_refused_before_anything_is_scored, logits_that_are_no_numbers_are_named,
      longer_requests_are_understood)
