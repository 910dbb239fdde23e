/* SPDX-License-Identifier: Apache-2.0
 *
 * Killed before, or refused by the disk at, each system call that makes a file: what is left is
 * never taken for a model, and the same call again makes the files that one undisturbed makes. The
 * linker sends these calls here (--wrap, see transformer.cmake). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

/* --- Calls ------------------------------------------------------------------------------------ */

static int calls, kill_at, refuse_at; /* the first is 1; 0: none */

static bool refused(void)
{
  ++calls;
  if (calls == kill_at) raise(SIGKILL);
  if (calls != refuse_at) return false;
  errno = ENOSPC;
  return true;
}

ssize_t __real_write(int fd, const void *data, size_t bytes);
int __real_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
int __wrap_fsync(int fd);
int __wrap_renameat(int from, const char *old, int to, const char *new);

/* A disk that becomes full takes only some of the bytes. */
ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
  if (!refused()) return __real_write(fd, data, bytes);
  (void)__real_write(fd, data, bytes / 2);
  errno = ENOSPC;
  return -1;
}

int __wrap_fsync(int fd) { return refused() ? -1 : __real_fsync(fd); }

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
  return refused() ? -1 : __real_renameat(from, old, to, new);
}

/* --- Jobs ------------------------------------------------------------------------------------- */

static golden g;
static char factors[256];

static svf_status decompose(const char *out)
{
  const svf_decompose_options o = {.size = sizeof o, .layers = SVF_DECOMPOSE_MLP, .threads = 1};
  return svf_model_decompose(g.dir, out, svf_svd, &o);
}

static svf_status pack(const char *out)
{
  const svf_model_options o = {.size = sizeof o, .format = SVF_FORMAT_W84, .threads = 1};
  return pack_with(factors, out, &o, 0);
}

static svf_status merge(const char *out)
{
  return merge_with(factors, out, NULL, SVF_DTYPE_F32, 0, NULL, NULL);
}

static svf_status merge_apart(const char *out)
{
  return merge_with(factors, out, NULL, SVF_DTYPE_BF16, 40000, NULL, NULL);
}

/* By stat: not every file system says what a directory's entries are. */
static bool is_file(DIR *d, const char *name)
{
  struct stat info;
  ck_assert_int_eq(fstatat(dirfd(d), name, &info, AT_SYMLINK_NOFOLLOW), 0);
  return S_ISREG(info.st_mode);
}

/* Two directories hold the same files, but for the times in a report. */
static void same_files(const char *a, const char *b)
{
  int balance = 0;
  DIR *d = opendir(a);
  for (struct dirent *e; (e = readdir(d)) != NULL; ++balance) {
    if (is_file(d, e->d_name) && strcmp(e->d_name, "decomposition.json") != 0) {
      same_file(a, b, e->d_name);
    }
  }
  closedir(d);
  d = opendir(b);
  while (readdir(d)) --balance;
  closedir(d);
  ck_assert_msg(balance == 0, "%s and %s: %d files more", a, b, balance);
}

/* After its last rename a job is done; nothing opens before. */
static bool is_done(const char *out)
{
  svf_model *model = NULL;
  const bool opens = svf_model_open(out, NULL, &model) == SVF_OK;
  svf_model_close(model);
  return opens;
}

static void killed(svf_status (*job)(const char *), const char *out, int at)
{
  const pid_t child = fork();
  int how = 0;
  if (child == 0) {
    calls = 0;
    kill_at = at;
    job(out);
    _exit(0);
  }
  ck_assert_int_eq(waitpid(child, &how, 0), child);
  ck_assert_msg(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "not killed at call %d", at);
}

static void no_space(svf_status (*job)(const char *), const char *out, int at)
{
  calls = 0;
  refuse_at = at;
  ck_fails(job(out), SVF_ERR_IO, "No space left on device");
  refuse_at = 0;
  ck_assert_ptr_nonnull(strstr(svf_last_message(), out));
  DIR *d = opendir(out);
  if (!d) { /* nothing was made yet */
    ck_assert_int_eq(errno, ENOENT);
    return;
  }
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    ck_assert_msg(!strstr(e->d_name, ".tmp"), "call %d: %s is left", at, e->d_name);
  }
  closedir(d);
}

static void disturb(svf_status (*job)(const char *), const char *name, int at_least)
{
  char whole[256], out[256];
  snprintf(whole, sizeof whole, "%s", temp_path("%s", name));
  calls = 0;
  ck_works(job(whole));
  const int all = calls;
  ck_assert_int_ge(all, at_least);
  for (int i = 0; i < 2 * all; ++i) {
    snprintf(out, sizeof out, "%s", temp_path("%s-%d", name, i));
    (i % 2 ? killed : no_space)(job, out, i / 2 + 1);
    if (!is_done(out)) ck_works(job(out));
    same_files(whole, out);
    nftw(out, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);
  }
}

static void setup(void)
{
  temp_make();
  g = golden_open("smollm");
  snprintf(factors, sizeof factors, "%s", temp_path("factors"));
  ck_works(decompose(factors));
}

static void teardown(void)
{
  svf_safetensors_close(g.file);
  temp_remove();
}

START_TEST(at_every_call)
{
  setup();
  disturb(decompose, "decompose", 50);
  disturb(pack, "pack", 20);
  disturb(merge, "merge", 20);
  disturb(merge_apart, "apart", 30);
  teardown();
}
END_TEST

/* A limit on the size of files behaves as a full disk does: the largest files do not fit. */
START_TEST(files_that_are_too_large)
{
  svf_status (*const jobs[])(const char *) = {decompose, pack, merge, merge_apart};
  struct rlimit old, limit;
  svf_model *model = NULL;
  setup();
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  for (int i = 0; i < 12; ++i) {
    const char *out = temp_path("limited-%d", i / 3);
    limit = old;
    limit.rlim_cur = (rlim_t)(500 + i % 3 * 9000);
    setrlimit(RLIMIT_FSIZE, &limit);
    const svf_status status = jobs[i / 3](out);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_assert_int_eq(status, SVF_ERR_IO);
    ck_assert_int_ne(svf_model_open(out, NULL, &model), SVF_OK);
  }
  for (int i = 0; i < 4; ++i) ck_works(jobs[i](temp_path("limited-%d", i)));
  teardown();
}
END_TEST

SUITE("crash", at_every_call, files_that_are_too_large)
