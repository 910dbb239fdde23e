/* SPDX-License-Identifier: Apache-2.0
 *
 * The barrier of a team. For ThreadSanitizer too. */
#include "src/core/barrier.h"

#include <pthread.h>
#include <time.h>

#include "tests/unit/suite.h"

enum { THREADS = 5, ROUNDS = 2000 };

typedef struct member {
  pthread_t thread;
  size_t ith;
  int wrong;
} member;

static svf_barrier barrier;
static int turn[THREADS]; /* of each thread; plain memory, which the barrier orders */

/* All must be in the same round. Every now and then one is so late that the others sleep. */
static void *meet(void *argument)
{
  member *m = argument;
  for (int round = 1; round <= ROUNDS; ++round) {
    if (round % 500 == (int)m->ith) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    turn[m->ith] = round;
    svf_barrier_wait(&barrier, THREADS);
    for (size_t i = 0; i < THREADS; ++i) m->wrong += turn[i] != round;
    svf_barrier_wait(&barrier, THREADS);
  }
  return NULL;
}

START_TEST(all_meet_in_every_round)
{
  member members[THREADS] = {0};
  svf_barrier_init(&barrier);
  for (size_t i = 0; i < THREADS; ++i) {
    members[i].ith = i;
    ck_assert_int_eq(pthread_create(&members[i].thread, NULL, meet, &members[i]), 0);
  }
  for (size_t i = 0; i < THREADS; ++i) {
    pthread_join(members[i].thread, NULL);
    ck_assert_int_eq(members[i].wrong, 0);
  }
  ck_assert_uint_eq(atomic_load(&barrier.sleepers), 0);
}
END_TEST

START_TEST(one_thread_waits_for_nobody)
{
  svf_barrier_init(&barrier);
  for (int i = 0; i < 3; ++i) svf_barrier_wait(&barrier, 1);
}
END_TEST

SUITE("barrier", all_meet_in_every_round, one_thread_waits_for_nobody)
