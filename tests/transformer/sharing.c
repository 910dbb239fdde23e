/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts at once, generated and scored: the bits of each alone, whatever they have in common at
 * their beginnings; and what is in common is read once. */
#include <math.h>

#include "tests/transformer/made.h"

#include <svf/generate.h>
#include <svf/score.h>

#include "src/transformer/context.h"

enum { TEXTS = 14, LENGTH = 160, TOKENS = 7, EXPERTS = 3 };

static svf_model *model;
static float *gains[EXPERTS]; /* [2] has the values of [1] */

static void setup(svf_format format)
{
  model = made_model(format);
  gains[0] = made_gains(model, 1);
  gains[1] = made_gains(model, 2);
  gains[2] = made_gains(model, 2);
}

static void teardown(void)
{
  for (int i = 0; i < EXPERTS; ++i) free(gains[i]);
  svf_model_close(model);
}

/* --- Texts ------------------------------------------------------------------------------------ */

typedef struct texts {
  size_t count;
  int32_t prompt[TEXTS][LENGTH];
  svf_sampling sampling[TEXTS];
  svf_request request[TEXTS];
  int32_t tokens[TEXTS][TOKENS];
  double log_probabilities[TEXTS][TOKENS];
} texts;

/* Each begins with a part of an earlier one, often a short one or all of it. */
static void fill_prompt(texts *t, size_t i, uint64_t *state)
{
  svf_request *r = &t->request[i];
  size_t kept = 0;
  r->prompt_count = 1 + made_below(state, made_below(state, 3) ? 20 : LENGTH);
  if (i > 0) {
    const size_t from = made_below(state, i), most = t->request[from].prompt_count;
    kept = made_below(state, 3) ? made_below(state, most + 1) : most;
    if (made_below(state, 2) && kept + 3 < LENGTH) r->prompt_count = kept + made_below(state, 3);
    if (r->prompt_count == 0) r->prompt_count = 1;
    if (kept > r->prompt_count) kept = r->prompt_count;
    memcpy(t->prompt[i], t->prompt[from], kept * sizeof(int32_t));
    r->gains = t->request[from].gains;
  }
  for (size_t k = kept; k < r->prompt_count; ++k) {
    t->prompt[i][k] = (int32_t)made_below(state, MADE_VOCAB);
  }
  const size_t expert = made_below(state, 12);
  if (i == 0 || expert < 4) r->gains = expert < EXPERTS ? gains[expert] : NULL;
}

static void fill(texts *t, uint64_t seed)
{
  uint64_t state = 0x9e3779b97f4a7c15u * (seed + 1);
  memset(t, 0, sizeof *t);
  t->count = 1 + made_below(&state, TEXTS);
  for (size_t i = 0; i < t->count; ++i) {
    const float temperature = (float)made_below(&state, 3) * 0.7f;
    t->sampling[i] = (svf_sampling){.size = sizeof *t->sampling,
                                    .temperature = temperature,
                                    .top_k = made_below(&state, 2) * 40,
                                    .seed = i};
    t->request[i] = (svf_request){.size = sizeof *t->request,
                                  .prompt = t->prompt[i],
                                  .sampling = &t->sampling[i],
                                  .max_tokens = made_below(&state, TOKENS + 1),
                                  .ignore_end = true,
                                  .tokens = t->tokens[i],
                                  .log_probabilities = t->log_probabilities[i]};
    fill_prompt(t, i, &state);
  }
}

static svf_context *context_of(const svf_context_options *options)
{
  svf_context *c = NULL;
  svf_context_options o = *options;
  o.size = sizeof o;
  ck_works(svf_context_create(model, &o, &c));
  return c;
}

/* Each by itself on a cold context. */
static void run_alone(texts *t)
{
  svf_context *c = context_of(&(svf_context_options){.threads = 1});
  for (size_t i = 0; i < t->count; ++i) {
    svf_context_end(c, 0);
    ck_works(svf_generate(c, &t->request[i], 1));
  }
  svf_context_destroy(c);
}

static void clear_results(texts *t)
{
  memset(t->tokens, 0, sizeof t->tokens);
  memset(t->log_probabilities, 0, sizeof t->log_probabilities);
}

