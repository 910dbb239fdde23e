/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions written once for every vector ISA. Its vec.h and, before this is included,
 *
 *   v_widen_f16(p), v_narrow_f16(p, v)     LANES fp16 to fp32 and back, to nearest even
 *
 * Tails go through a vector on the stack. */
#ifndef SVF_KERNELS_HALF_VEC_H
#define SVF_KERNELS_HALF_VEC_H

#include <string.h>

#include "kernels/half.h"

SVF_INLINE vec widen(const uint16_t *p, const int f16) { return f16 ? v_widen_f16(p) : v_widen(p); }

SVF_INLINE void narrow(uint16_t *p, vec v, const int f16)
{
  if (f16) {
    v_narrow_f16(p, v);
  } else {
    v_narrow(p, v_bf16(v));
  }
}

SVF_INLINE void widen_all(const uint16_t *from, float *to, size_t count, const int f16)
{
  for (; count >= LANES; count -= LANES, from += LANES, to += LANES) v_store(to, widen(from, f16));
  if (count == 0) return;
  uint16_t in[LANES] = {0};
  float out[LANES];
  memcpy(in, from, count * sizeof *in);
  v_store(out, widen(in, f16));
  memcpy(to, out, count * sizeof *out);
}

SVF_INLINE void narrow_all(const float *from, uint16_t *to, size_t count, const int f16)
{
  for (; count >= LANES; count -= LANES, from += LANES, to += LANES) narrow(to, v_load(from), f16);
  if (count == 0) return;
  float in[LANES] = {0};
  uint16_t out[LANES];
  memcpy(in, from, count * sizeof *in);
  narrow(out, v_load(in), f16);
  memcpy(to, out, count * sizeof *out);
}

static void bf16_to_f32(const uint16_t *from, float *to, size_t count)
{
  widen_all(from, to, count, 0);
}

static void f16_to_f32(const uint16_t *from, float *to, size_t count)
{
  widen_all(from, to, count, 1);
}

static void f32_to_bf16(const float *from, uint16_t *to, size_t count)
{
  narrow_all(from, to, count, 0);
}

static void f32_to_f16(const float *from, uint16_t *to, size_t count)
{
  narrow_all(from, to, count, 1);
}

#define SVF_CONVERT(name, isa_, needs_)     \
  const svf_half_kernel svf_half_##name = { \
      .needs = (needs_),                    \
      .isa = (isa_),                        \
      .bf16_to_f32 = bf16_to_f32,           \
      .f16_to_f32 = f16_to_f32,             \
      .f32_to_bf16 = f32_to_bf16,           \
      .f32_to_f16 = f32_to_f16,             \
  }

#endif
