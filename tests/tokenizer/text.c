/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts with stop strings: whatever the tokens, what is handed out is what the whole text is before
 * the stop string that is complete first. */
#include <svf/text.h>

#include "tests/tokenizer/small.h"
#include "tests/unit/suite.h"

enum { MOST = 64 };

static svf_tokenizer *tokenizer;

static void setup(void)
{
  ck_works(svf_tokenizer_parse(small_tokenizer, sizeof small_tokenizer - 1, &tokenizer));
}

static void teardown(void) { svf_tokenizer_close(tokenizer); }

typedef struct result {
  char text[16 * MOST];
  size_t bytes, pushed; /* tokens before it stopped */
  bool stopped;
} result;

static void take(result *r, const char *out, size_t bytes)
{
  ck_assert_uint_le(r->bytes + bytes, sizeof r->text);
  if (bytes > 0) memcpy(r->text + r->bytes, out, bytes);
  r->bytes += bytes;
}

static result run_with(unsigned flags, const int32_t *ids, size_t count, const char *const *stops,
                       size_t stop_count)
{
  result r = {.pushed = 0};
  svf_text *t = NULL;
  const char *out;
  size_t bytes;
  ck_works(svf_text_create(tokenizer, flags, stops, stop_count, &t));
  for (size_t i = 0; i < count; ++i) {
    const bool before = r.stopped;
    ck_works(svf_text_push(t, ids[i], &out, &bytes, &r.stopped));
    ck_assert(!before || (bytes == 0 && r.stopped));
    take(&r, out, bytes);
    r.pushed += !r.stopped;
  }
  ck_works(svf_text_flush(t, &out, &bytes));
  take(&r, out, bytes);
  svf_text_destroy(t);
  return r;
}

static result run(const int32_t *ids, size_t count, const char *const *stops, size_t stop_count)
{
  return run_with(0, ids, count, stops, stop_count);
}

/* Bytes of the text before the stop string that ends first, the longest of those. */
static size_t end_of(const char *text, size_t bytes, const char *const *stops, size_t count)
{
  for (size_t end = 1; end <= bytes; ++end) {
    size_t longest = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t n = strlen(stops[i]);
      if (n <= end && n > longest && memcmp(text + end - n, stops[i], n) == 0) longest = n;
    }
    if (longest > 0) return end - longest;
  }
  return bytes;
}

START_TEST(any_tokens)
{
  static const char *const sets[][4] = {{"ab", NULL},
                                        {"aba", "bb", NULL},
                                        {"aab", "ab<", "b", NULL},
                                        {"b<tool>a", "ba", NULL},
                                        {"\xc3\xa9", "a\xc3\xbc", NULL},
                                        {"\xef\xbf\xbd", NULL},
                                        {"\xc3\xbc\xef\xbf\xbd"
                                         "a",
                                         " a", NULL},
                                        {"abababab", "babb", "aa", NULL},
                                        {"<tool><tool>", "ool", NULL},
                                        {NULL}};
  static const int32_t known[] = {0, 1, 2, 3, 9, 10, 12, 13, 14, 15, 5, -1, 99};
  uint32_t state = 7;
  setup();
  for (int round = 0; round < 20000; ++round) {
    const char *const *stops = sets[(size_t)round % (sizeof sets / sizeof *sets)];
    int32_t ids[MOST];
    char whole[16 * MOST];
    size_t stop_count = 0, bytes = 0;
    const size_t count = (size_t)round / 7 % 24;
    while (stop_count < 4 && stops[stop_count]) ++stop_count;
    for (size_t i = 0; i < count; ++i) {
      state = state * 1664525u + 1013904223u;
      ids[i] = known[(state >> 16) % (sizeof known / sizeof *known)];
    }
    ck_works(svf_tokenizer_decode(tokenizer, 0, ids, count, whole, sizeof whole, &bytes));
    const result r = run(ids, count, stops, stop_count);
    const size_t end = end_of(whole, bytes, stops, stop_count);
    ck_assert_msg(r.bytes == end && memcmp(r.text, whole, end) == 0,
                  "round %d: '%.*s' instead of '%.*s'", round, (int)r.bytes, r.text, (int)end,
                  whole);
  }
  teardown();
}
END_TEST

