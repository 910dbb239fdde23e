/* SPDX-License-Identifier: Apache-2.0
 *
 * A barrier for a team that meets every few microseconds: who waits spins for about as long as a
 * wake-up takes, then sleeps. On an idle machine all are there before that; on a busy one, where
 * the others may be suspended, a processor that spins keeps them from running. */
#ifndef SVF_CORE_BARRIER_H
#define SVF_CORE_BARRIER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

typedef struct svf_barrier {
  alignas(64) atomic_uint arrived;
  alignas(64) atomic_uint round; /* how often all have met */
  atomic_uint sleepers;
} svf_barrier;

static inline void svf_barrier_init(svf_barrier *b)
{
  atomic_init(&b->arrived, 0);
  atomic_init(&b->round, 0);
  atomic_init(&b->sleepers, 0);
}

/* Returns once all `threads` threads have called it; what each wrote before, all see after. */
void svf_barrier_wait(svf_barrier *b, size_t threads);

#endif
