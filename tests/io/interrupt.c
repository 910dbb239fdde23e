/* SPDX-License-Identifier: Apache-2.0
 *
 * A write that is interrupted, by a kill or a full disk, leaves the file that was there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <svf/safetensors.h>

#include "src/io/file.h"
#include "src/io/output.h"
#include "tests/io/temp.h"

enum { COUNT = 1 << 16, PIECE = 1 << 12 };

static unsigned char data[COUNT];

/* Writes a file of COUNT bytes that are all `value`, in pieces, and is killed after `die_after`
 * bytes (-1: never before commit). */
static svf_status write_value(int value, long die_after)
{
  const svf_safetensors_entry entry = {sizeof entry, "t", SVF_TENSOR_U8, 1, {COUNT}};
  svf_safetensors_writer *writer;
  memset(data, value, sizeof data);
  svf_status status = svf_safetensors_create(temp_path("file"), &entry, 1, NULL, 0, &writer);
  for (size_t at = 0; status == SVF_OK && at < COUNT; at += PIECE) {
    if ((long)at == die_after) raise(SIGKILL);
    status = svf_safetensors_append(writer, data + at, PIECE);
  }
  if (die_after == COUNT) raise(SIGKILL);
  if (status == SVF_OK) return svf_safetensors_commit(&writer);
  svf_safetensors_discard(&writer);
  return status;
}

/* Checks that the file is whole; returns which one it is. */
static int read_value(void)
{
  svf_safetensors *file;
  ck_works(svf_safetensors_open(temp_path("file"), SVF_SAFETENSORS_NO_MMAP, &file));
  const svf_tensor *t = svf_safetensors_at(file, 0);
  ck_assert_uint_eq(t->bytes, COUNT);
  const int value = *(const unsigned char *)t->data;
  memset(data, value, sizeof data);
  ck_assert_mem_eq(t->data, data, COUNT);
  svf_safetensors_close(file);
  return value;
}

START_TEST(killed_at_every_piece)
{
  ck_works(write_value(1, -1));
  int left = temp_count();
  for (long at = 0; at <= COUNT; at += PIECE) {
    const pid_t child = fork();
    int how = 0;
    if (child == 0) {
      write_value(2, at);
      _exit(0); /* must not be reached */
    }
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    ck_assert_int_eq(temp_count(), ++left); /* its temporary, or the test tests nothing */
    ck_assert_int_eq(read_value(), 1);
  }
  ck_works(write_value(3, -1)); /* what killed writers left is in nobody's way */
  ck_assert_int_eq(read_value(), 3);
}
END_TEST

/* Replaces the file for ever by one of the next value, from 1 on, and reports every replacement. */
static void replace_for_ever(int reports)
{
  for (int value = 1;; value = value % 255 + 1) {
    if (write_value(value, -1) != SVF_OK || write(reports, &(char){0}, 1) != 1) _exit(1);
  }
}

/* The replacements that are reported until `count` of them are, or until there will be no more. */
static int reports_of(int reports, int count)
{
  int seen = 0;
  char report;
  while (seen < count && read(reports, &report, 1) == 1) ++seen;
  return seen;
}

/* Killed at any moment after it has replaced the file a few times: the file is whole, and it is the
 * last one that was reported or the one after that. */
START_TEST(killed_at_any_moment)
{
  for (int turn = 0; turn < 40; ++turn) {
    int ends[2];
    ck_works(write_value(0, -1));
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) replace_for_ever(ends[1]);
    close(ends[1]);
    const int before = reports_of(ends[0], 1 + turn % 5);
    for (volatile int moment = 0; moment < turn * 5000; ++moment) continue;
    kill(child, SIGKILL);
    const int all = before + reports_of(ends[0], INT_MAX);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(ends[0]);
    ck_assert_int_eq(before, 1 + turn % 5);
    const int value = read_value(), last = (all - 1) % 255 + 1;
    ck_assert(value == last || value == last % 255 + 1);
  }
}
END_TEST

/* A limit on the size of files behaves as a full disk does. */
START_TEST(disk_full)
{
  const int before = temp_count();
  struct rlimit old, limit;
  ck_works(write_value(1, -1));
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  for (rlim_t bytes = 0; bytes < COUNT; bytes += 9999) {
    limit = old;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    const svf_status status = write_value(2, -1);
    const svf_status replaced = svf_output_replace(temp_path("file"), data, COUNT);
    setrlimit(RLIMIT_FSIZE, &old);
    ck_assert_int_eq(status, SVF_ERR_IO);
    ck_assert_int_eq(replaced, SVF_ERR_IO);
    ck_assert_ptr_nonnull(strstr(svf_last_message(), "/file: cannot write: "));
    ck_assert_int_eq(read_value(), 1);
  }
  ck_assert_int_le(temp_count(), before + 1); /* at most the file itself; no temporaries */
}
END_TEST

/* A write that went wrong cannot be made good by others that succeed. */
START_TEST(failure_sticks)
{
  struct rlimit old, limit;
  svf_output *output;
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  limit = old;
  limit.rlim_cur = 10;
  ck_works(svf_output_open(temp_path("sticks"), &output));
  setrlimit(RLIMIT_FSIZE, &limit);
  const svf_status first = svf_output_write(output, data, 100);
  setrlimit(RLIMIT_FSIZE, &old);
  ck_assert_int_eq(first, SVF_ERR_IO);
  ck_fails(svf_output_write(output, data, 1), SVF_ERR_IO, "/sticks: an earlier write failed");
  ck_fails(svf_output_commit(&output), SVF_ERR_IO, "/sticks: an earlier write failed");
  ck_assert_ptr_null(output);
  ck_assert_int_ne(access(temp_path("sticks"), F_OK), 0);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {killed_at_every_piece, killed_at_any_moment, disk_full,
                                failure_sticks};
  temp_make();
  const int result = run_suite("interrupt", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
