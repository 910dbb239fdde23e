/* SPDX-License-Identifier: Apache-2.0
 *
 * To be loaded before a program (LD_PRELOAD): the process stops itself, as by SIGSTOP, before and
 * after each call of flock, so that a script can act in between. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int fd, int operation)
{
  raise(SIGSTOP);
  const int result = (int)syscall(SYS_flock, fd, operation);
  raise(SIGSTOP);
  return result;
}
