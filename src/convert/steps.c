/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's thread begins the steps, one whenever a worker is free, and sleeps in between, so
 * that callbacks come on the thread that called. It is a thread more than work; without workers it
 * runs the steps itself. */
#define _GNU_SOURCE
#include "src/convert/steps.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "src/core/openmp.h"
#include "src/core/status.h"

typedef struct work {
  const svf_steps *steps;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t begun, taken; /* steps: below `begun` they have begun, below `taken` a worker has them */
  size_t running;      /* begun, but not ended */
  size_t bytes;        /* of those that run */
  bool is_over;        /* nothing more begins */
  size_t failed;       /* the lowest step that failed; count: none did */
  svf_status status;   /* of that step */
  char message[512];   /* that step's */
} work;

/* Keeps the message, too, which belongs to the thread. The caller holds the lock. */
static void fail(work *w, size_t step, svf_status status)
{
  w->is_over = true;
  if (step >= w->failed) return;
  w->failed = step;
  w->status = status;
  snprintf(w->message, sizeof w->message, "%s", svf_last_message());
}

/* --- Workers ---------------------------------------------------------------------------------- */

/* Takes a step that has begun; false: there will be none. */
static bool take(work *w, size_t *step)
{
  pthread_mutex_lock(&w->lock);
  while (w->taken == w->begun && !w->is_over) pthread_cond_wait(&w->changed, &w->lock);
  const bool is_there = w->taken < w->begun;
  if (is_there) *step = w->taken++;
  pthread_mutex_unlock(&w->lock);
  return is_there;
}

static void end(work *w, size_t step, svf_status status)
{
  pthread_mutex_lock(&w->lock);
  --w->running;
  w->bytes -= w->steps->bytes(w->steps->context, step);
  if (status != SVF_OK) fail(w, step, status);
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->lock);
}

static void run_steps(work *w)
{
  for (size_t step; take(w, &step);) end(w, step, w->steps->run(w->steps->context, step));
}

/* --- The caller's thread ---------------------------------------------------------------------- */

/* Waits until a step of that size may begin; false: none may any more. */
static bool wait_for_place(work *w, size_t workers, size_t bytes)
{
  pthread_mutex_lock(&w->lock);
  while (
      !w->is_over && w->running > 0 &&
      (w->running >= workers || bytes > w->steps->memory || w->bytes > w->steps->memory - bytes)) {
    pthread_cond_wait(&w->changed, &w->lock);
  }
  const bool may_begin = !w->is_over;
  pthread_mutex_unlock(&w->lock);
  return may_begin;
}

static void begin(work *w, size_t step, size_t bytes)
{
  const svf_status status = w->steps->begin(w->steps->context, step);
  pthread_mutex_lock(&w->lock);
  if (status == SVF_OK) {
    ++w->begun;
    ++w->running;
    w->bytes += bytes;
  } else {
    fail(w, step, status);
  }
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->lock);
}

static void begin_steps(work *w, size_t workers)
{
  for (size_t step = 0; step < w->steps->count; ++step) {
    const size_t bytes = w->steps->bytes(w->steps->context, step);
    if (!wait_for_place(w, workers, bytes)) break;
    begin(w, step, bytes);
  }
  pthread_mutex_lock(&w->lock);
  w->is_over = true;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->lock);
}

/* svf_openmp_work */
static void share(void *context, size_t ith, size_t nth)
{
  work *w = context;
  if (ith > 0) {
    run_steps(w);
  } else if (nth > 1) {
    begin_steps(w, nth - 1);
  }
}

static svf_status run_alone(const svf_steps *s)
{
  svf_status status = SVF_OK;
  for (size_t step = 0; status == SVF_OK && step < s->count; ++step) {
    status = s->begin(s->context, step);
    if (status == SVF_OK) status = s->run(s->context, step);
  }
  return status;
}

svf_status svf_steps_run(const svf_steps *s)
{
  work w = {.steps = s,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .changed = PTHREAD_COND_INITIALIZER,
            .failed = s->count};
  if (s->threads < 2 || s->count < 2) return run_alone(s);
  svf_openmp_run(s->threads + 1, share, &w);
  if (!w.is_over) return run_alone(s); /* the team had no worker */
  return w.status == SVF_OK ? SVF_OK : svf_fail(w.status, "%s", w.message);
}
