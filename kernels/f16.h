/* SPDX-License-Identifier: Apache-2.0
 *
 * fp16 (IEEE 754 binary16) in plain C, by integers: rounding modes and denormal flags have no
 * effect. */
#ifndef SVF_KERNELS_F16_H
#define SVF_KERNELS_F16_H

#include <stdint.h>
#include <string.h>

/* The bits of the fp32 of the same value; those of a NaN are kept, signalling or not. */
static inline uint32_t svf_f16_bits(uint32_t h)
{
  const uint32_t sign = (h & 0x8000u) << 16;
  const uint32_t exponent = h >> 10 & 0x1fu;
  uint32_t fraction = h & 0x3ffu;
  if (exponent == 0x1f) return sign | 0x7f800000u | fraction << 13; /* Inf, NaN */
  if (exponent > 0) return sign | (exponent + 112) << 23 | fraction << 13;
  if (fraction == 0) return sign;
  /* denormal, fraction * 2^-24: normal in fp32 once its leading one is at bit 10 */
  const uint32_t shift = (uint32_t)__builtin_clz(fraction) - 21;
  fraction = fraction << shift & 0x3ffu;
  return sign | (113 - shift) << 23 | fraction << 13;
}

/* The value as fp32; a NaN becomes quiet. */
static inline float svf_widen_f16(uint16_t x)
{
  uint32_t bits = svf_f16_bits(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) bits |= 0x400000u;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static inline uint16_t svf_round_f16(float f)
{
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu, exponent = magnitude >> 23;
  if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (exponent >= 143) return sign | 0x7c00u; /* 2^16 and more, Inf */
  if (exponent < 102) return sign;            /* below half of the least denormal */
  /* The number of bits that go: 13 of a normal result, more of a denormal one. A carry into the
   * exponent gives the right result, up to Inf. */
  const uint32_t shift = exponent >= 113 ? 13 : 126 - exponent;
  const uint32_t whole =
      exponent >= 113 ? magnitude - (112u << 23) : (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t half = 1u << (shift - 1), odd = whole >> shift & 1u;
  return (uint16_t)(sign | (whole + half - 1 + odd) >> shift);
}

#endif
