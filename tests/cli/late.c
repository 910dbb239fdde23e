/* SPDX-License-Identifier: Apache-2.0
 *
 * To be loaded before a program (LD_PRELOAD): the first thread, other than the main one, that is
 * about to make a file sends its process SIGTERM, and goes on only when the process says that it
 * ends; the process ends only once that file has been made and nothing is in it, or after a
 * second. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_bool sent, says_so, made;

static bool is_main(void) { return syscall(SYS_gettid) == getpid(); }

static void wait_for(const atomic_bool *what)
{
  const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
  for (int i = 0; i < 100 && !*what; ++i) nanosleep(&pause, NULL);
}

int openat(int directory, const char *name, int flags, ...)
{
  va_list list;
  va_start(list, flags);
  const unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
  va_end(list);
  const bool is_late = flags & O_CREAT && !is_main() && !atomic_exchange(&sent, true);
  if (is_late) {
    kill(getpid(), SIGTERM);
    wait_for(&says_so);
  }
  const int fd = (int)syscall(SYS_openat, directory, name, flags, mode);
  if (is_late) made = true;
  while (is_late) pause();
  return fd;
}

ssize_t write(int fd, const void *data, size_t bytes)
{
  if (fd == STDERR_FILENO && is_main()) {
    says_so = true;
    wait_for(&made);
  }
  return syscall(SYS_write, fd, data, bytes);
}
