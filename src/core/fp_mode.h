/* SPDX-License-Identifier: Apache-2.0
 *
 * The floating-point mode of a thread: rounding, denormals, traps (MXCSR, FPCR). */
#ifndef SVF_CORE_FP_MODE_H
#define SVF_CORE_FP_MODE_H

#include <stdint.h>

#if defined(__SSE2__)
#define SVF_FP_ROUNDING UINT64_C(0x6000) /* the rounding mode's bits; all zero: to nearest */
#include <xmmintrin.h>
static inline uint64_t svf_fp_register(void) { return _mm_getcsr(); }
static inline uint64_t svf_fp_mode(void)
{
  return svf_fp_register() & ~UINT64_C(0x3f); /* without the exception flags */
}
static inline void svf_set_fp_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
#define SVF_FP_ROUNDING UINT64_C(0xc00000)
static inline uint64_t svf_fp_register(void)
{
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static inline uint64_t svf_fp_mode(void) { return svf_fp_register(); }
static inline void svf_set_fp_mode(uint64_t mode)
{
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
#define SVF_FP_ROUNDING UINT64_C(0)
static inline uint64_t svf_fp_register(void) { return 0; }
static inline uint64_t svf_fp_mode(void) { return 0; }
static inline void svf_set_fp_mode(uint64_t mode) { (void)mode; }
#endif

/* Rounds to nearest from here on. Returns the rounding mode for svf_fp_round_as to restore; the
 * exception flags and all else stay as they are meanwhile. */
static inline uint64_t svf_fp_to_nearest(void)
{
  const uint64_t rounding = svf_fp_mode() & SVF_FP_ROUNDING;
  if (rounding) svf_set_fp_mode(svf_fp_register() & ~SVF_FP_ROUNDING);
  return rounding;
}

static inline void svf_fp_round_as(uint64_t rounding)
{
  if (rounding) svf_set_fp_mode(svf_fp_register() | rounding);
}

#endif
