/* SPDX-License-Identifier: Apache-2.0
 *
 * Children of fork, and numbers of threads that the environment asks for. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/core/openmp.h"
#include "tests/unit/small_layer.h"

enum { HANGS = 1000 }; /* seconds */

static float wanted[ROWS * M];

/* The exit status of a child that carries out a call in `threads` shares: 0 if it has the bits. */
static int in_child(const svf_matmul_args *a, size_t threads)
{
  int status = 0;
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    alarm(HANGS); /* a call that waits for threads that are not there waits for ever */
    memset(y, 0xff, sizeof y);
    _exit(svf_matmul(a, threads, workspace, sizeof workspace) != SVF_OK ||
          memcmp(y, wanted, sizeof y) != 0);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return status;
}

/* svf_openmp_work */
static void count(void *context, size_t ith, size_t nth)
{
  if (ith == 0) *(size_t *)context = nth;
}

static size_t threads_of_two(void)
{
  size_t threads = 0;
  svf_openmp_run(2, count, &threads);
  return threads;
}

/* What a process does on one thread takes no threads from its children. */
static void on_one_thread(void *context)
{
  ck_works(svf_matmul(context, 2, workspace, sizeof workspace));
}

START_TEST(a_child_has_threads_if_its_parent_used_none)
{
  svf_matmul_args a = valid_call();
  int status = 0;
  ck_works(svf_keep_team(1, on_one_thread, &a));
  memcpy(wanted, y, sizeof y);
  ck_assert_int_eq(in_child(&a, 2), 0);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    alarm(HANGS);
    _exit((int)threads_of_two());
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status));
  ck_assert_uint_eq((size_t)WEXITSTATUS(status), threads_of_two());
}
END_TEST

START_TEST(a_child_of_fork_computes)
{
  const svf_matmul_args a = valid_call();
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  memcpy(wanted, y, sizeof y);
  ck_assert_int_eq(in_child(&a, 2), 0);
  ck_works(svf_matmul(&a, 2, workspace, sizeof workspace));
  for (size_t threads = 0; threads < 4; ++threads) ck_assert_int_eq(in_child(&a, threads), 0);
  ck_works(svf_matmul(&a, 2, workspace, sizeof workspace));
}
END_TEST

static void have_child(void *context)
{
  const svf_matmul_args *a = context;
  ck_works(svf_matmul(a, 2, workspace, sizeof workspace));
  ck_assert_int_eq(in_child(a, 2), 0);
  ck_works(svf_matmul(a, 2, workspace, sizeof workspace));
}

START_TEST(a_child_of_a_team_that_is_kept)
{
  svf_matmul_args a = valid_call();
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  memcpy(wanted, y, sizeof y);
  ck_works(svf_keep_team(2, have_child, &a));
}
END_TEST

typedef struct share {
  const svf_plan *plan;
  int stage;
} share;

static void *run_share(void *argument)
{
  const share *s = argument;
  svf_matmul_stage(s->plan, s->stage, 1);
  return NULL;
}

/* A call in two shares, one of them on a thread made for it; false if it cannot be made. */
static bool on_own_threads(const svf_matmul_args *a)
{
  svf_plan plan;
  if (svf_matmul_plan(&plan, a, 2, workspace, sizeof workspace) != SVF_OK) return false;
  for (int stage = svf_matmul_next_stage(&plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(&plan, stage + 1)) {
    share other = {&plan, stage};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_share, &other) != 0) return false;
    svf_matmul_stage(&plan, stage, 0);
    pthread_join(thread, NULL);
  }
  return true;
}

START_TEST(a_child_of_fork_has_threads_of_its_own)
{
  const svf_matmul_args a = valid_call();
  int status = 0;
  ck_works(svf_matmul(&a, 2, workspace, sizeof workspace));
  memcpy(wanted, y, sizeof y);
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    alarm(HANGS);
    memset(y, 0xff, sizeof y);
    _exit(!on_own_threads(&a) || memcmp(y, wanted, sizeof y) != 0);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
}
END_TEST

typedef struct usual {
  size_t threads, bytes;
} usual;

static void call_as_outside(void *context)
{
  const usual *outside = context;
  const svf_matmul_args a = valid_call();
  ck_assert_uint_eq(svf_max_threads(), outside->threads);
  ck_works(svf_matmul(&a, 0, workspace, outside->bytes));
}

/* Run by ctest with OMP_NUM_THREADS of all kinds. */
START_TEST(any_number_of_threads)
{
  const svf_matmul_args a = valid_call();
  const size_t threads = svf_max_threads();
  size_t bytes;
  ck_assert_uint_ge(threads, 1);
  ck_assert_uint_le(threads, 4 * (size_t)sysconf(_SC_NPROCESSORS_ONLN));
  ck_works(svf_matmul_workspace(&a, threads, &bytes));
  ck_assert_uint_le(bytes, sizeof workspace);
  ck_works(svf_matmul(&a, 0, workspace, bytes));
  ck_works(svf_keep_team(0, call_as_outside, &(usual){threads, bytes}));
}
END_TEST

/* The first one needs a process that has not used OpenMP yet. */
SUITE("process", a_child_has_threads_if_its_parent_used_none, a_child_of_fork_computes,
      a_child_of_a_team_that_is_kept, a_child_of_fork_has_threads_of_its_own, any_number_of_threads)
