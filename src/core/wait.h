/* SPDX-License-Identifier: Apache-2.0
 *
 * Words that threads wait on. Who waits spins for about as long as a wake-up takes, then sleeps: on
 * an idle machine what it waits for is there before that; on a busy one, where the others may be
 * suspended, a processor that spins keeps them from running. */
#ifndef SVF_CORE_WAIT_H
#define SVF_CORE_WAIT_H

#include <stdalign.h>
#include <stdatomic.h>

typedef struct svf_word {
  alignas(64) atomic_uint value;
  atomic_uint sleepers;
} svf_word;

static inline void svf_word_init(svf_word *word)
{
  atomic_init(&word->value, 0);
  atomic_init(&word->sleepers, 0);
}

/* Returns once word->value is not `old`; sees what others wrote before they changed it. */
void svf_word_wait(svf_word *word, unsigned old);

/* Wakes all who sleep on a word. Called after each change that somebody may wait for. */
void svf_word_wake(svf_word *word);

static inline void svf_word_set(svf_word *word, unsigned value)
{
  atomic_store(&word->value, value);
  svf_word_wake(word);
}

#endif