START_TEST(what_is_certain_is_given_at_once)
{
  static const char *const stops[] = {"abab"};
  svf_text *t = NULL;
  const char *out;
  size_t bytes;
  bool stopped;
  setup();
  ck_works(svf_text_create(tokenizer, 0, stops, 1, &t));
  ck_works(svf_text_push(t, 1, &out, &bytes, &stopped)); /* b */
  ck_assert(bytes == 1 && out[0] == 'b' && !stopped);
  ck_works(svf_text_push(t, 2, &out, &bytes, &stopped)); /* ab */
  ck_assert(bytes == 0 && !stopped);
  ck_works(svf_text_push(t, 12, &out, &bytes, &stopped)); /* half of an e acute: no text yet */
  ck_assert(bytes == 0 && !stopped);
  ck_works(svf_text_push(t, 13, &out, &bytes, &stopped));
  ck_assert(bytes == 4 && memcmp(out, "ab\xc3\xa9", 4) == 0 && !stopped);
  ck_works(svf_text_push(t, 2, &out, &bytes, &stopped));
  ck_works(svf_text_push(t, 2, &out, &bytes, &stopped));
  ck_assert(bytes == 0 && stopped);
  svf_text_destroy(t);
  teardown();
}
END_TEST

/* [S] is special (9), <tool> is not (10). */
START_TEST(special_tokens)
{
  enum { S = 9, TOOL = 10, A = 0, B = 1, HALF = 12 };
  static const struct {
    const char *stops[2];
    int32_t ids[6];
    size_t count, pushed;
    const char *hidden, *shown; /* the text, if special tokens are left out or not */
    bool stopped;
  } cases[] = {
      {{"[S]"}, {A, B, S, A}, 4, 2, "ab", "ab", true},
      {{"[S]"}, {S, A}, 2, 0, "", "", true},
      {{"zz", "[S]"}, {A, S, S}, 3, 1, "a", "a", true},
      {{"bb", "[S]"}, {A, B, S, B}, 4, 2, "ab", "ab", true}, /* "b" was held back */
      {{"\xef\xbf\xbd", "[S]"}, {A, HALF, S}, 3, 2, "a", "a", true},
      {{"[S]"}, {A, HALF, S}, 3, 2, "a\xef\xbf\xbd", "a\xef\xbf\xbd", true},
      {{"<tool>"}, {A, TOOL, B}, 3, 1, "a", "a", true},
      {{"[S"}, {A, S, B}, 3, 1, NULL, "a", true}, /* not the whole of it */
      {{"[S"}, {A, S, B}, 3, 3, "ab", NULL, false},
      {{"ab"}, {B, A, S, B, A}, 5, 3, "b", NULL, true}, /* as it is handed out */
      {{"ab"}, {B, A, S, B, A}, 5, 5, NULL, "ba[S]ba", false},
      {{"a[S]"}, {B, A, S, B}, 4, 2, NULL, "b", true},
      {{"a[S]"}, {B, A, S, B}, 4, 4, "bab", NULL, false},
  };
  setup();
  for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); ++i) {
    const char *want = i % 2 ? cases[i / 2].shown : cases[i / 2].hidden;
    const unsigned flags = i % 2 ? 0 : SVF_TOKENIZER_SKIP_SPECIAL;
    if (!want) continue;
    const result r = run_with(flags, cases[i / 2].ids, cases[i / 2].count, cases[i / 2].stops,
                              cases[i / 2].stops[1] ? 2 : 1);
    ck_assert_msg(r.bytes == strlen(want) && memcmp(r.text, want, r.bytes) == 0 &&
                      r.stopped == cases[i / 2].stopped && r.pushed == cases[i / 2].pushed,
                  "case %zu: '%.*s' after %zu tokens", i, (int)r.bytes, r.text, r.pushed);
  }
  teardown();
}
END_TEST

START_TEST(misuse)
{
  svf_text *t = (svf_text *)1;
  const char *out;
  size_t bytes;
  bool stopped;
  setup();
  ck_fails(svf_text_create(NULL, 0, NULL, 0, &t), SVF_ERR_NULL, "tokenizer");
  ck_assert_ptr_null(t);
  ck_fails(svf_text_create(tokenizer, 0, NULL, 1, &t), SVF_ERR_NULL, "stops");
  ck_fails(svf_text_create(tokenizer, 0, NULL, 0, NULL), SVF_ERR_NULL, "text");
  ck_fails(svf_text_create(tokenizer, 1u << 30, NULL, 0, &t), SVF_ERR_ARGUMENT, "flags");
  ck_fails(svf_text_create(tokenizer, 0, (const char *const[]){"a", ""}, 2, &t), SVF_ERR_ARGUMENT,
           "stops[1] is empty");
  ck_fails(svf_text_create(tokenizer, 0, (const char *const[]){"a", NULL}, 2, &t), SVF_ERR_ARGUMENT,
           "stops[1] is empty");
  ck_fails(svf_text_push(NULL, 0, &out, &bytes, &stopped), SVF_ERR_NULL, "NULL");
  ck_fails(svf_text_flush(NULL, &out, &bytes), SVF_ERR_NULL, "NULL");
  svf_text_destroy(NULL);
  teardown();
}
END_TEST

SUITE("text", any_tokens, what_is_certain_is_given_at_once, special_tokens, misuse)
