/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of kernels that quantise weights: one group of each of the 16 channels of a panel at
 * a time. A lane is a channel, so nothing is added up across lanes. One table per ISA, later ones
 * preferred, in registry.c.
 *
 * Bits do not depend on the ISA, plain C included, given rounding to nearest: each channel is
 * evaluated as it is written below, its sums in one chain over the steps, every product, sum and
 * quotient rounded to fp32.
 *
 *   most        the weight of largest magnitude, the first of those
 *   integers    q = w * (1 / scale), clamped to the format's range and rounded to nearest even
 *   s8, w8      scale = |most| / 127, in w8 rounded to bf16; q in [-127, 127]
 *   w4          a search; q in [-8, 7]. Of the scales bf16(most * svf_int4_trial(i)), and after
 *               each of them of the one that suits its integers best by least squares,
 *               bf16(scale * (sum of x * q / sum of q * q)), x = w * (1 / scale), the first with
 *               the least error: sum of (x - q)^2, times (scale / most)^2. Clipping an outlier a
 *               little serves the others
 *
 * If the scale would be a denormal, |most| < SVF_QUANT_LEAST, it is 0 and so are all integers. A
 * weight that is not finite makes the scale of its own channel NaN and the integers 0. */
#ifndef SVF_KERNELS_QUANT_H
#define SVF_KERNELS_QUANT_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

#include "kernels/strict.h"

enum { SVF_INT8_MOST = 127, SVF_INT4_LEAST = -8, SVF_INT4_MOST = 7, SVF_INT4_TRIALS = 12 };

#define SVF_QUANT_LEAST (SVF_INT8_MOST * 2 * FLT_MIN)

/* Adding this to a number below 2^22 rounds it to nearest even; the low byte of the sum is the
 * integer as an int8. */
#define SVF_QUANT_ROUND 0x1.8p23f

/* w[count][16] becomes q[count][16] and scale[16], 1 <= count <= 256. w and scale need only the
 * alignment of a float. */
typedef void svf_quantise_fn(const float *w, size_t count, float *scale, int8_t *q);

typedef struct svf_quant_kernel {
  svf_isa isa;
  uint64_t needs; /* SVF_CPU_* bits: a CPU must have them all */
  svf_quantise_fn *s8, *w8, *w4;
} svf_quant_kernel;

size_t svf_quant_count(void);
const svf_quant_kernel *svf_quant_at(size_t i);

extern const svf_quant_kernel svf_quant_ref;
#if defined(__x86_64__)
extern const svf_quant_kernel svf_quant_avx2, svf_quant_avx512;
#elif defined(__aarch64__)
extern const svf_quant_kernel svf_quant_neon;
#endif

/* What the extreme weight is multiplied by for scale i < SVF_INT4_TRIALS of the search: it becomes
 * 0.88, 0.94 ... 1.54 times -8. */
static inline float svf_int4_trial(int i)
{
  enum { FIRST = 88, STEP = 6 };
  return 100.0f / SVF_INT4_LEAST / (float)(FIRST + i * STEP);
}

#endif
