/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CORE_DISPATCH_H
#define SVF_CORE_DISPATCH_H

#include <svf/cpu.h>

#include "kernels/half.h"
#include "kernels/kernel.h"
#include "kernels/ops.h"
#include "kernels/quant.h"
#include "src/core/private.h"

/* The kernel for a call with `rows` rows, whose weights have this format and groups of `group`
 * weights (0: no groups). AUTO stands for the selected ISA. Errors: UNSUPPORTED with the reason.
 * Thread-safe. */
SVF_PRIVATE_API svf_status svf_dispatch(svf_isa isa, svf_format weights, size_t group, size_t rows,
                                        const svf_kernel **kernel);

/* The policy for a CPU with the features `has`, so that tests can ask about any CPU; only the
 * permission for tiles is that of this machine. svf_choose_isa gives what AUTO stands for, never
 * AUTO itself. svf_choose_kernel gives the kernel for calls with `isa`, which is not AUTO, or NULL
 * if there is none. Later rows of the registry are preferred. A kernel that is slow on this CPU is
 * skipped unless `isa` is its own. Thread-safe. */
svf_isa svf_choose_isa(uint64_t has);
const svf_kernel *svf_choose_kernel(uint64_t has, svf_isa isa, svf_format weights, size_t group,
                                    size_t rows);

/* `isa`, or what AUTO stands for; but if that is amx and the operating system, which is asked now,
 * refuses the tiles, what serves in its place. Threads that plan with the result plan alike,
 * whenever a refusal is forgotten. Thread-safe. */
SVF_PRIVATE_API svf_isa svf_isa_settle(svf_isa isa);

/* How many lines of a panel lie between the one that is used and the one that is fetched meanwhile.
 * Thread-safe. */
size_t svf_fetch_distance(void);

/* The conversions of the selected ISA, or of the best ISA below it that has some. Thread-safe. */
const svf_half_kernel *svf_dispatch_half(void);

/* The same for row operations. Thread-safe. */
SVF_PRIVATE_API const svf_ops_kernel *svf_dispatch_ops(void);

/* The same for quantising weights. Thread-safe. */
const svf_quant_kernel *svf_dispatch_quant(void);

#endif
