/* SPDX-License-Identifier: Apache-2.0
 *
 * fp32 for Armv8-A Advanced SIMD. 5 rows x 1 panel: 20 sums, 4 weight vectors and 5 registers with
 * four steps of a row of A each, from which FMLA takes its scalar by element: 21 loads feed 80
 * FMLAs. A sixth row would not leave room for the weights. */
#include <arm_neon.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/registry.h"

typedef float32x4_t vec;
enum { LANES = 4 };

#define INLINE static inline __attribute__((always_inline))

INLINE vec v_zero(void) { return vdupq_n_f32(0); }
INLINE vec v_load(const float *p) { return vld1q_f32(p); }
INLINE void v_store(float *p, vec v) { vst1q_f32(p, v); }
INLINE vec v_add(vec x, vec y) { return vaddq_f32(x, y); }
INLINE vec v_mul(vec x, vec y) { return vmulq_f32(x, y); }
INLINE void v_prefetch(const float *p) { __builtin_prefetch(p, 0, 2); }

INLINE vec v_widen(const uint16_t *p)
{
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

/* Rounded as integers: FPCR does not matter and denormals are kept. */
INLINE void v_round(uint16_t *p, vec v)
{
  const uint32x4_t x = vreinterpretq_u32_f32(v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(x, 16), vdupq_n_u32(1));
  const uint32x4_t up = vaddq_u32(x, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
  const uint32x4_t quiet = vorrq_u32(x, vdupq_n_u32(0x400000));
  const uint32x4_t number = vceqq_f32(v, v);
  vst1_u16(p, vshrn_n_u32(vbslq_u32(number, up, quiet), 16));
}

typedef float32x4_t a_row;

INLINE a_row a_load(const float *a, int count)
{
  return count == 4 ? vld1q_f32(a) : vld1q_dup_f32(a);
}

typedef struct a_value {
  a_row x;
  int lane;
} a_value;
INLINE a_value a_at(a_row x, int s) { return (a_value){x, s}; }

/* In assembly, so that a sum stays in its register: gcc rotates them, with moves at the seams. */
#define FMLA(lane) __asm__("fmla %0.4s, %1.4s, %2.s[" #lane "]" : "+w"(sum) : "w"(b), "w"(y.x))

INLINE vec a_fma(a_value y, vec b, vec sum)
{
  switch (y.lane) {
    case 0: FMLA(0); break;
    case 1: FMLA(1); break;
    case 2: FMLA(2); break;
    default: FMLA(3); break;
  }
  return sum;
}

#include "kernels/f32_tile.h"

SVF_F32_TILE(1, 4, neon)
SVF_F32_TILE(1, 1, neon)
SVF_F32_TILE(2, 2, neon)
SVF_F32_TILE(2, 1, neon)
SVF_F32_TILE(3, 2, neon)
SVF_F32_TILE(3, 1, neon)
SVF_F32_TILE(4, 1, neon)
SVF_F32_TILE(5, 1, neon)

const svf_kernel svf_kernel_f32_neon = {
    .name = "svf_f32_5x16_neon",
    .isa = SVF_ISA_NEON,
    .format = SVF_FORMAT_F32,
    .needs = SVF_CPU_NEON,
    .rows = 5,
    .pack_rows = f32_pack_rows,
    .tile =
        {
            [1] = {4, {[1] = tile_1x1_neon, [4] = tile_1x4_neon}},
            [2] = {2, {[1] = tile_2x1_neon, [2] = tile_2x2_neon}},
            [3] = {2, {[1] = tile_3x1_neon, [2] = tile_3x2_neon}},
            [4] = {1, {[1] = tile_4x1_neon}},
            [5] = {1, {[1] = tile_5x1_neon}},
        },
};
