/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads at once on one packed layer: calls of their own, shares of a common one with a
 * barrier between the stages, and the dispatch table. For ThreadSanitizer. */
#define _GNU_SOURCE
#include <fenv.h>
#include <pthread.h>
#include <time.h>

#include "src/matmul/run.h"
#include "tests/unit/small_layer.h"

enum { THREADS = 4, TURNS = 50, PARTS = 7 };

typedef struct worker {
  pthread_t thread;
  size_t ith;
  const svf_matmul_args *args;
  const svf_plan *plan;
  pthread_barrier_t *barrier;
  int failures;
} worker;

static void start(worker *w, void *(*run)(void *))
{
  ck_assert_int_eq(pthread_create(&w->thread, NULL, run, w), 0);
}

static void *own_calls(void *argument)
{
  worker *w = argument;
  svf_matmul_args a = *w->args;
  float mine[ROWS * M];
  void *space = aligned_alloc(64, 1 << 16);
  a.y = mine;
  for (int turn = 0; turn < TURNS && space; ++turn) {
    a.isa = turn % 2 ? SVF_ISA_AUTO : SVF_ISA_REF;
    if (svf_matmul(&a, 1, space, 1 << 16) != SVF_OK || memcmp(mine, y, sizeof mine) != 0) {
      ++w->failures;
    }
    if (!svf_isa_supported(svf_isa_selected())) ++w->failures;
    /* An error on this thread must not disturb the others. */
    if (svf_matmul(&a, 1, space, 0) != SVF_ERR_SPACE) ++w->failures;
  }
  free(space);
  return NULL;
}

START_TEST(independent_calls)
{
  const svf_matmul_args a = valid_call();
  worker workers[THREADS];
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  for (size_t i = 0; i < THREADS; ++i) {
    workers[i] = (worker){.ith = i, .args = &a};
    start(&workers[i], own_calls);
  }
  for (size_t i = 0; i < THREADS; ++i) {
    pthread_join(workers[i].thread, NULL);
    ck_assert_int_eq(workers[i].failures, 0);
  }
}
END_TEST