static void check_same(const texts *got, const texts *want)
{
  ck_assert_mem_eq(got->tokens, want->tokens, sizeof got->tokens);
  ck_assert_mem_eq(got->log_probabilities, want->log_probabilities, sizeof got->log_probabilities);
  for (size_t i = 0; i < got->count; ++i) {
    ck_assert_uint_eq(got->request[i].count, want->request[i].max_tokens);
  }
}

/* The longest prompt and its tokens, in whole blocks: the least that a context can have. */
static size_t least_tokens(const texts *t)
{
  size_t most = 1;
  for (size_t i = 0; i < t->count; ++i) {
    const size_t positions = t->request[i].prompt_count + t->request[i].max_tokens;
    if (positions > most) most = positions;
  }
  return (most + SVF_KV_BLOCK - 1) / SVF_KV_BLOCK * SVF_KV_BLOCK;
}

/* --- Bits ------------------------------------------------------------------------------------- */

static void check_sizes(texts *t, const texts *want, uint64_t seed)
{
  uint64_t state = 77 + seed * 1000003;
  for (int k = 0; k < 4; ++k) {
    const size_t spare = made_below(&state, 3) ? made_below(&state, 4) * SVF_KV_BLOCK : 5000;
    const svf_context_options o = {.sequences = 1 + made_below(&state, 7),
                                   .tokens = least_tokens(t) + spare,
                                   .rows = 1 + made_below(&state, made_below(&state, 2) ? 8 : 99),
                                   .threads = 1 + made_below(&state, 3)};
    svf_context *c = context_of(&o);
    for (int warm = 0; warm < 3; ++warm) {
      clear_results(t);
      ck_works(svf_generate(c, t->request, t->count));
      check_same(t, want);
      if (warm == 1) svf_context_end(c, made_below(&state, o.sequences));
    }
    for (size_t s = 0; s < o.sequences; ++s) svf_context_end(c, s);
    ck_assert_uint_eq(c->kv.unused_count, c->kv.count);
    svf_context_destroy(c);
  }
}

/* For any order, sequences, room, rows and threads; cold and warm. */
START_TEST(texts_have_the_bits_of_each_alone)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16_SPLIT};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    setup(formats[f]);
    for (uint64_t seed = 0; seed < 40; ++seed) {
      static texts want, got;
      fill(&want, seed);
      fill(&got, seed);
      run_alone(&want);
      check_sizes(&got, &want, seed);
    }
    teardown();
  }
}
END_TEST

/* --- Reading once ----------------------------------------------------------------------------- */

static size_t passes;

static bool count_pass(void *unused)
{
  (void)unused;
  ++passes;
  return false;
}

static bool same_gains(const float *a, const float *b)
{
  const size_t bytes = svf_model_modules(model)->gains * sizeof *a;
  return a == b || (a && b && memcmp(a, b, bytes) == 0);
}

/* Rows that requests take if none of them reads what an earlier one has read. */
static size_t least_rows(const texts *t)
{
  size_t rows = 0;
  for (size_t i = 0; i < t->count; ++i) {
    const svf_request *r = &t->request[i];
    size_t most = 0;
    for (size_t j = 0; j < i; ++j) {
      const svf_request *o = &t->request[j];
      size_t k = 0;
      if (!same_gains(r->gains, o->gains)) continue;
      while (k + 1 < r->prompt_count && k < o->prompt_count && r->prompt[k] == o->prompt[k]) ++k;
      if (k > most) most = k;
    }
    rows += r->prompt_count - most + r->max_tokens - 1;
  }
  return rows;
}

/* In passes of one row, of which the context's stop hears. Few sequences for many groups. */
START_TEST(what_is_common_is_read_once)
{
  setup(SVF_FORMAT_F32);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    for (size_t sequences = 1; sequences <= 9; sequences += 2) {
      static texts t;
      fill(&t, seed);
      for (size_t i = 0; i < t.count; ++i) t.request[i].max_tokens |= 1;
      svf_context *c = context_of(&(svf_context_options){
          .sequences = sequences, .tokens = 5000, .rows = 1, .threads = 1, .stop = count_pass});
      passes = 0;
      ck_works(svf_generate(c, t.request, t.count));
      const size_t asked = passes;
      ck_assert_msg(asked == least_rows(&t), "seed %d, %zu sequences: %zu rows instead of %zu",
                    (int)seed, sequences, asked, least_rows(&t));
      svf_context_destroy(c);
    }
  }
  teardown();
}
END_TEST

