/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory that a conversion made and leaves empty is removed, but never from under another job.
 * The linker sends calls of mkdir and rmdir here (--wrap, see convert.cmake). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

static bool is_quicker; /* another job locks a directory as soon as it is made */
static int other_job = -1, removals;

int __real_mkdir(const char *path, mode_t mode);
int __real_rmdir(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rmdir(const char *path);

static int lock(const char *path)
{
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
  const int result = __real_mkdir(path, mode);
  if (result == 0 && is_quicker) other_job = lock(path);
  return result;
}

/* Whoever removes a directory must hold its lock, so that no other job can. */
int __wrap_rmdir(const char *path)
{
  const int fd = lock(path);
  ck_assert_msg(fd < 0, "%s is not locked while it is removed", path);
  ++removals;
  return __real_rmdir(path);
}

/* Refused once its directory is there: a dense model has nothing to merge. */
static svf_status merge_dense(const golden *g, const char *out)
{
  return merge_with(g->dir, out, NULL, SVF_DTYPE_F32, 0, NULL, NULL);
}

START_TEST(an_empty_directory_is_removed_under_its_lock)
{
  temp_make();
  golden g = golden_open("smollm");
  const char *out = temp_path("empty");
  removals = 0;
  ck_fails(merge_dense(&g, out), SVF_ERR_ARGUMENT, "nothing to merge");
  ck_assert_int_eq(removals, 1);
  ck_assert_int_ne(access(out, F_OK), 0);
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

START_TEST(the_directory_of_another_job_stays)
{
  temp_make();
  golden g = golden_open("smollm");
  const char *out = temp_path("theirs");
  removals = 0;
  is_quicker = true;
  ck_fails(merge_dense(&g, out), SVF_ERR_IO, "another job is writing");
  is_quicker = false;
  ck_assert_int_ge(other_job, 0);
  ck_assert_int_eq(removals, 0);
  ck_assert_int_eq(access(out, F_OK), 0);
  close(other_job);
  svf_safetensors_close(g.file);
  temp_remove();
}
END_TEST

SUITE("lock", an_empty_directory_is_removed_under_its_lock, the_directory_of_another_job_stays)
