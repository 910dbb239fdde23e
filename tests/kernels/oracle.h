/* SPDX-License-Identifier: Apache-2.0
 *
 * Naive arithmetic that shares nothing with the library. */
#ifndef SVF_TESTS_ORACLE_H
#define SVF_TESTS_ORACLE_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens to T before the second product. */
typedef enum carry {
  CARRY_F32,  /* nothing */
  CARRY_BF16, /* rounded to bf16 */
  CARRY_SPLIT /* hi + lo, both bf16 */
} carry;

/* Everything as it is after widening to fp32, dense, row-major. */
typedef struct oracle_input {
  size_t m, n, r, rows;      /* r = 0: a dense layer, without vt and gains */
  const float *u;            /* [m][r]; W [m][n] of a dense layer */
  const float *vt;           /* [r][n] */
  const float *x;            /* [rows][n] */
  const float *const *gains; /* [rows], none NULL */
  const float *bias;         /* [m] or NULL */
  const float *old;          /* [rows][m] or NULL: added last */
  float *t0;                 /* out, or NULL: [rows][r], T before its gains, of those to the bit */
  carry carry;
} oracle_input;

/* The documented chain of fused multiply-adds: y[rows][m] in fp32, to the bit. */
void oracle_chain(const oracle_input *in, float *y);

/* The documented order of VDPBF16PS: y[rows][m] in fp32, to the bit. */
void oracle_dots(const oracle_input *in, float *y);

/* The documented order of BFMMLA: y[rows][m] in fp32, to the bit. */
void oracle_odd(const oracle_input *in, float *y);

/* The documented order of AMX's bf16 tiles: y[rows][m] in fp32, to the bit. */
void oracle_tiles(const oracle_input *in, float *y);

/* The documented arithmetic of the formats with integers, on a packed block that is read by its
 * documented layout: y[rows][m] in fp32, to the bit. */
void oracle_integers(const oracle_input *in, const void *block, float *y);

/* The weights of such a block: what the other oracles take as u and vt. */
void oracle_weights(const void *block, float *u, float *vt);

/* Double precision; T is not rounded. */
void oracle_double(const oracle_input *in, double *y);

/* Integer arithmetic; every input must be an integer and every sum below 2^24. */
void oracle_exact(const oracle_input *in, float *y);

/* Denormals to zero of their sign. */
static inline float flush(float x) { return fabsf(x) < FLT_MIN ? copysignf(0, x) : x; }

float bf16_widen(uint16_t x);
uint16_t bf16_round(float f); /* nearest even; NaN becomes quiet */

#endif
