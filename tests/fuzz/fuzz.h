/* SPDX-License-Identifier: Apache-2.0
 *
 * What every fuzzer needs. A fuzzer feeds bytes to one parser and asserts what must hold of
 * whatever it accepts; the sanitizers watch the rest. */
#ifndef SVF_TESTS_FUZZ_H
#define SVF_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/status.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_assert(condition)                                                       \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                       \
    }                                                                                \
  } while (0)

/* A refusal has a message and one of the statuses that a parser of files may return. */
static inline void fuzz_refused(svf_status status)
{
  fuzz_assert(status == SVF_ERR_FILE || status == SVF_ERR_UNSUPPORTED);
  fuzz_assert(svf_last_message()[0] != 0);
}

#endif