/* 128 texts: one pass for the leader, one for what is left of all the others, then tokens. Beside
 * them a text with little in common waits for nobody. */
START_TEST(followers_wait_a_pass_and_others_do_not)
{
  enum { MANY = 128, COMMON = 44, OWN = 3, NEW = 2 };
  static int32_t prompt[MANY + 1][COMMON + OWN];
  static svf_request r[MANY + 1];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i <= MANY; ++i) {
    for (size_t k = 0; k < COMMON + OWN; ++k) {
      const size_t text = k < COMMON ? i / MANY : i + 2;
      prompt[i][k] = (int32_t)((text * 29 + k * k * (k < COMMON ? 1 : text % 11 + 1)) % MADE_VOCAB);
    }
    r[i] = (svf_request){.size = sizeof *r,
                         .prompt = prompt[i],
                         .prompt_count = COMMON + OWN,
                         .max_tokens = NEW,
                         .ignore_end = true};
  }
  prompt[MANY][0] = prompt[0][0];
  svf_context *c = context_of(&(svf_context_options){
      .sequences = MANY + 1, .tokens = (MANY + 1) * SVF_KV_BLOCK, .stop = count_pass});
  passes = 0;
  ck_works(svf_generate(c, r, MANY));
  ck_assert_uint_le(passes, 4);
  const size_t together = passes;
  for (size_t s = 0; s <= MANY; ++s) svf_context_end(c, s);
  passes = 0;
  ck_works(svf_generate(c, r, MANY + 1));
  ck_assert_uint_eq(passes, together);
  passes = 0;
  for (size_t s = 0; s <= MANY; ++s) svf_context_end(c, s);
  svf_request two[2] = {r[0], r[MANY]}; /* one token in common is not worth a pass */
  ck_works(svf_generate(c, two, 2));
  ck_assert_uint_eq(passes, NEW);
  passes = 0;
  for (size_t s = 0; s <= MANY; ++s) svf_context_end(c, s);
  two[1] = r[1]; /* 44 are */
  ck_works(svf_generate(c, two, 2));
  ck_assert_uint_eq(passes, NEW + 1);
  svf_context_destroy(c);
  teardown();
}
END_TEST

/* A long prefix and room for it once: all texts run beside each other nevertheless. */
START_TEST(a_shared_prefix_takes_its_room_once)
{
  enum { MANY = 6, COMMON = 300, NEW = 4, BLOCKS = (COMMON + SVF_KV_BLOCK - 1) / SVF_KV_BLOCK };
  static int32_t prompt[MANY][COMMON + 1];
  svf_request r[MANY];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i < MANY; ++i) {
    for (size_t k = 0; k < COMMON; ++k) prompt[i][k] = (int32_t)(k * k % MADE_VOCAB);
    prompt[i][COMMON] = (int32_t)i;
    r[i] = (svf_request){.size = sizeof *r,
                         .prompt = prompt[i],
                         .prompt_count = COMMON + 1,
                         .max_tokens = NEW,
                         .ignore_end = true};
  }
  svf_context *c = context_of(&(svf_context_options){
      .sequences = MANY, .tokens = (BLOCKS + MANY - 1) * SVF_KV_BLOCK, .stop = count_pass});
  passes = 0;
  ck_works(svf_generate(c, r, MANY));
  ck_assert_uint_eq(passes, NEW + 1);
  svf_context_destroy(c);
  /* Three at once: the first one ends at its first token, and the fourth one begins in its place
   * while the others hold the prefix. */
  c = context_of(&(svf_context_options){
      .sequences = 3, .tokens = (BLOCKS + 2) * SVF_KV_BLOCK, .stop = count_pass});
  r[0].max_tokens = 1;
  passes = 0;
  ck_works(svf_generate(c, r, 4));
  ck_assert_uint_eq(passes, NEW + 1);
  svf_context_destroy(c);
  teardown();
}
END_TEST

/* --- Ends ------------------------------------------------------------------------------------- */

static bool stop_now(void *left) { return --*(int *)left == 0; }

static bool at_second(void *count, int32_t token)
{
  (void)token;
  return ++*(int *)count == 2;
}

