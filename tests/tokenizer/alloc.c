/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokenizers survive the failure of any allocation of their own and of jansson's, and say so. */
#define _GNU_SOURCE
#include <jansson.h>

#include <svf/tokenizer.h>

#include "tests/alloc_count.h"
#include "tests/tokenizer/small.h"
#include "tests/unit/suite.h"

/* jansson is a shared library: its allocations are counted only where they pass through here. It
 * takes some failures of its own for malformed JSON, and may even lose a byte of a string. */
static bool jansson_failed;

static void *allocate(size_t bytes)
{
  void *memory = malloc(bytes);
  jansson_failed |= !memory;
  return memory;
}

static svf_tokenizer *opened;

static svf_status parse(void)
{
  svf_tokenizer *t = NULL;
  const svf_status status = svf_tokenizer_parse(small_tokenizer, sizeof small_tokenizer - 1, &t);
  svf_tokenizer_close(t);
  return !t == (status != SVF_OK) ? status : SVF_ERR_FAILED;
}

static svf_status encode(void)
{
  static const char text[] = "ab \xff a7 \xc3\xa9 [S]ab <tool> u\xcc\x88 xyz 1234567890 ababababab";
  int32_t ids[64];
  size_t count;
  return svf_tokenizer_encode(opened, SVF_TOKENIZER_SPECIAL, text, sizeof text - 1, ids, 64,
                              &count);
}

/* Decoding allocates nothing. */
static svf_status decode(void)
{
  const int32_t ids[] = {9, 0, 1, 3, 12, 13, 15, 2};
  char text[64];
  size_t bytes;
  return svf_tokenizer_decode(opened, 0, ids, 8, text, 64, &bytes);
}

static int fail_each(svf_status (*call)(void))
{
  ck_works(call());
  alloc_calls = alloc_fail_at = 0;
  const svf_status whole = call();
  const int needed = alloc_calls; /* before check allocates */
  ck_assert_int_eq(whole, SVF_OK);
  for (int i = 1; i <= needed; ++i) {
    jansson_failed = false;
    alloc_calls = 0;
    alloc_fail_at = i;
    const svf_status status = call();
    alloc_fail_at = 0;
    ck_assert_msg(status == SVF_ERR_MEMORY || (jansson_failed && status != SVF_ERR_FAILED),
                  "allocation %d: %s: %s", i, svf_status_name(status), svf_last_message());
  }
  ck_works(call());
  return needed;
}

START_TEST(every_allocation)
{
  ck_assert_int_ge(fail_each(parse), 50);
  ck_works(svf_tokenizer_parse(small_tokenizer, sizeof small_tokenizer - 1, &opened));
  ck_assert_int_ge(fail_each(encode), 8);
  ck_assert_int_eq(fail_each(decode), 0);
  svf_tokenizer_close(opened);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {every_allocation};
  json_set_alloc_funcs(allocate, free);
  return run_suite("tokenizer_alloc", tests, 1);
}
