/* SPDX-License-Identifier: Apache-2.0
 *
 * A signal may find the process anywhere, also where it waits and would never ask whether there was
 * one: in a decomposition of minutes, or in writing to a pipe that nobody reads. So the handler
 * does all that is needed by itself, with functions that are safe there. It runs on the main
 * thread. Other threads write files in a decomposition: they are held before it looks for what has
 * to be removed. */
#define _GNU_SOURCE
#include "src/cli/interrupt.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "src/cli/fail.h"

enum { GRACE = 10 /* seconds */, WORDS = 128, ENTRIES = 1 << 15, DESCRIPTORS = 1024 };

static struct {
  volatile sig_atomic_t seen, deferred;
  pthread_t main;
  char directory[PATH_MAX]; /* where temporary files are; "": none */
  char made[PATH_MAX];      /* the path to the directory that this job makes; "": none */
  size_t first;             /* bytes of the first directory on that path that was missing */
  char notice[WORDS];
  char mark[32]; /* in the names of this process's temporary files */
  atomic_bool is_ending;
  atomic_size_t held; /* threads that stay in the handler */
  size_t others;      /* threads that were sent the signal */
  int number;         /* of the signal */
} state;

/* Calls `use` for each entry of a directory; readdir would allocate. */
static void for_each_entry(const char *path, void (*use)(int directory, const char *name))
{
  static union {
    char bytes[ENTRIES];
    struct dirent64 aligned;
  } list;
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  for (long n; (n = syscall(SYS_getdents64, fd, list.bytes, sizeof list.bytes)) > 0;) {
    for (long at = 0; at < n;) {
      const struct dirent64 *e = (const void *)(list.bytes + at);
      use(fd, e->d_name);
      at += e->d_reclen;
    }
  }
  (void)close(fd);
}

/* --- Other threads ---------------------------------------------------------------------------- */

/* In the handler, where all signals are blocked. */
static void stay(void)
{
  atomic_fetch_add(&state.held, 1);
  for (;;) pause();
}

static void signal_thread(int directory, const char *name)
{
  long id = 0;
  (void)directory;
  for (; *name >= '0' && *name <= '9'; ++name) id = 10 * id + (*name - '0');
  if (id == 0 || id == getpid()) return;
  ++state.others;
  (void)syscall(SYS_tgkill, (long)getpid(), id, (long)state.number);
}

/* Every other thread gets the signal before it executes another instruction of its own, so what it
 * has begun to open is open by then. One that the kernel keeps is not waited for any longer than
 * this; it too gets the signal first. */
static void hold_threads(int number)
{
  enum { TURNS = 2000 };
  const struct timespec turn = {.tv_nsec = 1000 * 1000};
  state.number = number;
  atomic_store(&state.is_ending, true);
  for (int i = 0; i < TURNS; ++i) {
    state.others = 0;
    for_each_entry("/proc/self/task", signal_thread);
    if (atomic_load(&state.held) >= state.others) return;
    nanosleep(&turn, NULL);
  }
}

/* --- Temporary files -------------------------------------------------------------------------- */

/* A file that is being written beside its place is called ".<name>.<pid>-<number>.tmp". */
static bool is_temporary(const char *name)
{
  const size_t length = strlen(name);
  return name[0] == '.' && length > 4 && strcmp(name + length - 4, ".tmp") == 0 &&
         strstr(name, state.mark);
}

static void remove_temporary(int directory, const char *name)
{
  if (is_temporary(name)) (void)unlinkat(directory, name, 0);
}

/* --- Directories that the job made ------------------------------------------------------------ */

/* The bytes of the first directory on the path that is missing; 0 if none is. */
static size_t first_missing(char *path)
{
  const size_t length = strlen(path);
  for (size_t i = 1; i <= length; ++i) {
    const char after = path[i];
    if (after && after != '/') continue;
    path[i] = 0;
    const bool is_missing = access(path, F_OK) != 0;
    path[i] = after;
    if (is_missing) return i;
  }
  return 0;
}

/* True for "/.." before a slash or the end. */
static bool leads_up(const char *at)
{
  return strncmp(at, "/..", 3) == 0 && (at[3] == 0 || at[3] == '/');
}

/* Below a directory that is missing all are, up to "..": in "new/../old", `old` may be there. */
static void note_directories(const char *out)
{
  const size_t bytes = strlen(out) + 1;
  if (bytes > sizeof state.made) return; /* the library refuses it */
  memcpy(state.made, out, bytes);
  size_t end = state.first = first_missing(state.made);
  while (end > 0 && state.made[end] && !leads_up(state.made + end)) ++end;
  state.made[end] = 0;
}

/* False if another job writes to the directory. This one gives its own lock up first: it may hold
 * one on a descriptor that is not known here. */
static bool lock_alone(const char *path)
{
  struct stat directory, s;
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &directory) != 0) return fd < 0;
  for (int i = STDERR_FILENO + 1; i < DESCRIPTORS; ++i) {
    if (i == fd || fstat(i, &s) != 0) continue;
    if (s.st_dev == directory.st_dev && s.st_ino == directory.st_ino) (void)close(i);
  }
  return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* As svf_conversion_close would have done. */
static void remove_directories(void)
{
  if (!*state.made || !lock_alone(state.made)) return;
  for (size_t end = strlen(state.made); end >= state.first; --end) {
    if (state.made[end] && state.made[end] != '/') continue;
    state.made[end] = 0;
    (void)rmdir(state.made); /* unless it is empty, it stays */
  }
}

/* --- Signals ---------------------------------------------------------------------------------- */

static void end_now(int number)
{
  if (*state.directory) {
    hold_threads(number);
    for_each_entry(state.directory, remove_temporary);
  }
  remove_directories();
  cli_progress_wipe();
  (void)!write(STDERR_FILENO, state.notice, strlen(state.notice));
  _exit(EXIT_INTERRUPTED);
}

static void on_signal(int number)
{
  if (!pthread_equal(pthread_self(), state.main)) {
    if (atomic_load(&state.is_ending)) stay();
    pthread_kill(state.main, number);
    return;
  }
  if (!state.deferred || state.seen) end_now(number);
  state.seen = 1;
  alarm(GRACE);
}

/* A shell lets jobs in the background ignore SIGINT, which is for the one in the foreground. */
static void catch_unless_ignored(int number, const struct sigaction *action)
{
  struct sigaction before;
  if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
  sigaction(number, action, NULL);
}

void cli_catch_interrupts(const svf_command *command, const char *words, const char *out)
{
  struct sigaction action = {.sa_flags = SA_RESTART};
  state.main = pthread_self();
  if (out) note_directories(out);
  if (out) cli_clean_when_interrupted(out);
  snprintf(state.notice, sizeof state.notice, "svf %s: %s\n", command->name, words);
  snprintf(state.mark, sizeof state.mark, ".%ld-", (long)getpid());
  action.sa_handler = on_signal;
  sigfillset(&action.sa_mask);
  catch_unless_ignored(SIGINT, &action);
  catch_unless_ignored(SIGTERM, &action);
  sigaction(SIGALRM, &action, NULL);
}

void cli_clean_when_interrupted(const char *directory)
{
  snprintf(state.directory, sizeof state.directory, "%s", directory);
}

void cli_defer_interrupts(void) { state.deferred = 1; }

bool cli_interrupted(void) { return state.seen != 0; }

void cli_resume_interrupts(void)
{
  alarm(0);
  state.deferred = 0;
}