/* Whatever ends, the others have the same bits, and the context goes on with what it holds. */
START_TEST(ends_of_some_change_no_bit_of_others)
{
  setup(SVF_FORMAT_F32);
  for (uint64_t seed = 200; seed < 225; ++seed) {
    static texts want, got;
    int seen[TEXTS] = {0}, left = 1 + (int)(seed % 9);
    fill(&want, seed);
    fill(&got, seed);
    run_alone(&want);
    svf_context *c = context_of(&(svf_context_options){.sequences = 4,
                                                       .tokens = least_tokens(&got) + 128,
                                                       .rows = 16,
                                                       .stop = stop_now,
                                                       .stop_context = &left});
    const svf_status status = svf_generate(c, got.request, got.count);
    ck_assert(status == SVF_OK || status == SVF_ERR_STOPPED);
    left = -1;
    for (size_t i = 0; i < got.count; i += 3) {
      got.request[i].on_token = at_second;
      got.request[i].on_token_context = &seen[i];
    }
    clear_results(&got);
    ck_works(svf_generate(c, got.request, got.count));
    for (size_t i = 0; i < got.count; ++i) {
      const size_t n = got.request[i].count;
      ck_assert_mem_eq(got.tokens[i], want.tokens[i], n * sizeof **got.tokens);
      ck_assert_mem_eq(got.log_probabilities[i], want.log_probabilities[i], n * sizeof(double));
      if (i % 3 != 0 || n < 2) ck_assert_uint_eq(n, want.request[i].max_tokens);
    }
    svf_context_destroy(c);
  }
  teardown();
}
END_TEST

static void spoil(void *values)
{
  for (size_t i = 0; i < svf_model_modules(model)->gains; ++i) ((float *)values)[i] = NAN;
}

/* Gains belong to their request alone, even where they equal those of the text it continues. */
START_TEST(gains_are_not_needed_after_the_end)
{
  static const int32_t prompt[5] = {3, 1, 4, 1, 5};
  int32_t tokens[2][TOKENS];
  svf_request r[2];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i < 2; ++i) {
    r[i] = (svf_request){.size = sizeof *r,
                         .prompt = prompt,
                         .prompt_count = 5,
                         .gains = gains[1 + i],
                         .max_tokens = TOKENS,
                         .ignore_end = true,
                         .tokens = tokens[i]};
  }
  svf_context *c = context_of(&(svf_context_options){.sequences = 2, .tokens = 200, .rows = 5});
  ck_works(svf_generate(c, &r[1], 1));
  for (size_t s = 0; s < 2; ++s) svf_context_end(c, s);
  memcpy(tokens[0], tokens[1], sizeof tokens[0]);
  r[0].max_tokens = 1;
  r[0].tokens = NULL;
  r[0].on_finish = spoil;
  r[0].on_token_context = gains[1];
  ck_works(svf_generate(c, r, 2));
  ck_assert_mem_eq(tokens[0], tokens[1], sizeof tokens[0]);
  svf_context_destroy(c);
  teardown();
}
END_TEST

/* A text with nothing in common with what idle sequences hold takes the emptiest one. */
START_TEST(a_cache_that_may_be_wanted_again_stays)
{
  int32_t prompt[2][30];
  svf_request r[2];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i < 2; ++i) {
    for (size_t k = 0; k < 30; ++k) prompt[i][k] = (int32_t)(k + 40 * i);
    r[i] =
        (svf_request){.size = sizeof *r, .prompt = prompt[i], .prompt_count = 30, .max_tokens = 1};
  }
  svf_context *c = context_of(
      &(svf_context_options){.sequences = 2, .tokens = 200, .rows = 1, .stop = count_pass});
  ck_works(svf_generate(c, &r[0], 1));
  ck_works(svf_generate(c, &r[1], 1));
  passes = 0;
  ck_works(svf_generate(c, &r[0], 1));
  ck_assert_uint_eq(passes, 1);
  svf_context_destroy(c);
  teardown();
}
END_TEST

/* --- Scores ----------------------------------------------------------------------------------- */

typedef struct scores {
  size_t count;
  int32_t tokens[TEXTS][LENGTH + TOKENS];
  svf_score_request request[TEXTS];
  double result[TEXTS][LENGTH + TOKENS];
} scores;

