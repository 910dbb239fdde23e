/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of a transformer's row operations besides the matmul, in fp32. Rows are contiguous,
 * of n >= 1 elements (half >= 1), at any alignment of a float. One table per ISA, later ones
 * preferred, in registry.c.
 *
 * Bits do not depend on the ISA, plain C included, given rounding to nearest:
 *
 *   sums and maxima    in 16 lanes: lane j takes elements j, j + 16, ...; a last partial line is
 *                      filled up with the neutral element. A sum is made of partial
 *                      sums of SVF_SUM_LENGTH elements, added up lane by lane. svf_lanes_sum and
 *                      svf_lanes_max fold the 16 lanes
 *   exp                of arguments <= 0, as exp.h says: within 1 ulp, 0 where it would be denormal
 *   / and sqrt         rounded correctly, as IEEE 754 has them
 *
 * Each operation is evaluated as it is written below; a product and a sum that are not called fma
 * are each rounded. A NaN makes every result NaN that depends on it, in its own row; its sign and
 * payload are the hardware's. Denormals follow MXCSR or FPCR, which are never changed: bits are the
 * same where these say the same. */
#ifndef SVF_KERNELS_OPS_H
#define SVF_KERNELS_OPS_H

#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

#include "kernels/strict.h"

enum {
  SVF_OPS_LANES = 16,
  SVF_SUM_LENGTH = 1024 /* elements: few enough that small ones are not lost in a partial sum */
};

/* y = (x * (1 / sqrt(mean + eps))) * weight, mean = sum of fma(x, x, .) / n. y may be x. */
typedef void svf_rmsnorm_fn(const float *x, const float *weight, size_t n, float eps, float *y);

/* y = (gate * sigmoid(gate)) * up, sigmoid(g) = (g < 0 ? e : 1) / (1 + e), e = exp(-|g|). y may be
 * gate or up. A gate of -Inf gives NaN, as the formula does; the least finite one gives 0. */
typedef void svf_swiglu_fn(const float *gate, const float *up, size_t n, float *y);

/* Rotates the pairs a = x[i], b = x[i + half] of one attention head, i < half: they become
 * a * cos[i] - b * sin[i] and b * cos[i] + a * sin[i]. */
typedef void svf_rope_fn(float *x, const float *cos, const float *sin, size_t half);

/* x = e * (1 / sum of e), e = exp(s - max of s), s = scale * x. -Inf masks an element; a row of
 * -Inf alone becomes NaN, and so does one whose largest s is +Inf. Stores the maximum of s in *max
 * and returns 1 / sum: svf_softmax_again_fn takes them. */
typedef float svf_softmax_fn(float *x, size_t n, float scale, float *max);

/* Stores the maximum in *max and returns the sum of exp(x - max); NaN where softmax gives NaN. */
typedef float svf_sum_exp_fn(const float *x, size_t n, float *max);

/* --- Training ------------------------------------------------------------------------------------
 *
 * Gradients of the operations above with respect to their inputs, where g is that with respect to
 * their result. Rows that are written are none of the other rows, unless an operation says which
 * they may be. */

/* sum = fma(a, b, sum), element by element. */
typedef void svf_add_products_fn(const float *a, const float *b, size_t n, float *sum);

/* Returns the sum of fma(a, b, .). */
typedef float svf_dot_fn(const float *a, const float *b, size_t n);

/* Adds the gradient of rmsnorm with respect to x to dx:
 *
 *   dx = fma(s, fma(x * s, -m, h), dx)
 *
 * s = 1 / sqrt(mean + eps), with the bits that it has in rmsnorm; h = g * weight;
 * m = (sum of fma(h, x, .) / n) * s. dx may become NaN where squares overflow. */
typedef void svf_rmsnorm_back_fn(const float *x, const float *weight, size_t n, float eps,
                                 const float *g, float *dx);

/* The gradients of swiglu, s = sigmoid(gate) as there:
 *
 *   dup   = g * (gate * s)
 *   dgate = (g * up) * (s * fma(gate, 1 - s, 1))
 *
 * dgate and dup are two rows, each of which may be gate, up or g. A gate of +Inf or -Inf makes
 * dgate NaN. */
typedef void svf_swiglu_back_fn(const float *gate, const float *up, size_t n, const float *g,
                                float *dgate, float *dup);

/* Rotates as svf_rope_fn does, with -sin: takes a rotation back, and makes the gradient with
 * respect to the pairs before it of that with respect to the rotated ones. */
typedef svf_rope_fn svf_rope_back_fn;

/* x = exp(scale * x - max) * factor, for a row whose scale * x are at most max, or for any piece of
 * such a row.
 *
 *   softmax again   with max and factor = 1 / sum from softmax it gives the same bits
 *   cross entropy   the gradient of -weight * log softmax(scale * x)[target] with respect to x is
 *                   this, with factor = weight * scale / sum; except that weight * scale remains to
 *                   be subtracted at the target */
typedef void svf_softmax_again_fn(float *x, size_t n, float scale, float max, float factor);

/* g = scale * (p * (g - dot)): the gradient of p = softmax(scale * x) with respect to x, in place
 * of that with respect to p; for a whole row, or for any piece of it. dot is the sum of p * g over
 * the whole row, which in attention is also the sum of out * dout over the channels of a head. */
typedef void svf_softmax_back_fn(const float *p, size_t n, float scale, float dot, float *g);

typedef struct svf_ops_kernel {
  svf_isa isa;
  uint64_t needs; /* SVF_CPU_* bits: a CPU must have them all */
  svf_rmsnorm_fn *rmsnorm;
  svf_swiglu_fn *swiglu;
  svf_rope_fn *rope;
  svf_softmax_fn *softmax;
  svf_sum_exp_fn *sum_exp;
  svf_add_products_fn *add_products;
  svf_dot_fn *dot;
  svf_rmsnorm_back_fn *rmsnorm_back;
  svf_swiglu_back_fn *swiglu_back;
  svf_rope_back_fn *rope_back;
  svf_softmax_again_fn *softmax_again;
  svf_softmax_back_fn *softmax_back;
} svf_ops_kernel;

size_t svf_ops_count(void);
const svf_ops_kernel *svf_ops_at(size_t i);

extern const svf_ops_kernel svf_ops_ref;
#if defined(__x86_64__)
extern const svf_ops_kernel svf_ops_avx2, svf_ops_avx512;
#elif defined(__aarch64__)
extern const svf_ops_kernel svf_ops_neon;
#endif

/* Folds the lanes in halves: 8, 4, 2 and 1 are left. */
static inline float svf_lanes_sum(float *lane)
{
  for (int half = SVF_OPS_LANES / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

/* y unless x is greater: so x86 treats NaN and zeros of both signs. */
static inline float svf_max(float x, float y) { return x > y ? x : y; }

static inline float svf_lanes_max(float *lane)
{
  for (int half = SVF_OPS_LANES / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) lane[j] = svf_max(lane[j], lane[j + half]);
  }
  return lane[0];
}

#endif
