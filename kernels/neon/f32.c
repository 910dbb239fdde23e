/* SPDX-License-Identifier: Apache-2.0
 *
 * fp32 for Armv8-A Advanced SIMD. 6 rows x 1 panel: 24 sums, 4 weight vectors and the 6 values of A
 * in two registers, from which FMLA takes its scalar by element: 5.5 loads feed 24 FMLAs. */
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

typedef struct a_step {
  float32x4_t v[2];
} a_step;

/* Up to four values, no more. */
INLINE float32x4_t load_some(const float *a, int count)
{
  float32x4_t v = vdupq_n_f32(0);
  if (count >= 4) return vld1q_f32(a);
  if (count >= 2) v = vcombine_f32(vld1_f32(a), vdup_n_f32(0));
  if (count == 1) v = vld1q_lane_f32(a, v, 0);
  if (count == 3) v = vld1q_lane_f32(a + 2, v, 2);
  return v;
}

INLINE a_step a_load(const float *a, int rows)
{
  a_step s = {{load_some(a, rows), vdupq_n_f32(0)}};
  if (rows > 4) s.v[1] = load_some(a + 4, rows - 4);
  return s;
}

/* The lane must be a literal, also where nothing is optimised. */
INLINE vec a_fma(const a_step *x, int i, vec b, vec sum)
{
  switch (i) {
    case 0: return vfmaq_laneq_f32(sum, b, x->v[0], 0);
    case 1: return vfmaq_laneq_f32(sum, b, x->v[0], 1);
    case 2: return vfmaq_laneq_f32(sum, b, x->v[0], 2);
    case 3: return vfmaq_laneq_f32(sum, b, x->v[0], 3);
    case 4: return vfmaq_laneq_f32(sum, b, x->v[1], 0);
    default: return vfmaq_laneq_f32(sum, b, x->v[1], 1);
  }
}

/* 4x4 transposes of four rows at a time; what is left over, value by value. */
INLINE void t_store(float *t, int rows, const vec *x)
{
  int i = 0;
  for (; i + 4 <= rows; i += 4) {
    const float32x4x2_t a = vtrnq_f32(x[i], x[i + 1]), b = vtrnq_f32(x[i + 2], x[i + 3]);
    vst1q_f32(t + i, vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0])));
    vst1q_f32(t + rows + i, vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1])));
    vst1q_f32(t + 2 * rows + i, vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0])));
    vst1q_f32(t + 3 * rows + i, vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1])));
  }
  for (; i < rows; ++i) {
    vst1q_lane_f32(t + i, x[i], 0);
    vst1q_lane_f32(t + rows + i, x[i], 1);
    vst1q_lane_f32(t + 2 * rows + i, x[i], 2);
    vst1q_lane_f32(t + 3 * rows + i, x[i], 3);
  }
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
SVF_F32_TILE(6, 1, neon)

const svf_kernel svf_kernel_f32_neon = {
    .name = "svf_f32_6x16_neon",
    .isa = SVF_ISA_NEON,
    .format = SVF_FORMAT_F32,
    .needs = SVF_CPU_NEON,
    .rows = 6,
    .pack_rows = f32_pack_rows,
    .tile =
        {
            [1] = {4, {[1] = tile_1x1_neon, [4] = tile_1x4_neon}},
            [2] = {2, {[1] = tile_2x1_neon, [2] = tile_2x2_neon}},
            [3] = {2, {[1] = tile_3x1_neon, [2] = tile_3x2_neon}},
            [4] = {1, {[1] = tile_4x1_neon}},
            [5] = {1, {[1] = tile_5x1_neon}},
            [6] = {1, {[1] = tile_6x1_neon}},
        },
};
