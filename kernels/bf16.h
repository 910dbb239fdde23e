/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16 in plain C, and elements at any address. */
#ifndef SVF_KERNELS_BF16_H
#define SVF_KERNELS_BF16_H

#include <stddef.h>
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

/* Element `at` of an array of fp32 or bf16 that may lie at any address, as packed blocks may. */
static inline float svf_load_f32(const void *p, size_t at)
{
  float x;
  memcpy(&x, (const char *)p + at * sizeof x, sizeof x);
  return x;
}

static inline float svf_load_bf16(const void *p, size_t at)
{
  uint16_t x;
  memcpy(&x, (const char *)p + at * sizeof x, sizeof x);
  return svf_widen_bf16(x);
}

#endif
