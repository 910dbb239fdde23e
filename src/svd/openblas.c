/* SPDX-License-Identifier: Apache-2.0
 *
 * What OpenBLAS has once for the whole process: the number of its threads, and buffers. A call
 * takes a buffer for as long as it runs, and one that was taken before serves later calls. Where no
 * memory is left for a new one, OpenBLAS tries again for ever; so its place is looked for here
 * before, and if there is none, the call waits for another one to end. */
#define _GNU_SOURCE
#include <cblas.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/svd/svd.h"

/* Of OpenBLAS 0.3 on x86-64; elsewhere they are smaller. */
#define BUFFER_BYTES ((size_t)128 << 20)

static struct {
  pthread_mutex_t lock;
  pthread_cond_t ended;
  size_t running;     /* calls */
  size_t buffers;     /* the most calls that have run at once */
  size_t not_taken;   /* buffers of calls that run and may not have taken theirs yet */
  size_t with_number; /* calls that run and chose a number of threads */
  int number_before;  /* of threads, before those calls */
} openblas = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

/* True if another buffer has place beside those that are about to be taken. */
static bool has_place(void)
{
  const size_t bytes = (openblas.not_taken + 1) * BUFFER_BYTES;
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  (void)munmap(p, bytes);
  return true;
}

static svf_status take_buffer(svf_openblas_call *call)
{
  call->is_first = false;
  while (openblas.running == openblas.buffers && !has_place()) {
    if (openblas.running == 0) {
      return svf_fail(SVF_ERR_MEMORY,
                      "no memory for OpenBLAS, which needs %zu MB of address space: does a limit "
                      "(ulimit -v) leave less?",
                      BUFFER_BYTES >> 20);
    }
    pthread_cond_wait(&openblas.ended, &openblas.lock);
  }
  if (openblas.running == openblas.buffers) {
    call->is_first = true;
    ++openblas.buffers;
    ++openblas.not_taken;
  }
  ++openblas.running;
  return SVF_OK;
}

static void set_threads(int threads)
{
  if (openblas_get_num_threads() != threads) openblas_set_num_threads(threads);
}

svf_status svf_openblas_begin(size_t threads, svf_openblas_call *call)
{
  pthread_mutex_lock(&openblas.lock);
  const svf_status status = take_buffer(call);
  call->chose = status == SVF_OK && threads > 0;
  if (call->chose) {
    if (openblas.with_number++ == 0) openblas.number_before = openblas_get_num_threads();
    set_threads((int)svf_size_min(threads, INT_MAX));
  }
  pthread_mutex_unlock(&openblas.lock);
  return status;
}

void svf_openblas_end(const svf_openblas_call *call)
{
  pthread_mutex_lock(&openblas.lock);
  --openblas.running;
  if (call->is_first) --openblas.not_taken;
  if (call->chose && --openblas.with_number == 0) set_threads(openblas.number_before);
  pthread_cond_broadcast(&openblas.ended);
  pthread_mutex_unlock(&openblas.lock);
}
