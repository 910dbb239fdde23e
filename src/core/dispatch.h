/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_DISPATCH_H
#define SVF_CORE_DISPATCH_H

#include <svf/cpu.h>

#include "kernels/half.h"
#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "src/core/private.h"

/* The kernel for a call of so many rows, of weights in groups of so many (0: no groups): AUTO
 * becomes the selected ISA. UNSUPPORTED with the reason. Thread-safe. */
SVF_PRIVATE_API svf_status svf_dispatch(svf_isa isa, svf_format format, size_t group, size_t rows,
                                        const svf_kernel **kernel);

/* Lines of a panel between those that are fetched and those that are used. Thread-safe. */
size_t svf_fetch_distance(void);

/* The conversions of the selected ISA, or of the best below it that has some. Thread-safe. */
const svf_half_kernel *svf_dispatch_half(void);

/* The same for row operations. */
SVF_PRIVATE_API const svf_ops_kernel *svf_dispatch_ops(void);

#endif
