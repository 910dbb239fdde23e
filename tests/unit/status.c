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
}
END_TEST

START_TEST(types_have_names_and_sizes)
{
  ck_assert_uint_eq(svf_dtype_size(SVF_F32), 4);
  ck_assert_uint_eq(svf_dtype_size(SVF_BF16), 2);
  ck_assert_uint_eq(svf_dtype_size((svf_dtype)9), 0);
  ck_assert_str_eq(svf_dtype_name(SVF_BF16), "bf16");
  ck_assert_str_eq(svf_dtype_name((svf_dtype)9), "?");
  ck_assert_str_eq(svf_format_name(SVF_FORMAT_F32), "f32");
  ck_assert_str_eq(svf_format_name((svf_format)9), "?");
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", SVF_VERSION_MAJOR, SVF_VERSION_MINOR,
           SVF_VERSION_PATCH);
  ck_assert_str_eq(svf_version(), version);
}
END_TEST

SUITE("status", every_status_has_a_name, messages_belong_to_their_thread, messages_say_where,
      long_messages_are_cut, types_have_names_and_sizes)
