/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of quant.h, written once for every vector ISA: LANES channels at a time. A template
 * header, see unit.h. A unit defines, by names that end in those of its vectors,
 *
 *   v_min(x, y)            y unless x is less
 *   v_low_bytes(p, v)      stores the low byte of each lane */
#ifndef SVF_KERNELS_QUANT_VEC_H
#define SVF_KERNELS_QUANT_VEC_H

#include "kernels/unit.h"
#include "kernels/vec.h"

#define v_min SVF_VEC(v_min)
#define v_low_bytes SVF_VEC(v_low_bytes)

/* Names of the unit's own, see unit.h. */
#define QUANT_ABREAST SVF_NAME(ABREAST)
#define quant_range SVF_NAME(range)
#define quant_range_of SVF_NAME(range_of)
#define quant_clamp SVF_NAME(clamp)
#define quant_sums SVF_NAME(sums)
#define quant_add SVF_NAME(add)
#define quant_tries SVF_NAME(tries)
#define quant_pass SVF_NAME(pass)
#define quant_refit SVF_NAME(refit)
#define quant_best SVF_NAME(best)
#define quant_take SVF_NAME(take)
#define quant_search SVF_NAME(search)
#define quant_put SVF_NAME(put)
#define quant_int8 SVF_NAME(int8)
#define quant_s8 SVF_NAME(s8)
#define quant_w8 SVF_NAME(w8)
#define quant_w4 SVF_NAME(w4)

/* Scales that are tried together, since the sums of one alone would wait for each other. More have
 * no registers left. */
enum { QUANT_ABREAST = 3 };
_Static_assert(SVF_INT4_TRIALS % QUANT_ABREAST == 0, "no pass tries fewer");

typedef struct quant_range {
  vec most;   /* the weight of largest magnitude; 1 where nothing is to be quantised */
  vec usable; /* 1, or 0 where the scale is `instead` and all integers are 0 */
  vec instead;
} quant_range;

SVF_INLINE quant_range quant_range_of(const float *w, size_t count)
{
  const vec zero = v_zero(), one = v_dup(1);
  vec most = zero, finite = one;
  for (size_t k = 0; k < count; ++k) {
    const vec x = v_load(w + k * SVF_PANEL);
    most = v_where_less(v_abs(most), v_abs(x), x, most);
    finite = v_finite(x, finite);
  }
  quant_range r;
  r.usable = v_where_less(v_abs(most), v_dup(SVF_QUANT_LEAST), zero, finite);
  r.most = v_where_less(zero, r.usable, most, one);
  r.instead = v_where_less(zero, finite, zero, v_dup(NAN));
  return r;
}

SVF_INLINE vec quant_clamp(vec x, const int low, const int high)
{
  return v_min(v_max(x, v_dup((float)low)), v_dup((float)high));
}

/* Sums over the steps: (x - q)^2, x * q and q * q. */
typedef struct quant_sums {
  vec error, along, power;
} quant_sums;

SVF_INLINE void quant_add(quant_sums *s, vec x)
{
  const vec round = v_dup(SVF_QUANT_ROUND);
  const vec q = v_sub(v_add(quant_clamp(x, SVF_INT4_LEAST, SVF_INT4_MOST), round), round);
  const vec e = v_sub(x, q);
  s->error = v_add(s->error, v_mul(e, e));
  s->along = v_add(s->along, v_mul(x, q));
  s->power = v_fma(q, q, s->power); /* exact, like all sums of these integers */
}

/* Scales, and what a pass over the weights found of them. */
typedef struct quant_tries {
  vec scale[QUANT_ABREAST];
  quant_sums sums[QUANT_ABREAST];
} quant_tries;

SVF_INLINE void quant_pass(const float *w, size_t count, quant_tries *t)
{
  vec inverse[QUANT_ABREAST];
  quant_sums sums[QUANT_ABREAST];
  SVF_UNROLL
  for (int i = 0; i < QUANT_ABREAST; ++i) {
    inverse[i] = v_div(v_dup(1), t->scale[i]);
    sums[i] = (quant_sums){v_zero(), v_zero(), v_zero()};
  }
  for (size_t k = 0; k < count; ++k) {
    const vec x = v_load(w + k * SVF_PANEL);
    SVF_UNROLL
    for (int i = 0; i < QUANT_ABREAST; ++i) quant_add(&sums[i], v_mul(x, inverse[i]));
  }
  SVF_UNROLL
  for (int i = 0; i < QUANT_ABREAST; ++i) t->sums[i] = sums[i];
}

