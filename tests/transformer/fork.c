/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences that share blocks of the cache: their bits, who holds which block, what is refused. */
#include "tests/transformer/made.h"

#include "src/transformer/context.h"

enum { LONG = 200 };

static svf_model *model;
static float *gains;

static svf_context *context_of(size_t sequences, size_t blocks)
{
  svf_context *c = NULL;
  const svf_context_options o = {.size = sizeof o,
                                 .sequences = sequences,
                                 .tokens = blocks * SVF_KV_BLOCK,
                                 .rows = LONG,
                                 .threads = 2};
  ck_works(svf_context_create(model, &o, &c));
  return c;
}

static int32_t token_at(size_t text, size_t i)
{
  return (int32_t)((text * 31 + i * 17 + i * i % 7) % MADE_VOCAB);
}

/* Tokens [begin, end) of a text on a sequence; logits of the last one. */
static svf_status feed(svf_context *c, size_t sequence, size_t text, size_t begin, size_t end,
                       float *logits)
{
  svf_row rows[LONG];
  for (size_t i = begin; i < end; ++i) {
    rows[i - begin] = (svf_row){sequence, token_at(text, i), logits && i + 1 == end};
  }
  return svf_context_forward(c, rows, end - begin, logits);
}

/* Logits at the end of the first `common` tokens of text 0 followed by text `text` up to `end`. */
static void alone(size_t common, size_t text, size_t end, float *logits)
{
  svf_context *c = context_of(1, 4);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  if (common > 0) ck_works(feed(c, 0, 0, 0, common, NULL));
  ck_works(feed(c, 0, text, common, end, logits));
  svf_context_destroy(c);
}

static void is_alone(const float *got, size_t common, size_t text, size_t end)
{
  float want[MADE_VOCAB];
  alone(common, text, end, want);
  ck_assert_mem_eq(got, want, sizeof want);
}

static void setup(void)
{
  model = made_model(SVF_FORMAT_F32);
  gains = made_gains(model, 1);
}

static void teardown(void)
{
  free(gains);
  svf_model_close(model);
}

/* Lengths on both sides of blocks; then all three go on, each its own way. */
START_TEST(forks_have_the_bits_of_texts_alone)
{
  static const size_t lengths[] = {0, 1, 15, 16, 17, 44, 63, 64, 65, 100, 127, 128, 129};
  float got[3][MADE_VOCAB];
  setup();
  for (size_t k = 0; k < sizeof lengths / sizeof *lengths; ++k) {
    const size_t n = lengths[k];
    svf_context *c = context_of(3, 9);
    ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
    ck_works(svf_context_begin(c, 2, NULL, NULL, 0, NULL));
    ck_works(feed(c, 0, 0, 0, 130, NULL));
    ck_works(feed(c, 2, 5, 0, 70, NULL)); /* what a fork forgets */
    ck_works(svf_context_fork(c, 0, 1, n));
    ck_works(svf_context_fork(c, 1, 2, n));
    ck_assert_uint_eq(svf_context_length(c, 2), n);
    ck_works(feed(c, 1, 1, n, 150, got[1]));
    ck_works(feed(c, 0, 0, 130, 150, got[0]));
    ck_works(feed(c, 2, 2, n, 150, got[2]));
    is_alone(got[0], 150 - 20, 0, 150);
    is_alone(got[1], n, 1, 150);
    is_alone(got[2], n, 2, 150);
    svf_context_destroy(c);
  }
  teardown();
}
END_TEST

/* Both go on inside a block that they share: the first one gets a copy, the last one keeps it. */
START_TEST(a_shared_block_is_not_written)
{
  float got[3][MADE_VOCAB];
  int32_t prompt[100];
  size_t kept = 0;
  setup();
  for (size_t i = 0; i < 100; ++i) prompt[i] = token_at(0, i);
  svf_context *c = context_of(3, 9);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  ck_works(feed(c, 0, 0, 0, 192, NULL));
  ck_works(svf_context_fork(c, 0, 1, 192));
  ck_works(svf_context_fork(c, 0, 2, 128));
  ck_assert_uint_eq(c->kv.unused_count, 9 - 3);
  for (size_t s = 0; s < 3; ++s) { /* back into block 1 */
    ck_works(svf_context_begin(c, s, gains, prompt, 100, &kept));
    ck_assert_uint_eq(kept, 99);
  }
  ck_assert_uint_eq(c->kv.unused_count, 9 - 2);
  svf_row rows[3 * 31];
  for (size_t i = 0; i < 31; ++i) {
    for (size_t s = 0; s < 3; ++s) {
      rows[3 * i + s] = (svf_row){s, token_at(s + 1, 99 + i), i == 30};
    }
  }
  ck_works(svf_context_forward(c, rows, 3 * 31, got[0]));
  ck_assert_uint_eq(c->kv.unused_count, 9 - 1 - 3 - 3);
  for (size_t s = 0; s < 3; ++s) is_alone(got[s], 99, s + 1, 130);
  svf_context_destroy(c);
  teardown();
}
END_TEST

