/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_DISPATCH_H
#define SVF_CORE_DISPATCH_H

#include <svf/cpu.h>

#include "kernels/half.h"
#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "src/core/private.h"

/* The kernel for a call of so many rows, of weights of that format in groups of so many (0: no
 * groups): AUTO becomes the selected ISA. UNSUPPORTED with the reason. Thread-safe. */
SVF_PRIVATE_API svf_status svf_dispatch(svf_isa isa, svf_format weights, size_t group, size_t rows,
                                        const svf_kernel **kernel);

/* The policy, for a CPU that has these features, so that tests can ask for any; only tiles are
 * asked for here and now. What AUTO stands for, never AUTO; and the kernel for calls with `isa`,
 * not AUTO: NULL if there is none. The registry's order is that of preference. A kernel that is
 * slow on this CPU is passed by unless `isa` is its own. Thread-safe. */
svf_isa svf_choose_isa(uint64_t has);
const svf_kernel *svf_choose_kernel(uint64_t has, svf_isa isa, svf_format weights, size_t group,
                                    size_t rows);

/* Lines of a panel between those that are fetched and those that are used. Thread-safe. */
size_t svf_fetch_distance(void);

/* The conversions of the selected ISA, or of the best below it that has some. Thread-safe. */
const svf_half_kernel *svf_dispatch_half(void);

/* The same for row operations. */
SVF_PRIVATE_API const svf_ops_kernel *svf_dispatch_ops(void);

#endif