static void *parts(void *argument)
{
  const worker *w = argument;
  for (int stage = svf_matmul_next_stage(w->plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(w->plan, stage + 1)) {
    for (size_t i = w->ith; i < PARTS; i += THREADS) svf_matmul_stage(w->plan, stage, i);
    pthread_barrier_wait(w->barrier);
  }
  return NULL;
}

START_TEST(parts_of_one_call)
{
  const svf_matmul_args a = valid_call();
  float want[ROWS * M];
  worker workers[THREADS];
  pthread_barrier_t barrier;
  svf_plan plan;
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  memcpy(want, y, sizeof want);
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (int turn = 0; turn < TURNS; ++turn) {
    memset(y, 0xff, sizeof y);
    ck_works(svf_matmul_plan(&plan, &a, PARTS, workspace, sizeof workspace));
    for (size_t i = 0; i < THREADS; ++i) {
      workers[i] = (worker){.ith = i, .plan = &plan, .barrier = &barrier};
      start(&workers[i], parts);
    }
    for (size_t i = 0; i < THREADS; ++i) pthread_join(workers[i].thread, NULL);
    ck_assert_mem_eq(y, want, sizeof want);
  }
  pthread_barrier_destroy(&barrier);
}
END_TEST

typedef struct late_team {
  const svf_plan *plan;
  size_t late;
} late_team;

static void run_late(void *context, svf_member *m)
{
  const late_team *t = context;
  const struct timespec while_others_finish = {.tv_nsec = 50 * 1000 * 1000};
  if (m->ith == t->late) nanosleep(&while_others_finish, NULL);
  svf_plan_run(t->plan, m);
}

/* Whichever thread is late, others do what it would have done. */
START_TEST(a_thread_is_late)
{
  const svf_matmul_args a = valid_call();
  float want[ROWS * M];
  svf_plan plan;
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  memcpy(want, y, sizeof want);
  for (size_t shares = 2; shares <= PARTS; shares += PARTS - 2) {
    for (size_t late = 0; late < 2; ++late) {
      memset(workspace, 0xff, sizeof workspace); /* NaN */
      memset(y, 0xff, sizeof y);
      ck_works(svf_matmul_plan(&plan, &a, shares, workspace, sizeof workspace));
      svf_team_run(2, run_late, &(late_team){&plan, late});
      ck_assert_mem_eq(y, want, sizeof want);
    }
  }
}
END_TEST

/* Calls in more and in fewer shares than the team has threads. */
static void call_often(void *context)
{
  const svf_matmul_args *a = context;
  float want[ROWS * M];
  ck_works(svf_matmul(a, 1, workspace, sizeof workspace));
  memcpy(want, y, sizeof want);
  for (size_t i = 0; i < TURNS; ++i) {
    memset(y, 0xff, sizeof y);
    ck_works(svf_matmul(a, i % (THREADS + 1), workspace, sizeof workspace));
    ck_assert_mem_eq(y, want, sizeof want);
  }
}

START_TEST(calls_of_a_team_that_is_kept)
{
  svf_matmul_args a = valid_call();
  for (size_t threads = 0; threads <= THREADS; ++threads) {
    ck_works(svf_keep_team(threads, call_often, &a));
  }
  ck_fails(svf_keep_team(2, NULL, NULL), SVF_ERR_NULL, "body is NULL");
}
END_TEST

/* Threads of the runtime keep the mode they were made with; a call runs in its caller's. */
static void round_upward(void *context)
{
  const svf_matmul_args *a = context;
  float nearest[ROWS * M], want[ROWS * M];
  ck_works(svf_matmul(a, 2, workspace, sizeof workspace));
  memcpy(nearest, y, sizeof nearest);
  ck_assert_int_eq(fesetround(FE_UPWARD), 0);
  ck_works(svf_matmul(a, 1, workspace, sizeof workspace));
  memcpy(want, y, sizeof want);
  for (int i = 0; i < TURNS; ++i) {
    ck_works(svf_matmul(a, 2, workspace, sizeof workspace));
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    ck_assert_mem_eq(y, want, sizeof want);
  }
  fesetround(FE_TONEAREST);
  ck_assert_mem_ne(y, nearest, sizeof want);
}

START_TEST(rounding_of_the_caller)
{
  svf_matmul_args a = valid_call();
  for (size_t i = 0; i < ROWS * N; ++i) x[i] = 1.0f / (float)(i + 3);
  round_upward(&a);
  ck_works(svf_keep_team(2, round_upward, &a));
}
END_TEST

static double distance(const float *a, const float *b)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < ROWS * M; ++i) {
    error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    power += (double)b[i] * b[i];
  }
  return error / power;
}

/* Elements become integers of at most 127 or 16256 in every mode: the next one is negative. */
START_TEST(integers_in_every_mode)
{
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};
  for (size_t f = 0; f < svf_format_count(); ++f) {
    svf_matmul_args a = valid_call();
    svf_linear_source s = valid_source();
    s.format = svf_format_at(f);
    for (size_t i = 0; i < ROWS * N; ++i) x[i] = 1.0f / (float)(i + 3);
    for (int i = 0; i < M * R; ++i) u[i] = 1.0f / (float)(i + 3);
    ck_works(svf_linear_pack(&s, block, sizeof block));
    static unsigned char packed[sizeof block];
    memcpy(packed, block, sizeof block);
    float want[ROWS * M];
    a.isa = SVF_ISA_REF;
    ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
    memcpy(want, y, sizeof want);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; ++i) {
      ck_assert_int_eq(fesetround(modes[i]), 0);
      feraiseexcept(FE_INVALID);
      ck_works(svf_linear_pack(&s, block, sizeof block));
      ck_assert_int_eq(fegetround(), modes[i]);
      ck_assert_int_ne(fetestexcept(FE_INVALID), 0); /* the caller's flag */
      for (size_t n = 0; n < svf_isa_count(); ++n) {
        a.isa = svf_isa_at(n);
        if (!svf_isa_supported(a.isa)) continue;
        ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
        ck_assert_double_lt(distance(y, want), 1e-3);
      }
      fesetround(FE_TONEAREST);
      ck_assert_mem_eq(block, packed, sizeof packed);
    }
  }
}
END_TEST

SUITE("threads", independent_calls, parts_of_one_call, a_thread_is_late,
      calls_of_a_team_that_is_kept, rounding_of_the_caller, integers_in_every_mode)
