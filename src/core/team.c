/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/team.h"

#include <stdatomic.h>
#include <stdint.h>

#include <svf/matmul.h>

#include "src/core/fp_mode.h"
#include "src/core/openmp.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/wait.h"

enum { MOST_SHARES = 1024, APART = 64 / sizeof(atomic_uint) };

/* A team has jobs, one at a time. While one is open, members enter and leave it: the caller is in
 * it from the beginning to the end, and whoever comes too late finds it closed. */
typedef struct svf_team {
  /* Of the job: */
  svf_team_work *work;
  void *context;
  size_t shares;
  uint64_t fp_mode;
  svf_word stage;               /* stages that have ended */
  alignas(64) atomic_uint done; /* shares of the stage that have been carried out */
  /* The stage in which each share is to be taken next; far apart if they are few. */
  alignas(64) atomic_uint next[MOST_SHARES];
  size_t apart;
  /* Of the team: */
  svf_word job;    /* odd while one is open */
  svf_word inside; /* members in the job, besides the caller */
  atomic_bool is_over;
  size_t threads;
  size_t usual; /* svf_openmp_threads() outside: within, OpenMP's answer is that for nested teams */
  bool is_busy; /* the caller is in a job */
} svf_team;

/* --- Stages ----------------------------------------------------------------------------------- */

static bool has_ended(const svf_member *m)
{
  return atomic_load_explicit(&m->team->stage.value, memory_order_acquire) != m->stage;
}

