/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans on the team of svf_openmp_team, or on one thread. */
#ifndef SVF_MATMUL_RUN_H
#define SVF_MATMUL_RUN_H

#include <svf/matmul.h>

#include "src/core/private.h"

/* Carries out what thread ith of a team of nth does of a plan, which may have any number of shares:
 * every nth share of each stage from the ith on. All threads of the team call it; between stages
 * they wait for each other, but not after the last one. With nth = 1 there is no team. */
SVF_PRIVATE_API void svf_plan_run(const svf_plan *plan, size_t ith, size_t nth);

#endif
