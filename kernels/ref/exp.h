/* SPDX-License-Identifier: Apache-2.0
 *
 * exp.h in plain C. */
#ifndef SVF_KERNELS_REF_EXP_H
#define SVF_KERNELS_REF_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/exp.h"

static inline float exp_ref(float x)
{
  static const float polynomial[EXP_TERMS] = EXP_POLYNOMIAL;
  const float in = EXP_LEAST > x ? EXP_LEAST : x;
  const float t = fmaf(in, EXP_LOG2E, EXP_ROUND), n = t - EXP_ROUND;
  const float r = fmaf(n, -EXP_LN2_LOW, fmaf(n, -EXP_LN2_HIGH, in));
  float p = polynomial[0], power;
  for (int i = 1; i < EXP_TERMS; ++i) p = fmaf(p, r, polynomial[i]);
  uint32_t bits;
  memcpy(&bits, &t, sizeof bits);
  bits = (bits << EXP_SHIFT) + EXP_ONE;
  memcpy(&power, &bits, sizeof power);
  return x < EXP_LEAST ? 0.0f : p * power;
}

#endif
