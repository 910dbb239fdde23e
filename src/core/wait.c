/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/core/wait.h"

#include <limits.h>
#include <stddef.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void sleep_while(atomic_uint *value, unsigned old)
{
  (void)syscall(SYS_futex, value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}

static void wake_all(atomic_uint *value)
{
  (void)syscall(SYS_futex, value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
#include <sched.h>

static void sleep_while(atomic_uint *value, unsigned old)
{
  if (atomic_load(value) == old) (void)sched_yield();
}

static void wake_all(atomic_uint *value) { (void)value; }
#endif

static void pause_a_little(void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb"); /* most cores take `yield` for nothing */
#endif
}

/* Who goes to sleep counts itself before it looks at the value; who changes the value looks for
 * sleepers after that. So nobody sleeps through a change. */
void svf_word_wait(svf_word *word, unsigned old)
{
  enum { SPINS = 1000 }; /* 10 to 50 microseconds */
  for (int i = 0; i < SPINS; ++i) {
    if (atomic_load_explicit(&word->value, memory_order_acquire) != old) return;
    pause_a_little();
  }
  atomic_fetch_add(&word->sleepers, 1);
  while (atomic_load(&word->value) == old) sleep_while(&word->value, old);
  atomic_fetch_sub(&word->sleepers, 1);
}

void svf_word_wake(svf_word *word)
{
  if (atomic_load(&word->sleepers) > 0) wake_all(&word->value);
}