/* Blocks are given back when the last of those that hold them lets go. */
START_TEST(blocks_are_held_until_the_last_one_lets_go)
{
  float got[MADE_VOCAB];
  setup();
  svf_context *c = context_of(3, 6);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  ck_works(feed(c, 0, 0, 0, 130, NULL)); /* three blocks */
  ck_works(svf_context_fork(c, 0, 1, 130));
  ck_works(svf_context_fork(c, 1, 2, 64));
  ck_assert_uint_eq(c->kv.unused_count, 6 - 4);
  svf_context_end(c, 0);
  ck_assert_uint_eq(c->kv.unused_count, 6 - 3);
  svf_context_end(c, 1);
  ck_assert_uint_eq(c->kv.unused_count, 6 - 1);
  ck_works(svf_context_begin(c, 0, NULL, NULL, 0, NULL)); /* others take what is free */
  ck_works(feed(c, 0, 4, 0, 192, NULL));
  ck_works(feed(c, 2, 3, 64, 100, got));
  is_alone(got, 64, 3, 100);
  ck_works(svf_context_fork(c, 2, 0, 64)); /* over what it held */
  ck_assert_uint_eq(c->kv.unused_count, 6 - 2);
  svf_context_end(c, 0);
  svf_context_end(c, 2);
  ck_assert_uint_eq(c->kv.unused_count, 6);
  for (size_t i = 0; i < 6; ++i) ck_assert_uint_eq(c->kv.holders[i], 0);
  svf_context_destroy(c);
  teardown();
}
END_TEST

START_TEST(a_full_cache_changes_nothing)
{
  float got[MADE_VOCAB];
  setup();
  svf_context *c = context_of(3, 4);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  ck_works(feed(c, 0, 0, 0, 130, NULL));
  ck_works(svf_context_fork(c, 0, 1, 128));
  ck_works(svf_context_begin(c, 2, NULL, NULL, 0, NULL));
  ck_works(feed(c, 2, 5, 0, 3, NULL)); /* the last free block */
  ck_fails(svf_context_fork(c, 0, 1, 129), SVF_ERR_SPACE, "1 block wanted, 0 of 4 free");
  ck_assert_uint_eq(svf_context_length(c, 1), 128);
  ck_fails(feed(c, 1, 1, 128, 129, got), SVF_ERR_SPACE, "1 blocks wanted, 0 of 4 free");
  ck_works(svf_context_fork(c, 0, 2, 130)); /* into the block that it gives back */
  ck_works(feed(c, 2, 2, 130, 140, got));
  is_alone(got, 130, 2, 140);
  /* A copy that there is no block for; and one that is not needed once the others have let go. */
  int32_t prompt[81];
  size_t kept = 0;
  for (size_t i = 0; i < 81; ++i) prompt[i] = token_at(0, i);
  ck_works(svf_context_begin(c, 1, gains, prompt, 81, &kept));
  ck_assert_uint_eq(kept, 80);
  const svf_row both[2] = {{1, 3, false}, {0, token_at(0, 130), false}};
  ck_fails(svf_context_forward(c, both, 2, NULL), SVF_ERR_SPACE, "1 blocks wanted, 0 of 4 free");
  ck_assert_uint_eq(c->kv.holders[c->kv.sequence[1].blocks[1]], 3);
  svf_context_end(c, 2);
  svf_context_end(c, 0);
  ck_works(feed(c, 1, 1, 80, 100, got));
  is_alone(got, 80, 1, 100);
  ck_assert_uint_eq(c->kv.unused_count, 2);
  svf_context_destroy(c);
  teardown();
}
END_TEST

START_TEST(forks_inherit_gains_and_refuse_misuse)
{
  float got[MADE_VOCAB];
  setup();
  svf_context *c = context_of(2, 4);
  ck_works(svf_context_begin(c, 0, gains, NULL, 0, NULL));
  ck_works(svf_context_begin(c, 1, NULL, NULL, 0, NULL));
  ck_works(feed(c, 0, 0, 0, 70, NULL));
  ck_fails(svf_context_fork(NULL, 0, 1, 1), SVF_ERR_NULL, "context");
  ck_fails(svf_context_fork(c, 2, 1, 1), SVF_ERR_ARGUMENT, "from is 2");
  ck_fails(svf_context_fork(c, 0, 2, 1), SVF_ERR_ARGUMENT, "to is 2");
  ck_fails(svf_context_fork(c, 1, 1, 0), SVF_ERR_ARGUMENT, "both 1");
  ck_fails(svf_context_fork(c, 0, 1, 71), SVF_ERR_ARGUMENT, "length is 71, sequence 0 has 70");
  ck_works(svf_context_fork(c, 0, 1, 66));
  ck_fails(svf_context_resume(c, 1, NULL), SVF_ERR_ARGUMENT, "was filled with gains");
  ck_works(feed(c, 1, 1, 66, 80, got));
  is_alone(got, 66, 1, 80);
  svf_context_destroy(c);
  teardown();
}
END_TEST

SUITE("fork", forks_have_the_bits_of_texts_alone, a_shared_block_is_not_written,
      blocks_are_held_until_the_last_one_lets_go, a_full_cache_changes_nothing,
      forks_inherit_gains_and_refuse_misuse)
