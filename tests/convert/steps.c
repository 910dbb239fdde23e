/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that run at once: who begins them, how many there are, and which failure is reported. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "src/convert/steps.h"
#include "tests/unit/suite.h"

enum { STEPS = 24 };

typedef struct record {
  pthread_t caller;
  size_t begun; /* steps, all of them lower ones */
  atomic_size_t ended, running, most, bytes, most_bytes;
  size_t refused;    /* the step that `begin` refuses */
  size_t failing[2]; /* steps that fail */
  size_t together;   /* that many first steps end only once all of them run */
  size_t waiting;    /* a step that ends only after `until` others have */
  size_t until;
  pthread_t runner[STEPS];
} record;

static record fresh(void)
{
  return (record){
      .caller = pthread_self(), .refused = STEPS, .failing = {STEPS, STEPS}, .waiting = STEPS};
}

static void raise_to(atomic_size_t *most, size_t value)
{
  for (size_t seen = *most; seen < value && !atomic_compare_exchange_weak(most, &seen, value);)
    continue;
}

static size_t bytes_of(void *context, size_t step)
{
  (void)context;
  return 1 + step % 5;
}

static svf_status begin(void *context, size_t step)
{
  record *r = context;
  ck_assert(pthread_equal(pthread_self(), r->caller));
  ck_assert_uint_eq(step, r->begun);
  if (step == r->refused) return svf_set_message(SVF_ERR_STOPPED, "refused");
  ++r->begun;
  return SVF_OK;
}

/* Takes long enough that others begin. */
static svf_status run(void *context, size_t step)
{
  char text[32];
  record *r = context;
  raise_to(&r->most, atomic_fetch_add(&r->running, 1) + 1);
  raise_to(&r->most_bytes, atomic_fetch_add(&r->bytes, bytes_of(r, step)) + bytes_of(r, step));
  while (step < r->together && r->most < r->together) (void)sched_yield();
  while (step == r->waiting && r->ended < r->until) (void)sched_yield();
  nanosleep(&(struct timespec){0, 1000000}, NULL);
  r->runner[step] = pthread_self();
  r->bytes -= bytes_of(r, step);
  --r->running;
  ++r->ended;
  if (step != r->failing[0] && step != r->failing[1]) return SVF_OK;
  snprintf(text, sizeof text, "step %zu", step);
  return svf_set_message(SVF_ERR_NUMERIC, text);
}

static svf_status run_steps(record *r, size_t threads, size_t memory)
{
  return svf_steps_run(&(svf_steps){.count = STEPS,
                                    .threads = threads,
                                    .memory = memory,
                                    .bytes = bytes_of,
                                    .begin = begin,
                                    .run = run,
                                    .context = r});
}

START_TEST(all_run_at_once)
{
  for (size_t threads = 0; threads < 5; ++threads) {
    record r = fresh();
    r.together = threads;
    ck_works(run_steps(&r, threads, SIZE_MAX));
    ck_assert(r.begun == STEPS && r.ended == STEPS && r.running == 0);
    ck_assert_uint_eq(r.most, threads > 0 ? threads : 1);
  }
}
END_TEST

/* The caller only begins steps, unless it is alone. */
START_TEST(workers_run_them)
{
  for (size_t threads = 1; threads < 4; ++threads) {
    record r = fresh();
    ck_works(run_steps(&r, threads, SIZE_MAX));
    for (size_t i = 0; i < STEPS; ++i) {
      ck_assert(!pthread_equal(r.runner[i], r.caller) == (threads > 1));
    }
  }
}
END_TEST

START_TEST(memory_bounds_them)
{
  for (size_t memory = 1; memory < 16; ++memory) {
    record r = fresh();
    if (memory >= 1 + 2 + 3 + 4) r.together = 4;
    ck_works(run_steps(&r, 4, memory));
    ck_assert_uint_eq(r.ended, STEPS);
    ck_assert_uint_le(r.most_bytes, memory > 5 ? memory : 5);
    if (memory == 1) ck_assert_uint_eq(r.most, 1);
  }
}
END_TEST

/* Steps 2 and 3 fail, either one last. */
START_TEST(the_lowest_failure_is_reported)
{
  for (size_t last = 2; last < 4; ++last) {
    record r = fresh();
    r.failing[0] = 2;
    r.failing[1] = 3;
    r.together = 4;
    r.waiting = last;
    r.until = 3;
    ck_fails(run_steps(&r, 4, SIZE_MAX), SVF_ERR_NUMERIC, "step 2");
    ck_assert(r.ended == r.begun && r.running == 0);
  }
}
END_TEST

START_TEST(a_stop_lets_them_end)
{
  for (size_t threads = 1; threads < 4; ++threads) {
    record r = fresh();
    r.refused = 7;
    ck_fails(run_steps(&r, threads, SIZE_MAX), SVF_ERR_STOPPED, "refused");
    ck_assert(r.begun == 7 && r.ended == 7 && r.running == 0);
  }
}
END_TEST

SUITE("steps", all_run_at_once, workers_run_them, memory_bounds_them,
      the_lowest_failure_is_reported, a_stop_lets_them_end)