/* The texts that were generated, whole, of which the ends, or more, are scored. */
static void take_texts(scores *s, const texts *t, uint64_t seed)
{
  uint64_t state = 4242 + seed;
  memset(s, 0, sizeof *s);
  for (size_t i = 0; i < t->count; ++i) {
    const svf_request *r = &t->request[i];
    const size_t n = r->prompt_count;
    if (n + r->count < 2) continue;
    svf_score_request *to = &s->request[s->count];
    memcpy(s->tokens[s->count], r->prompt, n * sizeof(int32_t));
    memcpy(s->tokens[s->count] + n, r->tokens, r->count * sizeof(int32_t));
    *to = (svf_score_request){.size = sizeof *to,
                              .tokens = s->tokens[s->count],
                              .count = n + r->count,
                              .first = 1 + made_below(&state, n),
                              .gains = r->gains,
                              .temperature = r->sampling->temperature,
                              .log_probabilities = s->result[s->count]};
    if (to->first >= to->count) to->first = to->count - 1;
    ++s->count;
  }
}

/* Row by row, through svf_context_forward. */
static void score_alone(scores *s)
{
  svf_context *c = context_of(&(svf_context_options){.threads = 1});
  float logits[MADE_VOCAB];
  for (size_t i = 0; i < s->count; ++i) {
    const svf_score_request *r = &s->request[i];
    svf_context_end(c, 0);
    ck_works(svf_context_begin(c, 0, r->gains, NULL, 0, NULL));
    for (size_t k = 0; k + 1 < r->count; ++k) {
      const svf_row row = {0, r->tokens[k], true};
      ck_works(svf_context_forward(c, &row, 1, logits));
      if (k + 1 < r->first) continue;
      ck_works(svf_log_probability(logits, MADE_VOCAB, r->tokens[k + 1], r->temperature,
                                   &s->result[i][k + 1 - r->first]));
    }
  }
  svf_context_destroy(c);
}

/* The tokens that were generated have the log-probabilities that were reported then. */
static void check_generated(const scores *s, const texts *t)
{
  size_t at = 0;
  for (size_t i = 0; i < t->count; ++i) {
    const svf_request *r = &t->request[i];
    if (r->prompt_count + r->count < 2) continue;
    const size_t first = s->request[at].first, skip = r->prompt_count - first;
    if (first <= r->prompt_count) {
      ck_assert_mem_eq(s->result[at] + skip, r->log_probabilities, r->count * sizeof(double));
    }
    ++at;
  }
}

START_TEST(scores_have_the_bits_of_generation)
{
  setup(SVF_FORMAT_F32);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    static texts t;
    static scores want, got;
    uint64_t state = seed * 31 + 5;
    fill(&t, seed);
    run_alone(&t);
    take_texts(&want, &t, seed);
    take_texts(&got, &t, seed);
    score_alone(&want);
    check_generated(&want, &t);
    for (int k = 0; k < 4; ++k) {
      const svf_context_options o = {.sequences = 1 + made_below(&state, 7),
                                     .tokens = least_tokens(&t) + made_below(&state, 4) * 700,
                                     .rows = 1 + made_below(&state, k ? 300 : 6),
                                     .threads = 1 + made_below(&state, 3)};
      svf_context *c = context_of(&o);
      for (int warm = 0; warm < 3; ++warm) {
        memset(got.result, 0, sizeof got.result);
        ck_works(svf_score(c, got.request, got.count));
        ck_assert_mem_eq(got.result, want.result, sizeof got.result);
        if (warm == 1) svf_context_end(c, made_below(&state, o.sequences));
      }
      svf_context_destroy(c);
    }
  }
  teardown();
}
END_TEST

