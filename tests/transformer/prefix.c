/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaders and orders of random texts, against their definition. */
#include "tests/transformer/made.h"

#include "src/transformer/prefix.h"

enum { TEXTS = 40, LENGTH = 12 };

static size_t common(const svf_prefix *a, const svf_prefix *b)
{
  size_t i = 0;
  while (a->hash == b->hash && i < a->count && i < b->count && a->tokens[i] == b->tokens[i]) ++i;
  return i;
}

/* Few tokens and few hashes, so that much is in common; empty texts, and texts twice. */
static void make(svf_prefix *texts, int32_t (*tokens)[LENGTH], size_t count, uint64_t *state)
{
  for (size_t i = 0; i < count; ++i) {
    texts[i] = (svf_prefix){.tokens = tokens[i],
                            .count = made_below(state, LENGTH + 1),
                            .hash = made_below(state, 2) ? UINT64_MAX : 3};
    for (size_t k = 0; k < LENGTH; ++k) tokens[i][k] = (int32_t)made_below(state, 2);
    if (i > 0 && made_below(state, 4) == 0) texts[i] = texts[made_below(state, i)];
  }
}

static void check_leaders(const svf_prefix *texts, size_t count)
{
  for (size_t i = 0; i < count; ++i) {
    size_t leader = SVF_NONE, shared = 0;
    for (size_t j = 0; j < i; ++j) {
      if (common(&texts[i], &texts[j]) <= shared) continue;
      leader = j;
      shared = common(&texts[i], &texts[j]);
    }
    ck_assert_uint_eq(texts[i].shared, shared);
    ck_assert_uint_eq(texts[i].leader, leader);
  }
}

/* A permutation; leaders come first, and one after the other nothing is read that the text before
 * has, as far as it has what the leader had. */
static void check_order(const svf_prefix *texts, size_t count, const size_t *order)
{
  size_t place[TEXTS];
  memset(place, 0xff, sizeof place);
  for (size_t i = 0; i < count; ++i) {
    ck_assert_uint_lt(order[i], count);
    ck_assert_uint_eq(place[order[i]], SVF_NONE);
    place[order[i]] = i;
  }
  size_t roots = 0;
  for (size_t i = 0; i < count; ++i) {
    const svf_prefix *t = &texts[order[i]];
    if (t->leader == SVF_NONE) {
      ck_assert_uint_ge(order[i], roots);
      roots = order[i];
    } else {
      ck_assert_uint_lt(place[t->leader], i);
      ck_assert_uint_ge(common(t, &texts[order[i - 1]]), t->shared);
    }
  }
}

START_TEST(texts_follow_those_they_have_most_in_common_with)
{
  uint64_t state = 99;
  for (int round = 0; round < 3000; ++round) {
    svf_prefix texts[TEXTS];
    int32_t tokens[TEXTS][LENGTH];
    size_t order[TEXTS];
    const size_t count = made_below(&state, TEXTS + 1);
    make(texts, tokens, count, &state);
    ck_works(svf_prefix_order(texts, count, order));
    check_leaders(texts, count);
    check_order(texts, count, order);
  }
}
END_TEST

SUITE("prefix", texts_follow_those_they_have_most_in_common_with)
