/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts on few rows and sequences: who gets them, how long a text may be, and what the
 * sequences are left with. */
#include <svf/generate.h>
#include <svf/score.h>

#include "src/transformer/context.h"
#include "tests/transformer/made.h"

enum { TEXTS = 6, LONG = 150, TOKENS = 40 };

static svf_model *model;
static int32_t prompt[TEXTS][LONG];
static svf_request request[TEXTS];
static size_t got[TEXTS];  /* tokens of each text so far */
static size_t most_behind; /* the most by which one text was behind another one */

/* Texts of different tokens, with nothing in common. */
static svf_context *setup(size_t sequences, size_t tokens, size_t rows)
{
  svf_context *c = NULL;
  const svf_context_options o = {
      .size = sizeof o, .sequences = sequences, .tokens = tokens, .rows = rows, .threads = 1};
  model = made_model(SVF_FORMAT_F32);
  ck_works(svf_context_create(model, &o, &c));
  for (size_t i = 0; i < TEXTS; ++i) {
    got[i] = 0;
    for (size_t k = 0; k < LONG; ++k) prompt[i][k] = (int32_t)((i + 1 + k * (i + 3)) % MADE_VOCAB);
    request[i] = (svf_request){.size = sizeof *request,
                               .prompt = prompt[i],
                               .prompt_count = 1,
                               .max_tokens = TOKENS,
                               .ignore_end = true,
                               .on_token_context = &got[i]};
  }
  most_behind = 0;
  return c;
}

static void teardown(svf_context *c)
{
  svf_context_destroy(c);
  svf_model_close(model);
}

/* --- Turns ------------------------------------------------------------------------------------ */

static bool compare(void *context, int32_t token)
{
  const size_t own = ++*(size_t *)context;
  (void)token;
  for (size_t i = 0; i < TEXTS; ++i) {
    if (own > got[i] && own - got[i] > most_behind) most_behind = own - got[i];
  }
  return false;
}

/* With any number of rows, texts that begin together stay together, but for the passes that read
 * their prompts. */
START_TEST(tokens_take_turns)
{
  for (size_t rows = 1; rows <= TEXTS + 1; ++rows) {
    svf_context *c = setup(TEXTS, 1000, rows);
    for (size_t i = 0; i < TEXTS; ++i) request[i].on_token = compare;
    ck_works(svf_generate(c, request, TEXTS));
    ck_assert_msg(most_behind <= TEXTS / 2, "%zu rows: %zu tokens behind", rows, most_behind);
    teardown(c);
  }
}
END_TEST

static size_t others_at_first; /* tokens of all other texts when the first one got one */

static bool note_others(void *context, int32_t token)
{
  size_t *own = context;
  (void)token;
  if (++*own == 1) {
    others_at_first = 0;
    for (size_t i = 0; i < TEXTS; ++i) others_at_first += &got[i] == own ? 0 : got[i];
  }
  return false;
}

static bool count_token(void *context, int32_t token)
{
  (void)token;
  ++*(size_t *)context;
  return false;
}

/* Running texts fill a pass; a prompt is read beside them nevertheless. */
START_TEST(prompts_are_read_while_texts_run)
{
  enum { ROWS = 3, PROMPT = 20 };
  svf_context *c = setup(TEXTS, 1000, ROWS);
  for (size_t i = 0; i < TEXTS; ++i) request[i].on_token = count_token;
  request[TEXTS - 1].prompt_count = PROMPT;
  request[TEXTS - 1].on_token = note_others;
  ck_works(svf_generate(c, request, TEXTS));
  ck_assert_uint_le(others_at_first, (PROMPT + TEXTS) * (ROWS - 1));
  teardown(c);
}
END_TEST

/* A long prompt in the first sequence does not keep short ones waiting. */
START_TEST(prompts_take_turns)
{
  enum { ROWS = 4, PROMPT = 6 };
  for (size_t at = 0; at < TEXTS; ++at) {
    svf_context *c = setup(TEXTS, 1000, ROWS);
    for (size_t i = 0; i < TEXTS; ++i) {
      request[i].on_token = count_token;
      request[i].prompt_count = PROMPT;
      request[i].max_tokens = 1;
    }
    request[at].prompt_count = LONG;
    request[at].on_token = note_others;
    ck_works(svf_generate(c, request, TEXTS));
    ck_assert_uint_eq(others_at_first, TEXTS - 1);
    teardown(c);
  }
}
END_TEST

static size_t ended[TEXTS], ended_count; /* texts in the order of their ends */

static void note_end(void *context) { ended[ended_count++] = (size_t)((size_t *)context - got); }

/* A text for which a pass has no row left comes first in the next one, before new texts. */
START_TEST(no_text_is_passed_over)
{
  enum { ROWS = 4 };
  svf_context *c = setup(2, 1000, ROWS);
  for (size_t i = 0; i < TEXTS; ++i) {
    request[i].prompt_count = ROWS;
    request[i].max_tokens = 1;
    request[i].on_finish = note_end;
  }
  ended_count = 0;
  ck_works(svf_generate(c, request, TEXTS));
  ck_assert_uint_eq(ended_count, TEXTS);
  for (size_t i = 0; i < TEXTS; ++i) ck_assert_uint_eq(ended[i], i);
  teardown(c);
}
END_TEST

