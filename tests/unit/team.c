/* SPDX-License-Identifier: Apache-2.0
 *
 * Teams, their stages and shares. For ThreadSanitizer too. */
#include "src/core/team.h"

#include <stdatomic.h>
#include <time.h>

#include <svf/matmul.h>

#include "tests/unit/suite.h"

enum { SHARES = 4 /* as many as one processor allows */, STAGES = 2000, JOBS = 300 };

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); }

typedef struct stages {
  atomic_int done[SHARES]; /* stages in which each share was carried out */
  int wrong[SHARES];       /* plain memory: the team orders the accesses */
  atomic_int early;        /* ends of stages that came before all shares were carried out */
  size_t shares;
} stages;

/* Each share looks at what all have done in the stage before. Every now and then one takes so long
 * that the others sleep. */
static void count_stages(void *context, svf_member *m)
{
  stages *s = context;
  for (int stage = 0; stage < STAGES; ++stage) {
    for (size_t i; svf_member_next(m, &i);) {
      if (stage % 500 == 10 * (int)i) nap();
      s->wrong[i] += atomic_load_explicit(&s->done[i], memory_order_relaxed) != stage;
      atomic_store_explicit(&s->done[i], stage + 1, memory_order_relaxed);
    }
    for (size_t k = 0; k < s->shares; ++k) atomic_fetch_add(&s->early, s->done[k] <= stage);
    for (size_t i; svf_member_next(m, &i);) {
      for (size_t k = 0; k < m->shares; ++k) s->wrong[i] += s->done[k] != stage + 1;
    }
  }
}

static void ck_counted(const stages *s, int wanted)
{
  for (size_t i = 0; i < SHARES; ++i) {
    ck_assert_int_eq(s->done[i], i < s->shares ? wanted : 0);
    ck_assert_int_eq(s->wrong[i], 0);
  }
  ck_assert_int_eq(s->early, 0);
}

START_TEST(stages_follow_each_other)
{
  for (size_t shares = 1; shares <= SHARES; ++shares) {
    stages s = {.shares = shares};
    svf_team_run(shares, count_stages, &s);
    ck_counted(&s, STAGES);
  }
}
END_TEST

typedef struct late {
  atomic_bool is_over;
  atomic_int in_time, too_late; /* shares */
} late;

/* The others come only after the caller is through: if it waited for them, for ever. */
static void come_late(void *context, svf_member *m)
{
  late *l = context;
  while (m->ith > 0 && !atomic_load(&l->is_over)) nap();
  for (int stage = 0; stage < STAGES; ++stage) {
    for (size_t i; svf_member_next(m, &i);)
      atomic_fetch_add(m->ith == 0 ? &l->in_time : &l->too_late, 1);
  }
  if (m->ith == 0) atomic_store(&l->is_over, true);
}

START_TEST(nobody_waits_for_who_is_late)
{
  late l = {0};
  svf_team_run(SHARES, come_late, &l);
  ck_assert_int_eq(l.in_time, SHARES * STAGES);
  ck_assert_int_eq(l.too_late, 0);
}
END_TEST

static void once(void *context, svf_member *m)
{
  atomic_int *count = context;
  ck_assert_uint_lt(m->ith, m->shares); /* memory of threads is that of as many as shares */
  for (size_t i; svf_member_next(m, &i);) atomic_fetch_add(count, 1);
}

/* Work that gives work: it is done on the thread that gives it. */
static void nested(void *context, svf_member *m)
{
  for (size_t i; svf_member_next(m, &i);) svf_team_run(SHARES, once, context);
}

/* Jobs of all sizes, some so late after the last that the team sleeps. */
static void give_jobs(void *context)
{
  atomic_int *count = context;
  for (size_t job = 0; job < JOBS; ++job) {
    const int before = *count;
    if (job % 100 == 99) nap();
    svf_team_run(job % SHARES + 1, once, count);
    ck_assert_int_eq(*count - before, (int)(job % SHARES) + 1);
  }
  *count = 0;
  svf_team_run(2, nested, count);
  ck_assert_int_eq(*count, 2 * SHARES);
}

static void keep_again(void *context) { ck_works(svf_keep_team(SHARES, give_jobs, context)); }

START_TEST(a_team_is_kept)
{
  atomic_int count = 0;
  for (size_t threads = 1; threads <= SHARES; ++threads) {
    ck_works(svf_keep_team(threads, give_jobs, &count));
    ck_works(svf_keep_team(threads, keep_again, &count));
  }
}
END_TEST

typedef struct dawdler {
  atomic_bool is_in, is_over;
  atomic_int wrong;
} dawdler;

/* One that has nothing left to do is in the work when all shares have been carried out. */
static void dawdle(void *context, svf_member *m)
{
  dawdler *d = context;
  if (m->ith == 0) {
    while (!atomic_load(&d->is_in)) nap();
  }
  for (size_t i; svf_member_next(m, &i);) continue;
  if (m->ith == 0) return;
  atomic_store(&d->is_in, true);
  nap();
  if (atomic_load(&d->is_over)) atomic_fetch_add(&d->wrong, 1);
}

/* The context of a job may be gone once svf_team_run has returned. */
static void wait_for_dawdlers(void *context)
{
  (void)context;
  for (int i = 0; i < 10; ++i) {
    dawdler d = {0};
    svf_team_run(2, dawdle, &d);
    atomic_store(&d.is_over, true);
    nap();
    nap();
    ck_assert_int_eq(d.wrong, 0);
  }
}

START_TEST(jobs_end_when_all_have_left)
{
  ck_works(svf_keep_team(2, wait_for_dawdlers, NULL));
  wait_for_dawdlers(NULL);
}
END_TEST

typedef struct threads {
  atomic_bool is_there[SHARES];
  atomic_size_t count;
} threads;

/* Waits in a share for a thread of every share: all are needed. */
static void meet(void *context, svf_member *m)
{
  threads *t = context;
  for (size_t i; svf_member_next(m, &i);) {
    atomic_fetch_add(&t->count, 1);
    while (atomic_load(&t->count) < m->shares) nap();
    atomic_store(&t->is_there[m->ith], true);
  }
}

START_TEST(every_share_may_have_its_thread)
{
  threads t = {0};
  svf_team_run(2, meet, &t);
  ck_assert(t.is_there[0] && t.is_there[1]);
}
END_TEST

SUITE("team", stages_follow_each_other, nobody_waits_for_who_is_late, a_team_is_kept,
      jobs_end_when_all_have_left, every_share_may_have_its_thread)