static bool take(const svf_member *m, size_t share)
{
  if (!m->team) return true;
  unsigned stage = m->stage;
  atomic_uint *next = &m->team->next[share * m->team->apart];
  return atomic_load_explicit(next, memory_order_relaxed) == stage &&
         atomic_compare_exchange_strong_explicit(next, &stage, stage + 1, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/* The last share to be carried out ends the stage. */
static void put_back(svf_member *m)
{
  svf_team *t = m->team;
  if (!t) return;
  if (atomic_fetch_add_explicit(&t->done, 1, memory_order_acq_rel) + 1 < m->shares) return;
  atomic_store_explicit(&t->done, 0, memory_order_relaxed);
  svf_word_set(&t->stage, m->stage + 1);
}

static bool take_any(svf_member *m, size_t *share)
{
  while (m->tried < m->shares && !(m->team && has_ended(m))) {
    const size_t i = m->own + m->tried++;
    *share = i < m->shares ? i : i - m->shares;
    if (take(m, *share)) return true;
  }
  return false;
}

bool svf_member_next(svf_member *m, size_t *share)
{
  if (m->has_share && !m->is_last) put_back(m);
  m->has_share = take_any(m, share);
  if (m->has_share) return true;
  if (m->team && !m->is_last) svf_word_wait(&m->team->stage, m->stage);
  m->tried = 0;
  ++m->stage;
  return false;
}

/* --- Jobs ------------------------------------------------------------------------------------- */

/* The team whose jobs come from this thread. */
static _Thread_local svf_team *kept;

static void leave(svf_team *t)
{
  if (atomic_fetch_sub(&t->inside.value, 1) == 1) svf_word_wake(&t->inside);
}

/* Either this thread sees that the job was closed, or who closes it sees this thread. */
static bool enter(svf_team *t, unsigned job)
{
  if (job % 2 == 0) return false;
  atomic_fetch_add(&t->inside.value, 1);
  if (atomic_load(&t->job.value) == job) return true;
  leave(t);
  return false;
}

/* There are as many members as shares at most. */
static void join_job(svf_team *t, size_t ith)
{
  if (ith >= t->shares) return;
  svf_member m = {.team = t, .ith = ith, .shares = t->shares, .own = ith};
  const uint64_t own = svf_fp_mode(), mode = t->fp_mode;
  if (own != mode) svf_set_fp_mode(mode);
  t->work(t->context, &m);
  if (own != mode) svf_set_fp_mode(own);
}

/* What a thread does until the team is over. */
static void serve(svf_team *t, size_t ith)
{
  for (;;) {
    const unsigned job = atomic_load(&t->job.value);
    if (atomic_load(&t->is_over)) return;
    if (enter(t, job)) {
      join_job(t, ith);
      leave(t);
    }
    svf_word_wait(&t->job, job);
  }
}

static void set_job(svf_team *t, size_t shares, svf_team_work *work, void *context)
{
  t->work = work;
  t->context = context;
  t->shares = shares;
  t->fp_mode = svf_fp_mode();
  t->apart = shares * APART <= MOST_SHARES ? APART : 1;
  for (size_t i = 0; i < shares; ++i) {
    atomic_store_explicit(&t->next[i * t->apart], 0, memory_order_relaxed);
  }
  atomic_store_explicit(&t->stage.value, 0, memory_order_relaxed);
}

static void close_job(svf_team *t)
{
  atomic_fetch_add(&t->job.value, 1);
  for (unsigned n; (n = atomic_load(&t->inside.value)) > 0;) svf_word_wait(&t->inside, n);
}

static void run_alone(size_t shares, svf_team_work *work, void *context)
{
  svf_member m = {.shares = shares};
  work(context, &m);
}

static void run_job(svf_team *t, size_t shares, svf_team_work *work, void *context)
{
  svf_member m = {.team = t, .shares = shares};
  t->is_busy = true;
  set_job(t, shares, work, context);
  svf_word_set(&t->job, atomic_load(&t->job.value) + 1);
  work(context, &m);
  close_job(t);
  t->is_busy = false;
}

/* --- Teams ------------------------------------------------------------------------------------ */

typedef struct keeping {
  svf_team team;
  void (*body)(void *context);
  void *context;
} keeping;

static void begin(svf_team *t)
{
  svf_word_init(&t->stage);
  svf_word_init(&t->job);
  svf_word_init(&t->inside);
  atomic_init(&t->done, 0);
  atomic_init(&t->is_over, false);
  t->is_busy = false;
}

/* svf_openmp_work */
static void keep(void *context, size_t ith, size_t nth)
{
  keeping *k = context;
  if (ith > 0) {
    serve(&k->team, ith);
    return;
  }
  k->team.threads = nth;
  kept = &k->team;
  k->body(k->context);
  kept = NULL;
  atomic_store(&k->team.is_over, true);
  svf_word_set(&k->team.job, atomic_load(&k->team.job.value) + 2);
}

svf_status svf_keep_team(size_t threads, void (*body)(void *context), void *context)
{
  keeping k;
  if (!body) return svf_fail(SVF_ERR_NULL, "body is NULL");
  if (kept) {
    body(context);
    return SVF_OK;
  }
  k.body = body;
  k.context = context;
  begin(&k.team);
  k.team.usual = svf_openmp_threads();
  svf_openmp_run(threads ? threads : k.team.usual, keep, &k);
  return SVF_OK;
}

size_t svf_max_threads(void) { return kept ? kept->usual : svf_openmp_threads(); }

/* svf_openmp_work. Nobody enters or leaves a job of a team that has no other: the end of the
 * parallel region waits for all. */
static void join_only_job(void *context, size_t ith, size_t nth)
{
  (void)nth;
  join_job(context, ith);
}

static void run_only_job(size_t shares, svf_team_work *work, void *context)
{
  svf_team t; /* not set to zero as a whole: it is large, and small calls come here */
  begin(&t);
  set_job(&t, shares, work, context);
  svf_openmp_run(shares, join_only_job, &t);
}

void svf_team_run(size_t shares, svf_team_work *work, void *context)
{
  shares = svf_size_min(svf_size_min(shares, svf_openmp_most()), MOST_SHARES);
  if (shares <= 1 || svf_openmp_is_lost() || (kept && (kept->is_busy || kept->threads == 1))) {
    run_alone(svf_size_max(shares, 1), work, context);
  } else if (kept) {
    run_job(kept, shares, work, context);
  } else {
    run_only_job(shares, work, context);
  }
}
