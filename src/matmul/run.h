/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans on teams. */
#ifndef SVF_MATMUL_RUN_H
#define SVF_MATMUL_RUN_H

#include <svf/matmul.h>

#include "src/core/team.h"

/* Carries out a plan as a member of a team: each stage is a stage. The plan may have another number
 * of shares than the team. */
SVF_PRIVATE_API void svf_plan_run(const svf_plan *plan, svf_member *m);

#endif
