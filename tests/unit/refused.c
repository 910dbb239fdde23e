/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a limit refuses threads, calls run on those that there are, with the same bits. The
 * function here takes the place of libc's for OpenMP's runtime, too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "src/core/openmp.h"
#include "tests/unit/small_layer.h"

static atomic_int alive, most; /* threads that were started, and that may be */
static atomic_int refusals;

typedef struct start {
  void *(*run)(void *);
  void *context;
} start;

static void count_end(void *unused)
{
  (void)unused;
  --alive;
}

/* Some threads of OpenMP's runtime end by pthread_exit. */
static void *run_counted(void *context)
{
  const start s = *(start *)context;
  void *result;
  free(context);
  pthread_cleanup_push(count_end, NULL);
  result = s.run(s.context);
  pthread_cleanup_pop(1);
  return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *),
                   void *context)
{
  int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  start *s = malloc(sizeof *s);
  if (++alive > most || !s) {
    --alive;
    ++refusals;
    free(s);
    return EAGAIN;
  }
  *s = (start){run, context};
  return real(thread, how, run_counted, s);
}

/* svf_openmp_work */
static void count(void *context, size_t ith, size_t nth)
{
  (void)ith, (void)nth;
  atomic_fetch_add((atomic_size_t *)context, 1);
}

static size_t team_of(size_t threads)
{
  atomic_size_t seen = 0;
  svf_openmp_run(threads, count, &seen);
  return seen;
}

typedef struct allowed {
  size_t others; /* threads that may be started */
  bool exactly;  /* none of an earlier team may still be ending, or be there for reuse */
} allowed;

/* On a thread of its own, for which OpenMP's runtime has started none yet. */
static void *use_teams(void *context)
{
  const allowed *a = context;
  for (size_t threads = 1; threads < 5; ++threads) {
    const size_t wanted = threads < a->others + 1 ? threads : a->others + 1;
    const size_t got = team_of(threads);
    ck_assert(got >= wanted && got <= threads);
    if (a->exactly) ck_assert_uint_eq(got, wanted);
  }
  for (int i = 0; i < 10; ++i) { /* after a smaller team, some of whose threads are ending */
    ck_assert_uint_le(team_of(2), 2);
    ck_assert_uint_le(team_of(4), 4);
  }
  return NULL;
}

START_TEST(teams_are_smaller)
{
  static const size_t others[] = {2, 0, 1, 3, 4};
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
    pthread_t thread;
    allowed a = {.others = others[i], .exactly = alive == 0};
    most = alive + (int)a.others + 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_teams, &a), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
  }
}
END_TEST

START_TEST(calls_have_the_same_bits)
{
  const svf_matmul_args a = valid_call();
  float want[ROWS * M];
  most = 0;
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  memcpy(want, y, sizeof y);
  memset(y, 0xff, sizeof y);
  const int before = refusals;
  ck_works(svf_matmul(&a, 4, workspace, sizeof workspace));
  ck_assert_int_gt(refusals, before); /* or nothing was tested */
  ck_assert_mem_eq(y, want, sizeof y);
}
END_TEST

SUITE("refused", calls_have_the_same_bits, teams_are_smaller)
