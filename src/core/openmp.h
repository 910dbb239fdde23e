/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_OPENMP_H
#define SVF_CORE_OPENMP_H

#include <stddef.h>

#include "src/core/private.h"

/* The number of threads that OpenMP would start here; where that is the number of processors, no
 * more than a container's quota of CPUs. 1 in builds without OpenMP. */
size_t svf_openmp_threads(void);

/* work(context, ith, nth) on a team of nth <= threads OpenMP threads, of which the caller is number
 * 0, in its floating-point mode. There are fewer where a limit on processes or memory refuses some,
 * and the caller is alone in a child forked after OpenMP's threads were used. */
typedef void svf_team_fn(void *context, size_t ith, size_t nth);
SVF_PRIVATE_API void svf_openmp_team(size_t threads, svf_team_fn *work, void *context);

/* Called by every thread of a team, from `work`: returns once all of them have called it. */
SVF_PRIVATE_API void svf_openmp_barrier(void);

#endif
