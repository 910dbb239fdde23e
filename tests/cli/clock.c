/* SPDX-License-Identifier: Apache-2.0
 *
 * To be loaded before a program (LD_PRELOAD): the monotonic clock is a minute later each time. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *t)
{
  enum { MINUTE = 60 };
  static atomic_long turns;
  const int result = (int)syscall(SYS_clock_gettime, clock, t);
  if (result == 0 && clock == CLOCK_MONOTONIC) t->tv_sec += MINUTE * ++turns;
  return result;
}
