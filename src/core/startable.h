/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_STARTABLE_H
#define SVF_CORE_STARTABLE_H

#include <stddef.h>

#include "kernels/strict.h"

/* How many of `threads` threads could be started at once beside the caller, as limits on processes
 * and memory are now: starts them, and returns once they have ended. */
size_t svf_startable_threads(size_t threads);

#endif
