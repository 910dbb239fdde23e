/* SPDX-License-Identifier: Apache-2.0
 *
 * How many CPUs a container may use (Linux control groups): its processors are those of the whole
 * machine, but what they may do together is bounded. More threads than that take turns, and while
 * one of them is suspended the others wait for it. */
#ifndef SVF_CORE_QUOTA_H
#define SVF_CORE_QUOTA_H

#include <stddef.h>

/* The quota of this process's control group or of one above it, whichever is the least, in whole
 * CPUs, rounded up; SIZE_MAX if there is none. Version 1 and 2 of control groups. `root` is where
 * the file system begins, "" but in tests. Reads files and allocates nothing. Thread-safe. */
size_t svf_cpu_quota(const char *root);

#endif
