/* SPDX-License-Identifier: Apache-2.0
 *
 * Needs _GNU_SOURCE. */
#ifndef SVF_TESTS_TIMER_H
#define SVF_TESTS_TIMER_H

#include <time.h>

/* Seconds. */
static inline double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
