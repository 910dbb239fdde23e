/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_OPENMP_H
#define SVF_CORE_OPENMP_H

#include <stdbool.h>
#include <stddef.h>

#include "src/core/private.h"

/* The number of threads that OpenMP would start here; where that is the number of processors, no
 * more than a container's quota of CPUs. 1 in builds without OpenMP. */
size_t svf_openmp_threads(void);

/* The most threads that svf_openmp_run takes. */
size_t svf_openmp_most(void);

/* work(context, ith, nth) on nth <= threads OpenMP threads, of which the caller is number 0, in its
 * floating-point mode. There are fewer where a limit on processes or memory refuses some, and the
 * caller is alone in a child forked after OpenMP's threads were used. */
typedef void svf_openmp_work(void *context, size_t ith, size_t nth);
SVF_PRIVATE_API void svf_openmp_run(size_t threads, svf_openmp_work *work, void *context);

/* True in a child of a process in which svf had used OpenMP's threads: they are not there, but the
 * runtime would wait for them. */
bool svf_openmp_is_lost(void);

#endif
