/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions built from row operations of the selected ISA. */
#ifndef SVF_CORE_OPS_H
#define SVF_CORE_OPS_H

#include <stddef.h>

#include "src/core/private.h"

/* The logarithm of the sum of exp(x[i]) for i < n, n >= 1. The sum has the same bits everywhere;
 * the logarithm is libm's. NaN if some x[i] is NaN or +Inf, or if all are -Inf. Thread-safe. */
SVF_PRIVATE_API double svf_log_sum_exp(const float *x, size_t n);

#endif
