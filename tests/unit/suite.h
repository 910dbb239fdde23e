/* SPDX-License-Identifier: Apache-2.0
 *
 * What every suite needs: a main, and assertions on status and message. */
#ifndef SVF_TESTS_SUITE_H
#define SVF_TESTS_SUITE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

/* The call returns that status, and its message contains the words. */
#define ck_fails(call, expected, words)                                                            \
  do {                                                                                             \
    const svf_status got_ = (call);                                                                \
    ck_assert_msg(got_ == (expected), "%s: %s, expected %s (%s)", #call, svf_status_name(got_),    \
                  svf_status_name(expected), svf_last_message());                                  \
    ck_assert_msg(strstr(svf_last_message(), words) != NULL, "%s: message '%s' lacks '%s'", #call, \
                  svf_last_message(), words);                                                      \
  } while (0)

#define ck_works(call)                                                                             \
  do {                                                                                             \
    const svf_status got_ = (call);                                                                \
    ck_assert_msg(got_ == SVF_OK, "%s: %s: %s", #call, svf_status_name(got_), svf_last_message()); \
  } while (0)

/* The index of the first byte that is not `value`; `bytes` if there is none. */
static inline size_t first_other(const void *memory, size_t bytes, unsigned char value)
{
  size_t i = 0;
  while (i < bytes && ((const unsigned char *)memory)[i] == value) ++i;
  return i;
}

/* All `bytes` bytes have that value: one assertion, where one for each byte would take seconds. */
#define ck_filled(memory, bytes, value) ck_assert_uint_eq(first_other(memory, bytes, value), bytes)

static inline int run_suite(const char *name, const TTest *const *tests, size_t count)
{
  Suite *suite = suite_create(name);
  TCase *all = tcase_create(name);
  tcase_set_timeout(all, 0);
  for (size_t i = 0; i < count; ++i) tcase_add_test(all, tests[i]);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}

#define SUITE(name, ...)                                         \
  int main(void)                                                 \
  {                                                              \
    const TTest *const tests[] = {__VA_ARGS__};                  \
    return run_suite(name, tests, sizeof tests / sizeof *tests); \
  }

#endif
