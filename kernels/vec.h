/* SPDX-License-Identifier: Apache-2.0
 *
 * What an instruction set's vec.h defines, by the short names that template headers use: v_load is
 * v_load_avx512 in kernels/avx512/vec.h. That file also has the shapes of its tiles of FMAs,
 * FMA_SHAPES_AVX512: see FMA_UNIT. Pointers need no alignment. A template header, see unit.h. */
#ifndef SVF_KERNELS_VEC_H
#define SVF_KERNELS_VEC_H

#define vec SVF_VEC(vec)             /* a vector of fp32 */
#define LANES SVF_VEC(LANES)         /* its lanes: 4, 8 or 16 */
#define VEC_NEEDS SVF_VEC(VEC_NEEDS) /* SVF_CPU_* bits that all of this needs */

#define v_zero SVF_VEC(v_zero)         /* () */
#define v_load SVF_VEC(v_load)         /* (p) */
#define v_store SVF_VEC(v_store)       /* (p, v) */
#define v_dup SVF_VEC(v_dup)           /* (x): x in every lane */
#define v_add SVF_VEC(v_add)           /* (x, y) */
#define v_sub SVF_VEC(v_sub)           /* (x, y) */
#define v_mul SVF_VEC(v_mul)           /* (x, y) */
#define v_fma SVF_VEC(v_fma)           /* (x, y, sum) */
#define v_prefetch SVF_VEC(v_prefetch) /* (p): brings the line closer */

#define a_row SVF_VEC(a_row)     /* FMA_STEPS values of a row of A, or a pointer to them */
#define a_load SVF_VEC(a_load)   /* (a, count): reads no more than `count` floats */
#define a_value SVF_VEC(a_value) /* the value of a step */
#define a_at SVF_VEC(a_at)       /* (x, s): the value of step s */
#define a_fma SVF_VEC(a_fma)     /* (y, b, sum): sum + y*b with one rounding */

#define v_even SVF_VEC(v_even)     /* (p): the even ones of 2*LANES bf16, in fp32 */
#define v_odd SVF_VEC(v_odd)       /* (p): the odd ones, in fp32 */
#define v_widen SVF_VEC(v_widen)   /* (p): LANES bf16 to fp32 */
#define v_narrow SVF_VEC(v_narrow) /* (p, v): back to bf16, of values that bf16 holds */
#define v_bf16 SVF_VEC(v_bf16)     /* (v): rounded to bf16, to nearest even; the result is fp32 */
#define v_finite SVF_VEC(v_finite) /* (v, w): w where v is finite, else +0 */

#define v_abs SVF_VEC(v_abs)               /* (v) */
#define v_div SVF_VEC(v_div)               /* (x, y): rounded correctly */
#define v_sqrt SVF_VEC(v_sqrt)             /* (v): likewise */
#define v_max SVF_VEC(v_max)               /* (x, y): y unless x is greater, as svf_max */
#define v_where_less SVF_VEC(v_where_less) /* (x, y, a, b): a where x < y, else b; NaN: b */
#define v_pow2 SVF_VEC(v_pow2)             /* (t): 2^n from EXP_ROUND + n, see exp.h */

#endif
