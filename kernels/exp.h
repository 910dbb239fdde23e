/* SPDX-License-Identifier: Apache-2.0
 *
 * exp(x) of an x <= 0 in fp32, the same steps on every ISA and in plain C (ref/exp.h):
 *
 *   x below EXP_LEAST counts as EXP_LEAST, and its result is 0: no other result is denormal
 *   t = fma(x, 1/ln 2, EXP_ROUND), n = t - EXP_ROUND      n is the nearest integer, which
 *                                                         t has in its low bits
 *   r = fma(n, -ln 2, x) in two parts, the first of which is exact: |r| < 0.3466
 *   p = Horner's scheme in FMAs, within 3.2e-9 of exp(r)
 *   p * 2^n
 *
 * NaN propagates. The polynomial is the one of least relative error whose first two coefficients
 * are 1, each coefficient rounded in turn and the others fitted again. */
#ifndef SVF_KERNELS_EXP_H
#define SVF_KERNELS_EXP_H

#define EXP_LEAST (-87.3365f) /* a little above ln(FLT_MIN) */
#define EXP_ROUND 0x1.8p23f   /* floats near it are 1 apart */
#define EXP_LOG2E 0x1.715476p+0f
#define EXP_LN2_HIGH 0x1.62e43p-1f
#define EXP_LN2_LOW (-0x1.05c61p-29f)
enum { EXP_TERMS = 7 };
/* The highest power comes first. */
#define EXP_POLYNOMIAL                                                                   \
  {                                                                                      \
    0x1.6ac752p-10f, 0x1.123dep-7f, 0x1.555858p-5f, 0x1.55548cp-3f, 0x1.fffffcp-2f, 1, 1 \
  }
/* The bits of 2^n are those of t shifted by EXP_SHIFT, plus those of 1. */
enum { EXP_SHIFT = 23, EXP_ONE = 0x3f800000 };

#endif
