/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers for Armv8.0: SMLAL, whose two halves leave the sums of a channel's even and odd steps
 * apart until a group ends. 2 rows x 1 panel: 16 sums, 4 vectors of weights, 4 of what is shifted
 * out of them, a broadcast. */
#define SVF_UNIT int
#define SVF_UNIT_ISA neon
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/ivec.h"

#define INT_A8 0
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 0

/* The sums of four channels, 0 and 1 in low, 2 and 3 in high: of each the sum of even steps, then
 * that of odd ones. */
typedef struct isum_neon {
  int32x4_t low, high;
} isum_neon;
#define INT_WIDE_SUMS

SVF_INLINE isum_neon s_zero_neon(void) { return (isum_neon){i_zero_neon(), i_zero_neon()}; }
SVF_INLINE int32x4_t s_add_up_neon(isum_neon sum) { return vpaddq_s32(sum.low, sum.high); }

/* In assembly, so that a sum stays in its register. */
SVF_INLINE isum_neon i_pairs_neon(int32x4_t a, int32x4_t w, isum_neon sum)
{
  __asm__("smlal %0.4s, %1.4h, %2.4h" : "+w"(sum.low) : "w"(a), "w"(w));
  __asm__("smlal2 %0.4s, %1.8h, %2.8h" : "+w"(sum.high) : "w"(a), "w"(w));
  return sum;
}

enum { INT_ROWS_NEON = 2 };
#define INT_SIZE_NEON "2x16"
/* clang-format off */
#define INT_SHAPES_NEON(full, tile, format) \
  full(format, 1, 2) tile(format, 1, 1)     \
  full(format, 2, 1)
/* clang-format on */

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_NEON, VEC_NEEDS, NEON)

#undef INT_SIZE_NEON
#undef INT_SHAPES_NEON

#include "kernels/unit_end.h"
