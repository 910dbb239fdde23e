/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>

#include "src/cli/fail.h"

/* A thread lives until all have been started. */
static void *wait_for_all(void *gate)
{
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

/* Returns the error of the first thread that cannot be started, or 0. */
static int start(pthread_t *thread, size_t count)
{
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  size_t started = 0;
  int error = 0;
  pthread_mutex_lock(&gate);
  while (started < count && error == 0) {
    error = pthread_create(&thread[started], NULL, wait_for_all, &gate);
    started += error == 0;
  }
  pthread_mutex_unlock(&gate);
  for (size_t i = 0; i < started; ++i) pthread_join(thread[i], NULL);
  pthread_mutex_destroy(&gate);
  return error;
}

svf_status cli_check_threads(size_t threads, size_t teams)
{
  if (threads == 0) threads = svf_max_threads();
  const size_t count = (threads - 1) * teams;
  pthread_t *thread = calloc(count + 1, sizeof *thread);
  if (!thread) return cli_fail(SVF_ERR_MEMORY, "no memory for %zu threads", count);
  const int error = start(thread, count);
  free(thread);
  if (error == 0) return SVF_OK;
  return cli_fail(SVF_ERR_FAILED,
                  "%zu threads cannot be started: %s. The number of processes (ulimit -u) or the "
                  "address space (ulimit -v) is limited: use fewer --threads",
                  threads, strerror(error));
}