/* Nor does a long text that is scored. */
START_TEST(scored_texts_take_turns)
{
  static double result[TEXTS][LONG];
  svf_score_request r[TEXTS];
  svf_context *c = setup(TEXTS, 1000, 4);
  for (size_t i = 0; i < TEXTS; ++i) {
    r[i] = (svf_score_request){.size = sizeof *r,
                               .tokens = prompt[i],
                               .count = i == 0 ? LONG : 8,
                               .first = 1,
                               .on_finish = note_end,
                               .on_finish_context = &got[i],
                               .log_probabilities = result[i]};
  }
  ended_count = 0;
  ck_works(svf_score(c, r, TEXTS));
  ck_assert_uint_eq(ended_count, TEXTS);
  ck_assert_uint_eq(ended[TEXTS - 1], 0);
  teardown(c);
}
END_TEST

/* --- Room ------------------------------------------------------------------------------------- */

/* The positions that are asked for are rounded up to whole KV blocks, and all can be filled. */
START_TEST(a_text_can_fill_the_last_block)
{
  enum { ASKED = 100, WHOLE = 2 * SVF_KV_BLOCK };
  int32_t tokens[WHOLE + 1];
  svf_context *c = setup(1, ASKED, 0);
  ck_assert_uint_eq(svf_context_capacity(c), WHOLE);
  request[0].max_tokens = WHOLE; /* of which the last one is not read */
  request[0].tokens = tokens;
  ck_works(svf_generate(c, request, 1));
  ck_assert_uint_eq(request[0].count, WHOLE);
  ck_assert_uint_eq(svf_context_length(c, 0), WHOLE);
  ck_fails(svf_context_forward(c, &(svf_row){0, 1, false}, 1, NULL), SVF_ERR_SPACE, "limit 128");
  request[0].max_tokens = WHOLE + 1;
  ck_fails(svf_generate(c, request, 1), SVF_ERR_ARGUMENT, "the 128 positions of the context");
  teardown(c);
  c = setup(1, MADE_CONTEXT + 300, 0); /* never more than the model's context */
  ck_assert_uint_eq(svf_context_capacity(c), MADE_CONTEXT);
  teardown(c);
}
END_TEST

/* --- Gains ------------------------------------------------------------------------------------ */

static bool stop_at_once(void *context) { return ++*(int *)context == 3; }

/* A sequence that an expert filled, and a fork of it, need gains again; others do not. */
static void check_left(svf_context *c, const float *gains, const float *others)
{
  const svf_row row = {0, 1, false}, fork = {2, 1, false};
  const size_t length = svf_context_length(c, 0);
  ck_assert_uint_gt(length, 0);
  ck_fails(svf_context_forward(c, &row, 1, NULL), SVF_ERR_ARGUMENT, "rows[0].sequence is 0, which");
  ck_assert_uint_eq(svf_context_length(c, 0), length);
  ck_works(svf_context_fork(c, 0, 2, 1));
  ck_fails(svf_context_forward(c, &fork, 1, NULL), SVF_ERR_ARGUMENT,
           "left without its gains by svf_generate or svf_score: call svf_context_begin");
  ck_fails(svf_context_resume(c, 0, NULL), SVF_ERR_ARGUMENT, "was filled with gains");
  ck_fails(svf_context_resume(c, 0, others), SVF_ERR_ARGUMENT, "was filled with gains");
  ck_works(svf_context_resume(c, 0, gains));
  ck_works(svf_context_forward(c, &row, 1, NULL));
  ck_works(svf_context_resume(c, 2, gains));
  ck_works(svf_context_forward(c, &fork, 1, NULL));
  ck_works(svf_context_forward(c, &(svf_row){1, 1, false}, 1, NULL)); /* of the base model */
}

START_TEST(sequences_are_left_without_gains)
{
  int asked = 0;
  svf_context *c = setup(3, 1000, 8);
  float *gains = made_gains(model, 1), *others = made_gains(model, 2);
  ck_works(svf_context_begin(c, 2, others, NULL, 0, NULL)); /* in no request's use */
  request[0].gains = gains;
  ck_works(svf_generate(c, request, 2));
  ck_works(svf_context_forward(c, &(svf_row){2, 1, false}, 1, NULL));
  check_left(c, gains, others);
  for (size_t s = 0; s < 3; ++s) svf_context_end(c, s);
  c->stop = stop_at_once;
  c->stop_context = &asked;
  ck_fails(svf_generate(c, request, 2), SVF_ERR_STOPPED, "stopped");
  check_left(c, gains, others);
  for (size_t s = 0; s < 3; ++s) svf_context_end(c, s);
  double result[2][9];
  svf_score_request r[2];
  for (size_t i = 0; i < 2; ++i) {
    r[i] = (svf_score_request){.size = sizeof *r,
                               .tokens = prompt[i],
                               .count = 10,
                               .first = 1,
                               .gains = i == 0 ? gains : NULL,
                               .log_probabilities = result[i]};
  }
  ck_works(svf_score(c, r, 2));
  check_left(c, gains, others);
  free(gains);
  free(others);
  teardown(c);
}
END_TEST

SUITE("batch", tokens_take_turns, prompts_are_read_while_texts_run, prompts_take_turns,
      no_text_is_passed_over, scored_texts_take_turns, a_text_can_fill_the_last_block,
      sequences_are_left_without_gains)
