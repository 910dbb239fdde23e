/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers by SDOT, int8 times int8: A of 15 bits is two planes, each with sums of its own, which
 * is half the instructions of SMLAL. 3 rows x 1 panel: 24 sums of two planes, 4 vectors of weights,
 * a broadcast. */
#include "kernels/registry.h"
#include "kernels/target.h"

#include <arm_neon.h>
#include <string.h>

#include <svf/cpu.h>

#ifdef __clang__
SVF_TARGET_BEGIN("dotprod")
#else
SVF_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif

#include "kernels/neon/ivec.h"

#define INT_A8 1
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 1

/* In assembly, so that a sum stays in its register. */
SVF_INLINE ivec i_quads(ivec a, ivec w, ivec sum)
{
  __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(a));
  return sum;
}

SVF_INLINE ivec i_low4(ivec x)
{
  return vreinterpretq_s32_s8(vshlq_n_s8(vreinterpretq_s8_s32(x), 4));
}
SVF_INLINE ivec i_high4(ivec x) { return vandq_s32(x, vdupq_n_s32((int32_t)0xf0f0f0f0)); }
SVF_INLINE ivec i_join(ivec high, ivec low) { return vaddq_s32(vshlq_n_s32(high, 7), low); }
SVF_INLINE ivec i_sar4(ivec x) { return vshrq_n_s32(x, 4); }

enum { INT_ROWS = 3 };
#define INT_TILE_NAME "3x16"
/* clang-format off */
#define SVF_INT_TILES(tile) tile(1, 2) tile(1, 1) tile(2, 1) tile(3, 1)

#define SVF_INT_ROWS(f) \
  [1] = {2, {[1] = f##_1x1, [2] = f##_1x2}}, [2] = {1, {[1] = f##_2x1}}, [3] = {1, {[1] = f##_3x1}},
/* clang-format on */

#include "kernels/int_tile.h"

INT_KERNELS(neondot, SVF_ISA_NEON, SVF_FMA_NEEDS | SVF_CPU_NEON_DOTPROD)

SVF_TARGET_END
