/* SPDX-License-Identifier: Apache-2.0
 *
 * A clock that never goes back. */
#ifndef SVF_CORE_CLOCK_H
#define SVF_CORE_CLOCK_H

#include <time.h>

/* Seconds since some fixed moment. The file that includes this needs _POSIX_C_SOURCE 199309L or
 * later. */
static inline double svf_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
