/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows OpenMP. */
#include "src/core/openmp.h"

#ifdef _OPENMP

#include <omp.h>
#include <stdatomic.h>
#include <unistd.h>

#include "src/core/fp_mode.h"
#include "src/core/size.h"

size_t svf_max_threads(void) { return (size_t)omp_get_max_threads(); }

/* Beyond it OpenMP's runtime may fail to start threads, and exits. Counts the machine's processors:
 * omp_get_num_procs() is 1 once the calling thread is bound to one. glibc reads a file to count
 * them, which takes as long as a small layer, so the answer is kept. */
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
  const uint64_t mode = svf_fp_mode(); /* workers have the one that they were created with */
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

size_t svf_max_threads(void) { return 1; }

void svf_openmp_team(size_t threads, svf_team_fn *work, void *context)
{
  (void)threads;
  work(context, 0, 1);
}

void svf_openmp_barrier(void) {}

#endif

typedef struct stage_loop {
  const svf_plan *plan;
  size_t parts;
} stage_loop;

static void run_parts(void *context, size_t ith, size_t nth)
{
  const stage_loop *r = context;
  for (int stage = svf_matmul_next_stage(r->plan, 0); stage < SVF_STAGES;) {
    for (size_t i = ith; i < r->parts; i += nth) svf_matmul_stage(r->plan, stage, i);
    stage = svf_matmul_next_stage(r->plan, stage + 1);
    if (stage < SVF_STAGES) svf_openmp_barrier(); /* the region's end is one itself */
  }
}

void svf_openmp_run(const svf_plan *plan, size_t parts)
{
  stage_loop r = {plan, parts};
  svf_openmp_team(parts, run_parts, &r);
}
