/* SPDX-License-Identifier: Apache-2.0
 *
 * The linker sends the allocations of a test program and of the static libraries in it here
 * (--wrap, see svf_count_allocations in CMakeLists.txt), to be counted and failed. Shared libraries
 * keep their own. */
#ifndef SVF_TESTS_ALLOC_COUNT_H
#define SVF_TESTS_ALLOC_COUNT_H

extern int alloc_calls;   /* so far */
extern int alloc_fail_at; /* which call fails; 0: none */

#endif
