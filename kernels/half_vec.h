/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions, written once for every vector ISA. A template header, see unit.h. A unit defines,
 * by names that end in those of its vectors,
 *
 *   v_widen_f16(p), v_narrow_f16(p, v)     LANES fp16 to fp32, and back to nearest even
 *
 * A tail goes through a vector on the stack. */
#ifndef SVF_KERNELS_HALF_VEC_H
#define SVF_KERNELS_HALF_VEC_H

#include "kernels/unit.h"
#include "kernels/vec.h"

#define v_widen_f16 SVF_VEC(v_widen_f16)
#define v_narrow_f16 SVF_VEC(v_narrow_f16)

/* Names of the unit's own, see unit.h. */
#define half_widen SVF_NAME(half_widen)
#define half_narrow SVF_NAME(half_narrow)
#define half_widen_all SVF_NAME(half_widen_all)
#define half_narrow_all SVF_NAME(half_narrow_all)
#define widen_bf16 SVF_NAME(widen_bf16)
#define widen_f16 SVF_NAME(widen_f16)
#define narrow_bf16 SVF_NAME(narrow_bf16)
#define narrow_f16 SVF_NAME(narrow_f16)

SVF_INLINE vec half_widen(const uint16_t *p, const int f16)
{
  return f16 ? v_widen_f16(p) : v_widen(p);
}

SVF_INLINE void half_narrow(uint16_t *p, vec v, const int f16)
{
  if (f16) {
    v_narrow_f16(p, v);
  } else {
    v_narrow(p, v_bf16(v));
  }
}

SVF_INLINE void half_widen_all(const uint16_t *from, float *to, size_t count, const int f16)
{
  for (; count >= LANES; count -= LANES, from += LANES, to += LANES)
    v_store(to, half_widen(from, f16));
  if (count == 0) return;
  uint16_t in[LANES] = {0};
  float out[LANES];
  memcpy(in, from, count * sizeof *in);
  v_store(out, half_widen(in, f16));
  memcpy(to, out, count * sizeof *out);
}

SVF_INLINE void half_narrow_all(const float *from, uint16_t *to, size_t count, const int f16)
{
  for (; count >= LANES; count -= LANES, from += LANES, to += LANES)
    half_narrow(to, v_load(from), f16);
  if (count == 0) return;
  float in[LANES] = {0};
  uint16_t out[LANES];
  memcpy(in, from, count * sizeof *in);
  half_narrow(out, v_load(in), f16);
  memcpy(to, out, count * sizeof *out);
}

static void widen_bf16(const uint16_t *from, float *to, size_t count)
{
  half_widen_all(from, to, count, 0);
}

static void widen_f16(const uint16_t *from, float *to, size_t count)
{
  half_widen_all(from, to, count, 1);
}

static void narrow_bf16(const float *from, uint16_t *to, size_t count)
{
  half_narrow_all(from, to, count, 0);
}

static void narrow_f16(const float *from, uint16_t *to, size_t count)
{
  half_narrow_all(from, to, count, 1);
}

#define HALF_UNIT(isa_, needs_)                  \
  const svf_half_kernel SVF_OF_ISA(svf_half) = { \
      .needs = (needs_),                         \
      .isa = (isa_),                             \
      .bf16_to_f32 = widen_bf16,                 \
      .f16_to_f32 = widen_f16,                   \
      .f32_to_bf16 = narrow_bf16,                \
      .f32_to_f16 = narrow_f16,                  \
  };

#endif
