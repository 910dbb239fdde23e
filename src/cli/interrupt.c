/* SPDX-License-Identifier: Apache-2.0
 *
 * A signal may find the process anywhere, also where it waits and would never ask whether there was
 * one: in a decomposition of minutes, or in writing to a pipe that nobody reads. So the handler
 * does all that is needed by itself, with functions that are safe there. It runs on the main
 * thread, which writes all files: none can appear after it has looked for them. */
#define _GNU_SOURCE
#include "src/cli/interrupt.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/cli/fail.h"

enum { GRACE = 10 /* seconds */, WORDS = 128, ENTRIES = 1 << 15 };

static struct {
  volatile sig_atomic_t seen, deferred;
  pthread_t main;
  char directory[PATH_MAX]; /* "": none */
  char notice[WORDS];
  char mark[32]; /* in the names of this process's temporary files */
} state;

/* A file that is being written beside its place is called ".<name>.<pid>-<number>.tmp". */
static bool is_temporary(const char *name)
{
  const size_t length = strlen(name);
  return name[0] == '.' && length > 4 && strcmp(name + length - 4, ".tmp") == 0 &&
         strstr(name, state.mark);
}

/* readdir would allocate. */
static void remove_temporaries(void)
{
  static union {
    char bytes[ENTRIES];
    struct dirent64 aligned;
  } list;
  const int fd = open(state.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (long n; fd >= 0 && (n = syscall(SYS_getdents64, fd, list.bytes, sizeof list.bytes)) > 0;) {
    for (long at = 0; at < n;) {
      const struct dirent64 *e = (const void *)(list.bytes + at);
      if (is_temporary(e->d_name)) (void)unlinkat(fd, e->d_name, 0);
      at += e->d_reclen;
    }
  }
}

static void end_now(void)
{
  if (*state.directory) remove_temporaries();
  cli_progress_wipe();
  (void)!write(STDERR_FILENO, state.notice, strlen(state.notice));
  _exit(EXIT_INTERRUPTED);
}

static void on_signal(int number)
{
  if (!pthread_equal(pthread_self(), state.main)) {
    pthread_kill(state.main, number);
    return;
  }
  if (!state.deferred || state.seen) end_now();
  state.seen = 1;
  alarm(GRACE);
}

void cli_catch_interrupts(const svf_command *command, const char *words, const char *directory)
{
  static const int numbers[] = {SIGINT, SIGTERM, SIGALRM};
  struct sigaction action = {.sa_flags = SA_RESTART};
  state.main = pthread_self();
  snprintf(state.directory, sizeof state.directory, "%s", directory ? directory : "");
  snprintf(state.notice, sizeof state.notice, "svf %s: %s\n", command->name, words);
  snprintf(state.mark, sizeof state.mark, ".%ld-", (long)getpid());
  action.sa_handler = on_signal;
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
    sigaction(numbers[i], &action, NULL);
  }
}

void cli_defer_interrupts(void) { state.deferred = 1; }

bool cli_interrupted(void) { return state.seen != 0; }

void cli_resume_interrupts(void)
{
  alarm(0);
  state.deferred = 0;
}
