/* SPDX-License-Identifier: Apache-2.0
 *
 * Failing every allocation of a call in turn; the including file defines _GNU_SOURCE. */
#ifndef SVF_TESTS_FAIL_EACH_H
#define SVF_TESTS_FAIL_EACH_H

#include <jansson.h>

#include "tests/alloc_count.h"
#include "tests/io/temp.h"

/* jansson is a shared library: its allocations are counted only where they pass through here. */
static inline void *allocate(size_t bytes) { return malloc(bytes); }

static inline void count_jansson(void) { json_set_alloc_funcs(allocate, free); }

/* jansson takes some failures of its own for malformed JSON: `also` is what calls that parse may
 * return instead. */
static inline void fail_each(svf_status (*call)(void), int at_least, svf_status also)
{
  ck_works(call()); /* what libraries allocate once */
  alloc_calls = alloc_fail_at = 0;
  const svf_status whole = call();
  const int needed = alloc_calls; /* before check allocates */
  ck_assert_int_eq(whole, SVF_OK);
  ck_assert_int_ge(needed, at_least);
  for (int i = 1; i <= needed; ++i) {
    const int files = temp_count();
    alloc_calls = 0;
    alloc_fail_at = i;
    const svf_status status = call();
    alloc_fail_at = 0;
    ck_assert_msg(status == SVF_ERR_MEMORY || status == also, "allocation %d: %s: %s", i,
                  svf_status_name(status), svf_last_message());
    ck_assert_int_eq(temp_count(), files); /* no temporaries are left */
  }
  ck_works(call());
}

#endif
