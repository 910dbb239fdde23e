/* SPDX-License-Identifier: Apache-2.0
 *
 * The floating-point mode of a thread: rounding, denormals, traps (MXCSR, FPCR). */
#ifndef SVF_CORE_FP_MODE_H
#define SVF_CORE_FP_MODE_H

#include <stdint.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
static inline uint64_t svf_fp_mode(void)
{
  return _mm_getcsr() & ~0x3fu; /* without the exception flags */
}
static inline void svf_set_fp_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
static inline uint64_t svf_fp_mode(void)
{
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline void svf_set_fp_mode(uint64_t mode)
{
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
static inline uint64_t svf_fp_mode(void) { return 0; }
static inline void svf_set_fp_mode(uint64_t mode) { (void)mode; }
#endif

#endif
