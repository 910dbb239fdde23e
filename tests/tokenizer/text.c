/* SPDX-License-Identifier: Apache-2.0
 *
 * Text as it is generated: whole characters, stop strings across tokens. */
#include <svf/text.h>

#include "tests/unit/suite.h"

static svf_tokenizer *tokenizer; /* whose tokens are bytes */

/* All that comes of these bytes, token by token; *stopped_at: the token that completed a stop. */
static char *run(const char *bytes, const char *const *stops, size_t count, int *stopped_at)
{
  static char all[256];
  size_t length = 0;
  svf_text *text = NULL;
  const char *out;
  size_t n;
  int stopped = 0;
  *stopped_at = -1;
  ck_works(svf_text_create(tokenizer, 0, stops, count, &text));
  for (int i = 0; bytes[i]; ++i) {
    ck_works(svf_text_push(text, (unsigned char)bytes[i], &out, &n, &stopped));
    memcpy(all + length, out, n);
    length += n;
    if (stopped && *stopped_at < 0) *stopped_at = i;
  }
  ck_works(svf_text_flush(text, &out, &n));
  memcpy(all + length, out, n);
  all[length + n] = 0;
  svf_text_destroy(text);
  return all;
}

START_TEST(stop_strings_end_a_text)
{
  static const char *const stops[] = {"END", "\n\n", "é!"};
  int at;
  ck_assert_str_eq(run("abc", NULL, 0, &at), "abc");
  ck_assert_int_eq(at, -1);
  ck_assert_str_eq(run("one END two", stops, 3, &at), "one ");
  ck_assert_int_eq(at, 6);
  ck_assert_str_eq(run("EN ENEND", stops, 3, &at), "EN EN");
  ck_assert_int_eq(at, 7);
  ck_assert_str_eq(run("a\nb\n\nc", stops, 3, &at), "a\nb");
  ck_assert_int_eq(at, 4);
  ck_assert_str_eq(run("caf\xc3\xa9 \xc3\xa9! x", stops, 3, &at), "caf\xc3\xa9 ");
  ck_assert_int_eq(at, 8);
  ck_assert_str_eq(run("almost EN", stops, 3, &at), "almost EN"); /* held back, then flushed */
  ck_assert_int_eq(at, -1);
  ck_assert_str_eq(run("END", stops, 3, &at), "");
  ck_assert_int_eq(at, 2);
  static const char *const within[] = {"bc", "abcd"}; /* the shorter one is complete first */
  ck_assert_str_eq(run("xabcd", within, 2, &at), "xa");
  ck_assert_int_eq(at, 3);
}
END_TEST

START_TEST(nothing_is_given_too_early)
{
  static const char *const stops[] = {"stop"};
  svf_text *text = NULL;
  const char *out;
  size_t n;
  int stopped;
  ck_works(svf_text_create(tokenizer, 0, stops, 1, &text));
  const struct {
    unsigned char byte;
    const char *given;
  } steps[] = {{'a', "a"}, {'s', ""},          {'t', ""}, {'a', "sta"},
               {0xc3, ""}, {0xa9, "\xc3\xa9"}, {'s', ""}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i) {
    ck_works(svf_text_push(text, steps[i].byte, &out, &n, &stopped));
    ck_assert_msg(n == strlen(steps[i].given) && memcmp(out, steps[i].given, n) == 0, "step %zu",
                  i);
    ck_assert_int_eq(stopped, 0);
  }
  ck_works(svf_text_push(text, 0xe2, &out, &n, &stopped)); /* a character that never ends */
  ck_works(svf_text_flush(text, &out, &n));
  ck_assert(n == 4 && memcmp(out, "s\xef\xbf\xbd", 4) == 0); /* the s was held back */
  svf_text_destroy(text);
}
END_TEST

START_TEST(misuse)
{
  static const char *const empty[] = {""}, *const none[] = {NULL};
  svf_text *text = NULL;
  const char *out;
  size_t n;
  int stopped;
  ck_fails(svf_text_create(NULL, 0, NULL, 0, &text), SVF_ERR_NULL, "tokenizer");
  ck_fails(svf_text_create(tokenizer, 0, NULL, 1, &text), SVF_ERR_NULL, "stops");
  ck_fails(svf_text_create(tokenizer, 0, empty, 1, &text), SVF_ERR_ARGUMENT, "stops[0] is empty");
  ck_fails(svf_text_create(tokenizer, 0, none, 1, &text), SVF_ERR_ARGUMENT, "stops[0] is empty");
  ck_fails(svf_text_create(tokenizer, 77, NULL, 0, &text), SVF_ERR_ARGUMENT, "flags");
  ck_fails(svf_text_push(NULL, 0, &out, &n, &stopped), SVF_ERR_NULL, "NULL");
  ck_fails(svf_text_flush(NULL, &out, &n), SVF_ERR_NULL, "NULL");
  svf_text_destroy(NULL);
  svf_tokenizer_close(tokenizer);
}
END_TEST

START_TEST(open_the_tokenizer) { ck_works(svf_tokenizer_open(BYTES, &tokenizer)); }
END_TEST

SUITE("text", open_the_tokenizer, stop_strings_end_a_text, nothing_is_given_too_early, misuse)
