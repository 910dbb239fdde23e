/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers between inaccessible pages: an access one byte outside crashes the test. */
#ifndef SVF_TESTS_GUARD_H
#define SVF_TESTS_GUARD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard {
  char *base;   /* first accessible byte; the pages before and after it are PROT_NONE */
  size_t bytes; /* accessible, a multiple of the page size */
} guard;

/* `bytes` bytes flush against the inaccessible page after them (at_end) or before them. The memory
 * around them inside the buffer is filled with 0xff, NaN in every format. Grows the buffer as
 * needed; exits the test on failure. bytes = 0 gives a pointer that must not be touched. */
char *guard_take(guard *g, size_t bytes, bool at_end);

void guard_free(guard *g);

#endif
