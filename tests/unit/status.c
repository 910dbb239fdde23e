/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "src/core/status.h"
#include "tests/unit/suite.h"

START_TEST(every_status_has_a_name)
{
  for (int s = SVF_OK; s <= SVF_ERR_STOPPED; ++s) {
    ck_assert_str_ne(svf_status_name((svf_status)s), "?");
    for (int t = SVF_OK; t < s; ++t) {
      ck_assert_str_ne(svf_status_name((svf_status)s), svf_status_name((svf_status)t));
    }
  }
  ck_assert_str_eq(svf_status_name((svf_status)-1), "?");
  ck_assert_str_eq(svf_status_name((svf_status)1000), "?");
}
END_TEST

static void *other_thread(void *unused)
{
  (void)unused;
  static char first[8];
  strncpy(first, svf_last_message(), sizeof first - 1);
  svf_fail(SVF_ERR_IO, "from another thread");
  return first;
}

START_TEST(messages_belong_to_their_thread)
{
  pthread_t thread;
  void *seen;
  ck_assert_int_eq(svf_fail(SVF_ERR_IO, "value %d", 7), SVF_ERR_IO);
  ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, NULL), 0);
  pthread_join(thread, &seen);
  ck_assert_str_eq((const char *)seen, "");
  ck_assert_str_eq(svf_last_message(), "value 7");
}
END_TEST

START_TEST(messages_say_where)
{
  svf_fail(SVF_ERR_IO, "disk full");
  ck_assert_int_eq(svf_fail_at(SVF_ERR_FILE, "file %d", 3), SVF_ERR_FILE);
  ck_assert_int_eq(svf_fail_at(SVF_ERR_FILE, "%s", "dir"), SVF_ERR_FILE);
  ck_assert_int_eq(svf_fail_at(SVF_OK, "nowhere"), SVF_OK);
  ck_assert_str_eq(svf_last_message(), "dir: file 3: disk full");
  for (int i = 0; i < 300; ++i) svf_fail_at(SVF_ERR_IO, "again");
  ck_assert_uint_gt(strlen(svf_last_message()), 100);
  const char *end = strstr(svf_last_message(), "dir: file 3: disk full");
  ck_assert_msg(end && strlen(end) == 22, "%s", svf_last_message());
}
END_TEST

/* Whatever the length of a place, and wherever it is cut, the reason is whole. */
START_TEST(long_places_are_cut)
{
  char place[2100] = "/";
  for (size_t n = 1; n < 2000; ++n) {
    place[n] = (char)(n % 2 ? 0xc3 : 0xa9); /* e acute, of two bytes */
    if (n % 2) continue;
    svf_fail(SVF_ERR_IO, "disk full");
    svf_fail_at(SVF_ERR_IO, "%s%s", place, n % 4 ? "" : "x");
    const char *text = svf_last_message();
    ck_assert_str_eq(text + strlen(text) - 11, ": disk full");
    const char *dots = strstr(text, "...");
    ck_assert_msg(dots ? strcmp(dots, "...: disk full") == 0 : n < 500, "%s", text);
    for (const char *c = text + 1; c < dots; c += 2) ck_assert_int_eq(memcmp(c, "\xc3\xa9", 2), 0);
  }
  char reason[600];
  memset(reason, 'r', sizeof reason);
  for (int room = 0; room < 20; ++room) { /* none is left, or next to none */
    svf_fail(SVF_ERR_IO, "%.*s", 511 - room, reason);
    svf_fail_at(SVF_ERR_IO, "%s", place);
    const char *text = strchr(svf_last_message(), 'r');
    ck_assert_msg(text && strlen(text) == (size_t)(511 - room), "%s", svf_last_message());
  }
}
END_TEST

START_TEST(long_messages_are_cut)
{
  char text[2000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = 0;
  svf_fail(SVF_ERR_IO, "%s", text);
  ck_assert_uint_lt(strlen(svf_last_message()), sizeof text - 1);
  ck_assert_uint_gt(strlen(svf_last_message()), 100);
  ck_assert_str_eq(svf_last_message() + strlen(svf_last_message()) - 4, "x...");
}
END_TEST

START_TEST(callers_set_messages)
{
  char text[600];
  ck_assert_int_eq(svf_set_message(SVF_ERR_NUMERIC, "no %s"), SVF_ERR_NUMERIC);
  ck_assert_str_eq(svf_last_message(), "no %s");
  svf_fail_at(svf_set_message(SVF_ERR_NUMERIC, svf_last_message()), "here");
  ck_assert_str_eq(svf_last_message(), "here: no %s");
  for (size_t n = 400; n < sizeof text; ++n) {
    memset(text, 'x', n);
    text[n] = 0;
    svf_set_message(SVF_ERR_IO, text);
    const size_t length = strlen(svf_last_message());
    ck_assert_msg(n > 511 || length == n, "%zu of %zu", length, n);
    ck_assert_int_eq(strcmp(svf_last_message(), text) != 0,
                     strcmp(svf_last_message() + length - 3, "...") == 0);
  }
  svf_set_message(SVF_ERR_IO, NULL);
  ck_assert_str_eq(svf_last_message(), "");
}
END_TEST

START_TEST(types_have_names_and_sizes)
{
  ck_assert_uint_eq(svf_dtype_size(SVF_DTYPE_F32), 4);
  ck_assert_uint_eq(svf_dtype_size(SVF_DTYPE_BF16), 2);
  ck_assert_uint_eq(svf_dtype_size((svf_dtype)9), 0);
  ck_assert_str_eq(svf_dtype_name(SVF_DTYPE_BF16), "bf16");
  ck_assert_str_eq(svf_dtype_name((svf_dtype)9), "?");
  ck_assert_str_eq(svf_format_name(SVF_FORMAT_F32), "f32");
  ck_assert_str_eq(svf_format_name((svf_format)9), "?");
  svf_dtype type = SVF_DTYPE_F32;
  ck_works(svf_dtype_parse("bf16", &type));
  ck_assert_int_eq(type, SVF_DTYPE_BF16);
  ck_works(svf_dtype_parse("f32", &type));
  ck_assert_int_eq(type, SVF_DTYPE_F32);
  ck_fails(svf_dtype_parse("f64", &type), SVF_ERR_ARGUMENT, "no element type: f32, bf16");
  ck_fails(svf_dtype_parse(NULL, &type), SVF_ERR_NULL, "name is NULL");
  ck_fails(svf_dtype_parse("f32", NULL), SVF_ERR_NULL, "type is NULL");
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", SVF_VERSION_MAJOR, SVF_VERSION_MINOR,
           SVF_VERSION_PATCH);
  ck_assert_str_eq(svf_version(), version);
}
END_TEST

SUITE("status", every_status_has_a_name, messages_belong_to_their_thread, messages_say_where,
      long_places_are_cut, long_messages_are_cut, callers_set_messages, types_have_names_and_sizes)
