/* SPDX-License-Identifier: Apache-2.0
 *
 * What is made of row operations on the selected ISA and is no kernel itself. */
#ifndef SVF_CORE_OPS_H
#define SVF_CORE_OPS_H

#include <stddef.h>

#include "src/core/private.h"

/* The logarithm of the sum of exp(x[i]), n >= 1. The sum has the same bits everywhere, the
 * logarithm is libm's. NaN if a NaN or +Inf is among them, or nothing but -Inf. Thread-safe. */
SVF_PRIVATE_API double svf_log_sum_exp(const float *x, size_t n);

#endif
