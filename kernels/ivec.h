/* SPDX-License-Identifier: Apache-2.0
 *
 * What an instruction set's ivec.h defines, by the short names that template headers use, as vec.h
 * has it for fp32. At the end are the products, which a unit defines by the name of its own
 * instruction set: i_pairs_avx512vnni. Brackets say for which parameters (see int_lines.h) an
 * operation is needed: [A8], [!A8] and so on. A template header, see unit.h. */
#ifndef SVF_KERNELS_IVEC_H
#define SVF_KERNELS_IVEC_H

#define ivec SVF_VEC(ivec)         /* as many int32 as vec has fp32 */
#define i_zero SVF_VEC(i_zero)     /* () */
#define i_load SVF_VEC(i_load)     /* (p) */
#define i_dup SVF_VEC(i_dup)       /* (p): the int32 at p in every lane */
#define i_add SVF_VEC(i_add)       /* (x, y) */
#define i_to_f32 SVF_VEC(i_to_f32) /* (x) */
#define i_round SVF_VEC(i_round)   /* (v): fp32 to int32, rounded */
#define i_bits SVF_VEC(i_bits)     /* (v): fp32 as int32 */
#define i_max SVF_VEC(i_max)       /* (x, y): the larger one, both >= 0 */
#define i_most SVF_VEC(i_most)     /* (x): the largest of all lanes */
#define i_total SVF_VEC(i_total)   /* (x): the sum of all lanes */

#define i_store_pairs \
  SVF_VEC(i_store_pairs) /* (p, x): 16 int32 as int16, 0 2 1 3 of each four [!A8] */
#define i_store_quads SVF_VEC(i_store_quads) /* (p, x): 16 int32 as int8 [A8, QUADS] */
#define i_high SVF_VEC(i_high)               /* (x): h of 128*h + l [A8, TWO_QUADS] */
#define i_low SVF_VEC(i_low)                 /* (x, h): its l, in [-64, 63] [A8, TWO_QUADS] */
#define i_join SVF_VEC(i_join)               /* (h, l): 128*h + l [A8, TWO_QUADS] */

#define i_shl16 SVF_VEC(i_shl16)   /* (x, n): shifts of int16 [!A8] */
#define i_sar16 SVF_VEC(i_sar16)   /* (x, n) [!A8] */
#define i_flip SVF_VEC(i_flip)     /* (x): int8 to uint8, 128 more [QUADS, !A8] */
#define i_low4u SVF_VEC(i_low4u)   /* (x): 8 + int4, low halves of bytes [TWO_QUADS] */
#define i_high4u SVF_VEC(i_high4u) /* (x): the same of the high halves [TWO_QUADS] */
#define i_dup8 SVF_VEC(i_dup8)     /* (n): n in every byte [TWO_QUADS] */
#define i_sub SVF_VEC(i_sub)       /* (x, y) [TWO_QUADS] */
#define i_low4 SVF_VEC(i_low4)     /* (x): 16 * int4, low halves of bytes [A8] */
#define i_high4 SVF_VEC(i_high4)   /* (x): the same of the high halves [A8] */
#define i_sar4 SVF_VEC(i_sar4)     /* (x): x / 16 [A8] */

#define i_pairs SVF_OF_ISA(i_pairs) /* (a, w, sum): sum + products of int16 pairs, an isum [!A8] */
#define i_quads SVF_OF_ISA(i_quads) /* (a, w, sum): the same of quads of int8; w is uint8 if !A8 */

#endif
