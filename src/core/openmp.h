/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_OPENMP_H
#define SVF_CORE_OPENMP_H

#include <svf/matmul.h>

#include "src/core/private.h"

/* All parts of all stages, on at most `parts` OpenMP threads with a barrier between the stages.
 * Correct for any team that the runtime grants, also one of a single thread. */
void svf_openmp_run(const svf_plan *plan, size_t parts);

/* work(context, ith, nth) on a team of nth <= threads OpenMP threads, in the floating-point mode of
 * the caller. */
typedef void svf_team_fn(void *context, size_t ith, size_t nth);
SVF_PRIVATE_API void svf_openmp_team(size_t threads, svf_team_fn *work, void *context);

/* Inside of it: returns once all of the team have called it. */
SVF_PRIVATE_API void svf_openmp_barrier(void);

#endif
