/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows OpenMP. */
#include "src/core/openmp.h"

#ifdef _OPENMP

#include <omp.h>
#include <unistd.h>

#include "src/core/fp_mode.h"
#include "src/core/size.h"

size_t svf_max_threads(void) { return (size_t)omp_get_max_threads(); }

/* Beyond it OpenMP's runtime may fail to start threads, and exits. Counts the machine's processors:
 * omp_get_num_procs() is 1 once the calling thread is bound to one. */
static size_t most_threads(void)
{
  enum { PER_PROCESSOR = 4 };
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return PER_PROCESSOR * (online > 0 ? (size_t)online : (size_t)omp_get_num_procs());
}

void svf_openmp_run(const svf_plan *plan, size_t parts)
{
  const int team = (int)svf_size_min(parts, most_threads());
  const uint64_t mode = svf_fp_mode(); /* workers have the one that they were created with */
#pragma omp parallel num_threads(team)
  {
    const size_t ith = (size_t)omp_get_thread_num(), nth = (size_t)omp_get_num_threads();
    const uint64_t own = svf_fp_mode();
    if (own != mode) svf_set_fp_mode(mode);
    for (int stage = svf_matmul_next_stage(plan, 0); stage < SVF_STAGES;) {
      for (size_t i = ith; i < parts; i += nth) svf_matmul_stage(plan, stage, i);
      stage = svf_matmul_next_stage(plan, stage + 1);
      if (stage < SVF_STAGES) { /* the region's end is a barrier itself */
#pragma omp barrier
      }
    }
    if (own != mode) svf_set_fp_mode(own);
  }
}

#else

size_t svf_max_threads(void) { return 1; }

void svf_openmp_run(const svf_plan *plan, size_t parts)
{
  for (int stage = 0; stage < SVF_STAGES; ++stage) {
    for (size_t i = 0; i < parts; ++i) svf_matmul_stage(plan, stage, i);
  }
}

#endif
