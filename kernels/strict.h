/* SPDX-License-Identifier: Apache-2.0
 *
 * Every source file with arithmetic includes this. A compiler that may reorder sums, or that takes
 * NaN and Inf for impossible, makes results that depend on the batch and lets NaN pass every check.
 * Only svf's own files are concerned: programs that call svf may be compiled as they like. Clang
 * says nothing of the single flags that -ffast-math stands for, except of finite maths. */
#ifndef SVF_KERNELS_STRICT_H
#define SVF_KERNELS_STRICT_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "svf: compile these files without -ffast-math, -Ofast and what belongs to them"
#endif

#endif
