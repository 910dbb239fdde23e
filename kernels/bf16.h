/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 in plain C. */
#ifndef SVF_KERNELS_BF16_H
#define SVF_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

static inline float svf_widen_bf16(uint16_t x)
{
  const uint32_t bits = (uint32_t)x << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* Rounds to nearest, ties to even; NaN stays NaN and becomes quiet. */
static inline uint16_t svf_round_bf16(float f)
{
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if (f != f) return (uint16_t)((bits | 0x400000u) >> 16);
  return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#endif
