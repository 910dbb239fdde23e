/* SPDX-License-Identifier: Apache-2.0
 *
 * Instruction sets per file, without compiler flags: a kernel file stands between
 * SVF_TARGET_BEGIN("avx2,fma") and SVF_TARGET_END, so it builds with the plain flags of any
 * project. Headers that are not templates (see unit.h) are included before. */
#ifndef SVF_KERNELS_TARGET_H
#define SVF_KERNELS_TARGET_H

#define SVF_INLINE static inline __attribute__((always_inline))

#define SVF_PRAGMA(x) _Pragma(#x)

#if defined(__clang__)
#define SVF_TARGET_BEGIN(isa) \
  SVF_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define SVF_TARGET_END SVF_PRAGMA(clang attribute pop)
#else
#define SVF_TARGET_BEGIN(isa)  \
  SVF_PRAGMA(GCC push_options) \
  SVF_PRAGMA(GCC target(isa))
#define SVF_TARGET_END SVF_PRAGMA(GCC pop_options)
#endif

#endif
