/* SPDX-License-Identifier: Apache-2.0
 *
 * Structs of older and newer callers. */
#include "src/core/structs.h"

#include "tests/unit/suite.h"

typedef struct now {
  size_t size;
  int a;
  int b; /* came later */
} now;

typedef struct older {
  size_t size;
  int a;
  char gap[4];
} older;

typedef struct newer {
  now known;
  long more;
} newer;

enum { FIRST = SVF_SIZE_TO(now, a) };

START_TEST(older_callers_lack_nothing_but_zeros)
{
  const older from = {.size = FIRST, .a = 7};
  now to;
  memset(&to, 0x5a, sizeof to);
  ck_assert_int_eq(svf_struct_read("arg", &from, FIRST, &to, sizeof to), SVF_OK);
  ck_assert_uint_eq(to.size, sizeof to);
  ck_assert_int_eq(to.a, 7);
  ck_assert_int_eq(to.b, 0);
}
END_TEST

START_TEST(newer_callers_may_not_ask_for_what_is_unknown)
{
  newer from = {.known = {.size = sizeof from, .a = 1, .b = 2}};
  now to;
  ck_assert_int_eq(svf_struct_read("arg", &from, FIRST, &to, sizeof to), SVF_OK);
  ck_assert_uint_eq(to.size, sizeof to);
  ck_assert_int_eq(to.b, 2);
  from.more = 1;
  ck_fails(svf_struct_read("arg", &from, FIRST, &to, sizeof to), SVF_ERR_VERSION, "arg->size is");
}
END_TEST

START_TEST(options_that_are_null_are_defaults)
{
  const now from = {.size = sizeof from, .a = 3, .b = 4}, small = {.size = FIRST - 1};
  now to;
  memset(&to, 0x5a, sizeof to);
  ck_works(svf_struct_read_options("arg", NULL, FIRST, &to, sizeof to));
  ck_assert_uint_eq(to.size, sizeof to);
  ck_assert_int_eq(to.a, 0);
  ck_assert_int_eq(to.b, 0);
  ck_works(svf_struct_read_options("arg", &from, FIRST, &to, sizeof to));
  ck_assert_int_eq(to.b, 4);
  ck_fails(svf_struct_read_options("arg", &small, FIRST, &to, sizeof to), SVF_ERR_VERSION, "arg");
}
END_TEST

/* Nothing beyond the struct is read or written. */
START_TEST(a_size_that_was_never_set_is_refused)
{
  now it = {.size = SIZE_MAX}, to = {0};
  ck_fails(svf_struct_read("arg", &it, FIRST, &to, sizeof to), SVF_ERR_VERSION, "no version");
  ck_fails(svf_struct_write("out", &to, sizeof to, &it, FIRST), SVF_ERR_VERSION, "out->size");
}
END_TEST

START_TEST(too_small_is_refused)
{
  const now from = {.size = FIRST - 1};
  now to = {0};
  ck_fails(svf_struct_read("arg", &from, FIRST, &to, sizeof to), SVF_ERR_VERSION, "first version");
  ck_fails(svf_struct_write("out", &to, sizeof to, (void *)(uintptr_t)&from, FIRST),
           SVF_ERR_VERSION, "out->size");
}
END_TEST

START_TEST(out_structs_keep_the_caller_s_size)
{
  const now from = {.size = sizeof from, .a = 3, .b = 4};
  struct {
    older it;
    int guard;
  } small = {{.size = FIRST, .gap = "abc"}, 99};
  newer large = {.known = {.size = sizeof large}, .more = 5};
  ck_assert_int_eq(svf_struct_write("out", &from, sizeof from, &small, FIRST), SVF_OK);
  ck_assert_uint_eq(small.it.size, FIRST);
  ck_assert_int_eq(small.it.a, 3);
  ck_assert_str_eq(small.it.gap, "abc"); /* beyond its size */
  ck_assert_int_eq(small.guard, 99);
  ck_assert_int_eq(svf_struct_write("out", &from, sizeof from, &large, FIRST), SVF_OK);
  ck_assert_uint_eq(large.known.size, sizeof large);
  ck_assert_int_eq(large.known.b, 4);
  ck_assert_int_eq(large.more, 0);
}
END_TEST

START_TEST(arrays_are_stepped_by_their_own_size)
{
  size_t step = 9;
  newer array[3] = {{.known = {.size = sizeof *array}},
                    {.known = {.size = sizeof *array}},
                    {.known = {.size = sizeof *array}}};
  ck_assert_int_eq(svf_struct_step("list", array, 3, FIRST, &step), SVF_OK);
  ck_assert_uint_eq(step, sizeof *array);
  array[2].known.size = sizeof(now);
  ck_fails(svf_struct_step("list", array, 3, FIRST, &step), SVF_ERR_VERSION, "list[2].size");
  array[0].known.size = FIRST - 1;
  ck_fails(svf_struct_step("list", array, 3, FIRST, &step), SVF_ERR_VERSION, "list[0].size");
  array[0].known.size = SIZE_MAX / 2;
  ck_fails(svf_struct_step("list", array, 3, FIRST, &step), SVF_ERR_VERSION, "no version");
  array[0].known.size = sizeof *array;
  ck_fails(svf_struct_step("list", array, SIZE_MAX / 8, FIRST, &step), SVF_ERR_OVERFLOW, "list");
  ck_assert_int_eq(svf_struct_step("list", NULL, 0, FIRST, &step), SVF_OK);
  ck_assert_uint_eq(step, 0);
}
END_TEST

SUITE("structs", older_callers_lack_nothing_but_zeros,
      newer_callers_may_not_ask_for_what_is_unknown, options_that_are_null_are_defaults,
      a_size_that_was_never_set_is_refused, too_small_is_refused,
      out_structs_keep_the_caller_s_size, arrays_are_stepped_by_their_own_size)