/* The scale that suits the integers of this one best. */
SVF_INLINE vec quant_refit(vec scale, quant_sums s)
{
  const vec fit = v_div(s.along, v_max(s.power, v_dup(1)));
  return v_where_less(v_zero(), s.power, v_bf16(v_mul(scale, fit)), scale);
}

/* The best scale so far, and its error. */
typedef struct quant_best {
  vec scale, error;
} quant_best;

SVF_INLINE void quant_take(quant_best *best, vec scale, quant_sums s, vec most)
{
  const vec part = v_div(scale, most);
  const vec error = v_mul(s.error, v_mul(part, part));
  best->scale = v_where_less(error, best->error, scale, best->scale);
  best->error = v_min(error, best->error);
}

SVF_INLINE vec quant_search(const float *w, size_t count, vec most)
{
  quant_best best = {v_dup(1), v_dup(INFINITY)};
  for (int first = 0; first < SVF_INT4_TRIALS; first += QUANT_ABREAST) {
    quant_tries plain, fitted;
    SVF_UNROLL
    for (int i = 0; i < QUANT_ABREAST; ++i) {
      plain.scale[i] = v_bf16(v_mul(most, v_dup(svf_int4_trial(first + i))));
    }
    quant_pass(w, count, &plain);
    SVF_UNROLL
    for (int i = 0; i < QUANT_ABREAST; ++i) {
      fitted.scale[i] = quant_refit(plain.scale[i], plain.sums[i]);
    }
    quant_pass(w, count, &fitted);
    SVF_UNROLL
    for (int i = 0; i < QUANT_ABREAST; ++i) {
      quant_take(&best, plain.scale[i], plain.sums[i], most);
      quant_take(&best, fitted.scale[i], fitted.sums[i], most);
    }
  }
  return best.scale;
}

/* Stores the scale and the integers that follow from it. */
SVF_INLINE void quant_put(const float *w, size_t count, vec scale, quant_range r, const int low,
                          const int high, float *to, int8_t *q)
{
  const vec round = v_dup(SVF_QUANT_ROUND), inverse = v_div(v_dup(1), scale);
  for (size_t k = 0; k < count; ++k) {
    const vec x = quant_clamp(v_mul(v_load(w + k * SVF_PANEL), inverse), low, high);
    v_low_bytes(q + k * SVF_PANEL, v_where_less(v_zero(), r.usable, v_add(x, round), round));
  }
  v_store(to, v_where_less(v_zero(), r.usable, scale, r.instead));
}

SVF_INLINE void quant_int8(const float *w, size_t count, const bool bf16, float *scale, int8_t *q)
{
  for (size_t j = 0; j < SVF_PANEL; j += LANES) {
    const quant_range r = quant_range_of(w + j, count);
    const vec exact = v_div(v_abs(r.most), v_dup(SVF_INT8_MOST));
    quant_put(w + j, count, bf16 ? v_bf16(exact) : exact, r, -SVF_INT8_MOST, SVF_INT8_MOST,
              scale + j, q + j);
  }
}

static void quant_s8(const float *w, size_t count, float *scale, int8_t *q)
{
  quant_int8(w, count, false, scale, q);
}

static void quant_w8(const float *w, size_t count, float *scale, int8_t *q)
{
  quant_int8(w, count, true, scale, q);
}

static void quant_w4(const float *w, size_t count, float *scale, int8_t *q)
{
  for (size_t j = 0; j < SVF_PANEL; j += LANES) {
    const quant_range r = quant_range_of(w + j, count);
    quant_put(w + j, count, quant_search(w + j, count, r.most), r, SVF_INT4_LEAST, SVF_INT4_MOST,
              scale + j, q + j);
  }
}

#define QUANT_UNIT(isa_, needs_)                   \
  const svf_quant_kernel SVF_OF_ISA(svf_quant) = { \
      .isa = (isa_),                               \
      .needs = (needs_),                           \
      .s8 = quant_s8,                              \
      .w8 = quant_w8,                              \
      .w4 = quant_w4,                              \
  };

#endif
