/* SPDX-License-Identifier: Apache-2.0
 *
 * fp16 (IEEE 754 binary16) in plain C, by integers: no rounding mode or denormal flag matters. */
#ifndef SVF_KERNELS_F16_H
#define SVF_KERNELS_F16_H

#include <stdint.h>
#include <string.h>

static inline float svf_widen_f16(uint16_t x)
{
  const uint32_t sign = (uint32_t)(x & 0x8000u) << 16;
  uint32_t exponent = x >> 10 & 0x1fu, fraction = x & 0x3ffu, bits;
  if (exponent == 0x1f) { /* Inf; NaN becomes quiet */
    bits = 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0);
  } else if (exponent > 0) {
    bits = (exponent + 112) << 23 | fraction << 13;
  } else if (fraction > 0) { /* denormal: fp32 holds it as a normal number */
    for (exponent = 113; !(fraction & 0x400u); --exponent) fraction <<= 1;
    bits = exponent << 23 | (fraction & 0x3ffu) << 13;
  } else {
    bits = 0;
  }
  bits |= sign;
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
  /* Bits that go: 13 of a normal result, more of a denormal one. Carries into the exponent are
   * right, up to Inf. */
  const uint32_t shift = exponent >= 113 ? 13 : 126 - exponent;
  const uint32_t whole =
      exponent >= 113 ? magnitude - (112u << 23) : (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t half = 1u << (shift - 1), odd = whole >> shift & 1u;
  return (uint16_t)(sign | (whole + half - 1 + odd) >> shift);
}

#endif
