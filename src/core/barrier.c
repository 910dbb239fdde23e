/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/core/barrier.h"

#include <limits.h>
#include <sched.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void sleep_while(atomic_uint *word, unsigned value)
{
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake_all(atomic_uint *word)
{
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
static void sleep_while(atomic_uint *word, unsigned value)
{
  if (atomic_load(word) == value) (void)sched_yield();
}

static void wake_all(atomic_uint *word) { (void)word; }
#endif

static void pause_a_little(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void wait_for_next(svf_barrier *b, unsigned round)
{
  enum { SPINS = 1000 }; /* 10 to 50 microseconds */
  for (int i = 0; i < SPINS; ++i) {
    if (atomic_load_explicit(&b->round, memory_order_acquire) != round) return;
    pause_a_little();
  }
  atomic_fetch_add(&b->sleepers, 1);
  while (atomic_load(&b->round) == round) sleep_while(&b->round, round);
  atomic_fetch_sub(&b->sleepers, 1);
}

/* Who comes last opens the next round before it looks for sleepers; who goes to sleep counts itself
 * before it looks at the round. So nobody sleeps through it. */
void svf_barrier_wait(svf_barrier *b, size_t threads)
{
  const unsigned round = atomic_load_explicit(&b->round, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&b->arrived, 1, memory_order_acq_rel) + 1 < threads) {
    wait_for_next(b, round);
    return;
  }
  atomic_store_explicit(&b->arrived, 0, memory_order_relaxed);
  atomic_store(&b->round, round + 1);
  if (atomic_load(&b->sleepers) > 0) wake_all(&b->round);
}
