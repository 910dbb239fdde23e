/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of conversion kernels: arrays of any length, which need only the alignment of their
 * elements; see svf/half.h. One table per ISA, later ones preferred, in registry.c. */
#ifndef SVF_KERNELS_HALF_H
#define SVF_KERNELS_HALF_H

#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

#include "kernels/strict.h"

typedef void svf_widen_fn(const uint16_t *from, float *to, size_t count);
typedef void svf_narrow_fn(const float *from, uint16_t *to, size_t count);

typedef struct svf_half_kernel {
  svf_isa isa;
  uint64_t needs; /* SVF_CPU_* bits: a CPU must have them all */
  svf_widen_fn *bf16_to_f32, *f16_to_f32;
  svf_narrow_fn *f32_to_bf16, *f32_to_f16;
} svf_half_kernel;

size_t svf_half_count(void);
const svf_half_kernel *svf_half_at(size_t i);

extern const svf_half_kernel svf_half_ref;
#if defined(__x86_64__)
extern const svf_half_kernel svf_half_avx2, svf_half_avx512;
#elif defined(__aarch64__)
extern const svf_half_kernel svf_half_neon;
#endif

#endif
