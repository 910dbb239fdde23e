/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows OpenMP, apart from the oneDNN back end. */
#include "src/core/openmp.h"

#ifdef _OPENMP

#include <omp.h>
#include <stdatomic.h>
#include <unistd.h>

#include "src/core/fp_mode.h"
#include "src/core/size.h"

size_t svf_openmp_threads(void) { return (size_t)omp_get_max_threads(); }

/* With more threads than this OpenMP's runtime may fail to start them, and then it exits. It is a
 * multiple of the machine's processors, not of omp_get_num_procs(), which is 1 once the calling
 * thread is bound to one processor. glibc reads a file to count them, which takes as long as a
 * small layer, so the answer is kept. */
static size_t most_threads(void)
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

void svf_openmp_team(size_t threads, svf_team_fn *work, void *context)
{
  const int team = (int)svf_size_min(threads, most_threads());
  const uint64_t mode = svf_fp_mode(); /* workers still have that of their creation */
#pragma omp parallel num_threads(team)
  {
    const uint64_t own = svf_fp_mode();
    if (own != mode) svf_set_fp_mode(mode);
    work(context, (size_t)omp_get_thread_num(), (size_t)omp_get_num_threads());
    if (own != mode) svf_set_fp_mode(own);
  }
}

void svf_openmp_barrier(void){
#pragma omp barrier
}

#else

size_t svf_openmp_threads(void) { return 1; }

void svf_openmp_team(size_t threads, svf_team_fn *work, void *context)
{
  (void)threads;
  work(context, 0, 1);
}

void svf_openmp_barrier(void) {}

#endif
