/* SPDX-License-Identifier: Apache-2.0
 *
 * A short self-test, for the CI of programs that use the library. */
#ifndef SVF_SELFTEST_H
#define SVF_SELFTEST_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Run every kernel of `isa` (SVF_ISA_AUTO: of all instruction sets that this CPU can run) on small
 * integers, whose sums are exact, and compare every bit with plain C. Takes less than a second.
 * *executed, unless executed is NULL, becomes the number of kernels that ran: where an instruction
 * set has two for a format, only the one that calls on this CPU use. Allocates its buffers. Errors:
 * UNSUPPORTED, MEMORY, FAILED with the kernel, shape and element that disagree. Thread-safe. */
SVF_API svf_status svf_selftest(svf_isa isa, int *executed);

#ifdef __cplusplus
}
#endif
#endif
