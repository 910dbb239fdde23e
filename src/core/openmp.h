/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_OPENMP_H
#define SVF_CORE_OPENMP_H

#include <svf/matmul.h>

/* All parts of both stages, on at most `parts` OpenMP threads with a barrier between the stages.
 * Correct for any team that the runtime grants, also one of a single thread. */
void svf_openmp_run(const svf_plan *plan, size_t parts);

#endif
