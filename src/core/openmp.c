/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows OpenMP, apart from the oneDNN back end. */
#include "src/core/openmp.h"

#ifdef _OPENMP

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "src/core/fp_mode.h"
#include "src/core/quota.h"
#include "src/core/size.h"
#include "src/core/startable.h"

/* --- How many --------------------------------------------------------------------------------- */

/* With more threads than this OpenMP's runtime may fail to start them, and then it exits. It is a
 * multiple of the machine's processors, not of omp_get_num_procs(), which is 1 once the calling
 * thread is bound to one processor. glibc reads a file to count them, which takes as long as a
 * small layer, so the answer is kept. */
size_t svf_openmp_most(void)
{
  enum { PER_PROCESSOR = 4 };
  static _Atomic long known;
  long online = atomic_load_explicit(&known, memory_order_relaxed);
  if (online == 0) {
    online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online <= 0) online = omp_get_num_procs();
    atomic_store_explicit(&known, online, memory_order_relaxed);
  }
  return PER_PROCESSOR * (size_t)online;
}

/* The quota of the container, which is read once. */
static size_t quota(void)
{
  static _Atomic size_t known;
  size_t cpus = atomic_load_explicit(&known, memory_order_relaxed);
  if (cpus == 0) {
    cpus = svf_cpu_quota("");
    atomic_store_explicit(&known, cpus, memory_order_relaxed);
  }
  return cpus;
}

/* Another number than that of the processors is one that somebody chose (OMP_NUM_THREADS,
 * omp_set_num_threads): it stands, a quota or not. It may exceed an int: then OpenMP's answer is
 * any number. */
size_t svf_openmp_threads(void)
{
  const int threads = omp_get_max_threads();
  const size_t most = svf_openmp_most(), number = threads > 0 ? (size_t)threads : most;
  /* The processors are counted by a system call, so only where it matters. */
  if (number > quota() && threads == omp_get_num_procs()) return quota();
  return svf_size_min(number, most);
}

/* OpenMP's runtime ends the process if it cannot start a thread. So before a team of this thread is
 * larger than the latest, whose threads the runtime keeps, others are started in place of those
 * that it has more. Even where it was as large before: threads that left a team may not have ended,
 * and still count for a limit. */
static size_t without_failure(size_t threads)
{
  static _Thread_local size_t latest = 1;
  if (threads > latest) threads = latest + svf_startable_threads(threads - latest);
  if (threads > 1) latest = threads; /* one alone is no team to the runtime */
  return threads;
}

/* --- Teams ------------------------------------------------------------------------------------ */

static _Atomic bool forked; /* in a child, after svf had used OpenMP's threads in its parent */

static void after_fork(void) { atomic_store(&forked, true); }

static void watch_forks(void) { (void)pthread_atfork(NULL, NULL, after_fork); }

bool svf_openmp_is_lost(void) { return atomic_load_explicit(&forked, memory_order_relaxed); }

void svf_openmp_run(size_t threads, svf_openmp_work *work, void *context)
{
  static pthread_once_t watching = PTHREAD_ONCE_INIT;
  if (threads <= 1 || svf_openmp_is_lost()) { /* one alone uses none of the runtime's threads */
    work(context, 0, 1);
    return;
  }
  pthread_once(&watching, watch_forks);
  const int most = (int)without_failure(svf_size_min(threads, svf_openmp_most()));
  const uint64_t mode = svf_fp_mode(); /* workers still have that of their creation */
#pragma omp parallel num_threads(most)
  {
    const uint64_t own = svf_fp_mode();
    if (own != mode) svf_set_fp_mode(mode);
    work(context, (size_t)omp_get_thread_num(), (size_t)omp_get_num_threads());
    if (own != mode) svf_set_fp_mode(own);
  }
}

#else

size_t svf_openmp_threads(void) { return 1; }
size_t svf_openmp_most(void) { return 1; }
bool svf_openmp_is_lost(void) { return false; }

void svf_openmp_run(size_t threads, svf_openmp_work *work, void *context)
{
  (void)threads;
  work(context, 0, 1);
}

#endif
