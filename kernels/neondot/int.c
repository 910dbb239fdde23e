/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers by SDOT, int8 times int8: A of 15 bits is two planes, each with sums of its own, which
 * is half the instructions of SMLAL. 3 rows x 1 panel: 24 sums of two planes, 4 vectors of weights,
 * a broadcast. */
#define SVF_UNIT int
#define SVF_UNIT_ISA neondot
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/ivec.h"

#ifdef __clang__
SVF_TARGET_BEGIN("dotprod")
#else
SVF_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif

#define INT_A8 1
#define INT_PAIRED 0
#define INT_ROW_UNIT 1
#define INT_FEW 0
#define INT_TWO_QUADS 0
#define INT_QUADS 1

/* In assembly, so that a sum stays in its register. */
SVF_INLINE int32x4_t i_quads_neondot(int32x4_t a, int32x4_t w, int32x4_t sum)
{
  __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(w), "w"(a));
  return sum;
}

enum { INT_ROWS_NEONDOT = 3 };
#define INT_SIZE_NEONDOT "3x16"
/* clang-format off */
#define INT_SHAPES_NEONDOT(full, tile, format) \
  full(format, 1, 2) tile(format, 1, 1)        \
  full(format, 2, 1)                           \
  full(format, 3, 1)
/* clang-format on */

#include "kernels/int_tile.h"

INT_UNIT(SVF_ISA_NEON, VEC_NEEDS | SVF_CPU_NEON_DOTPROD, NEONDOT)

#undef INT_SIZE_NEONDOT
#undef INT_SHAPES_NEONDOT

SVF_TARGET_END
#include "kernels/unit_end.h"
