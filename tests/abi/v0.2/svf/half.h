/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversion of fp16 and bf16 to fp32 and back. Elements are uint16_t: IEEE 754 binary16 for fp16,
 * the upper half of an fp32 for bf16. Widening is exact. Narrowing rounds to nearest, ties to even,
 * and beyond the largest value to infinity. Denormals are kept in both directions. A NaN keeps its
 * sign and the upper bits of its payload and becomes quiet. The bits are the same on every
 * instruction set, whatever MXCSR says; on AArch64 FPCR's rounding mode and AHP bit must be those
 * of a fresh process.
 *
 * `from` and `to` are arrays of `count` elements with their natural alignment, which do not
 * overlap; if count is 0 they may be NULL. Nothing beyond them is read or written. The kernels are
 * those of the selected instruction set (svf/cpu.h). Thread-safe; cannot fail. */
#ifndef SVF_HALF_H
#define SVF_HALF_H

#include <stddef.h>
#include <stdint.h>

#include <svf/export.h>

#ifdef __cplusplus
extern "C" {
#endif

SVF_API void svf_bf16_to_f32(const uint16_t *from, float *to, size_t count);
SVF_API void svf_f32_to_bf16(const float *from, uint16_t *to, size_t count);
SVF_API void svf_f16_to_f32(const uint16_t *from, float *to, size_t count);
SVF_API void svf_f32_to_f16(const float *from, uint16_t *to, size_t count);

#ifdef __cplusplus
}
#endif
#endif