/* Of texts that are scored from their first token on, the common beginning is read once too. */
START_TEST(scores_of_a_common_beginning_are_computed_once)
{
  enum { MANY = 5, COMMON = 90, OWN = 6 };
  static int32_t tokens[MANY][COMMON + OWN];
  static double result[MANY][COMMON + OWN];
  svf_score_request r[MANY];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i < MANY; ++i) {
    for (size_t k = 0; k < COMMON + OWN; ++k) {
      tokens[i][k] = (int32_t)((k * k + (k < COMMON ? 0 : i + 1)) % MADE_VOCAB);
    }
    r[i] = (svf_score_request){.size = sizeof *r,
                               .tokens = tokens[i],
                               .count = COMMON + OWN,
                               .first = 1,
                               .temperature = i % 2 ? 1 : 0, /* which are the same */
                               .log_probabilities = result[i]};
  }
  svf_context *c = context_of(
      &(svf_context_options){.sequences = 3, .tokens = 2000, .rows = 1, .stop = count_pass});
  passes = 0;
  ck_works(svf_score(c, r, MANY));
  ck_assert_uint_eq(passes, (COMMON + OWN - 1) + (MANY - 1) * OWN);
  for (size_t i = 1; i < MANY; ++i) {
    ck_assert_mem_eq(result[i], result[0], (COMMON - 1) * sizeof(double));
    ck_assert_mem_ne(result[i] + COMMON - 1, result[0] + COMMON - 1, sizeof(double));
  }
  svf_context_destroy(c);
  teardown();
}
END_TEST

enum { FEW = 4, LONGEST_SCORED = 200 };

/* FEW texts of these lengths, the first `common` tokens as in text `with`, all scored; sequence s
 * has read `filled[s]` other tokens before. */
static void check_scores(const size_t *length, const size_t *common, const size_t *with,
                         const size_t *filled)
{
  static int32_t tokens[FEW][LONGEST_SCORED];
  static double got[FEW][LONGEST_SCORED], want[FEW][LONGEST_SCORED];
  svf_score_request r[FEW];
  setup(SVF_FORMAT_F32);
  for (size_t i = 0; i < FEW; ++i) {
    for (size_t k = 0; k < length[i]; ++k) {
      tokens[i][k] = k < common[i] ? tokens[with[i]][k] : (int32_t)((k + 7 * i) % MADE_VOCAB);
    }
    r[i] =
        (svf_score_request){.size = sizeof *r, .tokens = tokens[i], .count = length[i], .first = 1};
  }
  svf_context *c = context_of(&(svf_context_options){.sequences = FEW, .tokens = 2000});
  for (size_t i = 0; i < FEW; ++i) {
    svf_context_end(c, 0);
    r[i].log_probabilities = want[i];
    ck_works(svf_score(c, &r[i], 1));
    r[i].log_probabilities = got[i];
  }
  memset(got, 0, sizeof got);
  for (size_t s = 0; s < FEW; ++s) {
    svf_context_end(c, s);
    for (size_t k = 0; k < filled[s]; ++k) {
      ck_works(svf_context_forward(c, &(svf_row){s, 96, false}, 1, NULL));
    }
  }
  ck_works(svf_score(c, r, FEW));
  for (size_t i = 0; i < FEW; ++i) {
    ck_assert_mem_eq(got[i], want[i], (length[i] - 1) * sizeof(double));
  }
  svf_context_destroy(c);
  teardown();
}

/* The fourth text has most in common with the second one, which waits for the first one: what it
 * would save is not worth waiting, and what it has not waited for it computes itself. */
START_TEST(who_stops_waiting_computes_all_scores_itself)
{
  check_scores((size_t[]){40, 40, 40, 40}, (size_t[]){0, 20, 20, 22}, (size_t[]){0, 0, 0, 1},
               (size_t[]){0, 0, 0, 0});
}
END_TEST

/* The third text ends before the second one does, from which it has what that one has from the
 * first: it stands in a sequence before it. */
START_TEST(scores_of_a_leader_s_leader_are_found)
{
  check_scores((size_t[]){70, 190, 65, 10}, (size_t[]){0, 50, 60, 0}, (size_t[]){0, 0, 1, 0},
               (size_t[]){9, 6, 3, 0});
}
END_TEST

SUITE("sharing", texts_have_the_bits_of_each_alone, what_is_common_is_read_once,
      followers_wait_a_pass_and_others_do_not, a_shared_prefix_takes_its_room_once,
      ends_of_some_change_no_bit_of_others, gains_are_not_needed_after_the_end,
      a_cache_that_may_be_wanted_again_stays, scores_have_the_bits_of_generation,
      scores_of_a_common_beginning_are_computed_once, who_stops_waiting_computes_all_scores_itself,
      scores_of_a_leader_s_leader_are_found)
