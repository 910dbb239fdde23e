/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows OpenMP. */
#include "src/core/openmp.h"

#ifdef _OPENMP

#include <limits.h>
#include <omp.h>

size_t svf_max_threads(void) { return (size_t)omp_get_max_threads(); }

void svf_openmp_run(const svf_plan *plan, size_t parts)
{
  const int team = parts < INT_MAX ? (int)parts : INT_MAX;
#pragma omp parallel num_threads(team)
  {
    const size_t ith = (size_t)omp_get_thread_num(), nth = (size_t)omp_get_num_threads();
    for (size_t i = ith; i < parts; i += nth) svf_matmul_stage(plan, 0, i);
#pragma omp barrier
    for (size_t i = ith; i < parts; i += nth) svf_matmul_stage(plan, 1, i);
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
