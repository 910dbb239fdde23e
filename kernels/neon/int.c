/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for Armv8.0: SMLAL, whose two halves leave the sums of a channel's even and odd steps
 * apart until a group ends. 2 rows x 1 panel: 16 sums, 4 vectors of weights, 4 of what is shifted
 * out of them, a broadcast. */
#include "kernels/registry.h"

#include <arm_neon.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/neon/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

/* Of four channels: 2 * channel + (0 of even, 1 of odd steps), channels 0 and 1, 2 and 3. */
typedef struct isum {
  int32x4_t low, high;
} isum;
#define INT_WIDE_SUMS

SVF_INLINE isum s_zero(void) { return (isum){i_zero(), i_zero()}; }
SVF_INLINE ivec s_add_up(isum sum) { return vpaddq_s32(sum.low, sum.high); }

SVF_INLINE ivec i_shl16(ivec x, const int n)
{
  return vreinterpretq_s32_s16(vshlq_s16(vreinterpretq_s16_s32(x), vdupq_n_s16((int16_t)n)));
}
SVF_INLINE ivec i_sar16(ivec x, const int n)
{
  return vreinterpretq_s32_s16(vshlq_s16(vreinterpretq_s16_s32(x), vdupq_n_s16((int16_t)-n)));
}

SVF_INLINE void i_store_pairs(char *p, const ivec *x)
{
  static const uint8_t order[16] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  int8_t *to = (int8_t *)p;
  for (int i = 0; i < 2; ++i) {
    const int8x16_t y = vreinterpretq_s8_s16(i_narrow(x + 2 * i));
    vst1q_s8(to + 16 * i, vqtbl1q_s8(y, vld1q_u8(order)));
  }
}

/* In assembly, so that a sum stays in its register. */
SVF_INLINE isum i_pairs(ivec a, ivec w, isum sum)
{
  __asm__("smlal %0.4s, %1.4h, %2.4h" : "+w"(sum.low) : "w"(a), "w"(w));
  __asm__("smlal2 %0.4s, %1.8h, %2.8h" : "+w"(sum.high) : "w"(a), "w"(w));
  return sum;
}

enum { INT_ROWS = 2 };
#define INT_TILE_NAME "2x16"
/* clang-format off */
#define SVF_INT_TILES(tile) tile(1, 2) tile(1, 1) tile(2, 1)

#define SVF_INT_ROWS(f) [1] = {2, {[1] = f##_1x1, [2] = f##_1x2}}, [2] = {1, {[1] = f##_2x1}},
/* clang-format on */

#include "kernels/int_tile.h"

INT_KERNELS(neon, SVF_ISA_NEON, SVF_FMA_NEEDS)
