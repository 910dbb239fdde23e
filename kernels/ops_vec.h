/* SPDX-License-Identifier: Apache-2.0
 *
 * The row operations of ops.h, written once for every vector ISA in terms of the operations in
 * vec.h. A template header, see unit.h.
 *
 * A row is taken in lines of 16 elements, as many vectors as that takes. */
#ifndef SVF_KERNELS_OPS_VEC_H
#define SVF_KERNELS_OPS_VEC_H

#include "kernels/line.h"

/* Names of the unit's own, see unit.h. */
#define ops_lanes_at SVF_NAME(lanes_at)
#define line_dup SVF_NAME(line_dup)
#define line_sub SVF_NAME(line_sub)
#define line_fma SVF_NAME(line_fma)
#define line_max SVF_NAME(line_max)
#define line_fill SVF_NAME(line_fill)
#define v_exp SVF_NAME(v_exp)
#define line_exp SVF_NAME(line_exp)
#define ops_sums SVF_NAME(sums)
#define ops_put_aside SVF_NAME(put_aside)
#define ops_sums_at SVF_NAME(sums_at)
#define ops_sum_of SVF_NAME(sum_of)
#define ops_add_products SVF_NAME(add_products)
#define ops_dot SVF_NAME(dot)
#define ops_inverse_rms SVF_NAME(inverse_rms)
#define ops_rmsnorm SVF_NAME(rmsnorm)
#define ops_rmsnorm_back SVF_NAME(rmsnorm_back)
#define v_sigmoid SVF_NAME(v_sigmoid)
#define line_sigmoid SVF_NAME(line_sigmoid)
#define ops_swiglu SVF_NAME(swiglu)
#define ops_swiglu_back SVF_NAME(swiglu_back)
#define ops_rotate SVF_NAME(rotate)
#define ops_rope SVF_NAME(rope)
#define ops_rope_back SVF_NAME(rope_back)
#define ops_max_of SVF_NAME(max_of)
#define ops_exp_at SVF_NAME(exp_at)
#define ops_exp_all SVF_NAME(exp_all)
#define ops_softmax SVF_NAME(softmax)
#define ops_sum_exp SVF_NAME(sum_exp)
#define ops_softmax_again SVF_NAME(softmax_again)
#define ops_softmax_back SVF_NAME(softmax_back)

_Static_assert((int)SVF_OPS_LANES == (int)SVF_PANEL, "a line has the lanes of a sum");

/* How many elements the line at i has, in a row of n. */
SVF_INLINE int ops_lanes_at(size_t i, size_t n)
{
  return n - i < SVF_PANEL ? (int)(n - i) : (int)SVF_PANEL;
}

SVF_INLINE line line_dup(float x)
{
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_dup(x);
  return l;
}

SVF_INLINE line line_sub(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_sub(x.v[v], y.v[v]);
  return x;
}

SVF_INLINE line line_fma(line x, line y, line sum)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) sum.v[v] = v_fma(x.v[v], y.v[v], sum.v[v]);
  return sum;
}

SVF_INLINE line line_max(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_max(x.v[v], y.v[v]);
  return x;
}

/* Sets the lanes past the first `lanes` to `rest`. */
SVF_INLINE line line_fill(line l, int lanes, float rest)
{
  if (lanes == SVF_PANEL) return l;
  float full[SVF_PANEL], filled[SVF_PANEL];
  line_store(full, l);
  line_store(filled, line_dup(rest));
  memcpy(filled, full, (size_t)lanes * sizeof *full);
  return line_load(filled);
}

SVF_INLINE vec v_exp(vec x)
{
  static const float polynomial[EXP_TERMS] = EXP_POLYNOMIAL;
  const vec least = v_dup(EXP_LEAST);
  const vec in = v_max(least, x);
  const vec t = v_fma(in, v_dup(EXP_LOG2E), v_dup(EXP_ROUND));
  const vec n = v_sub(t, v_dup(EXP_ROUND));
  const vec r = v_fma(n, v_dup(-EXP_LN2_LOW), v_fma(n, v_dup(-EXP_LN2_HIGH), in));
  vec p = v_dup(polynomial[0]);
  SVF_UNROLL
  for (int i = 1; i < EXP_TERMS; ++i) p = v_fma(p, r, v_dup(polynomial[i]));
  return v_where_less(x, least, v_zero(), v_mul(p, v_pow2(t)));
}

SVF_INLINE line line_exp(line l)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_exp(l.v[v]);
  return l;
}

/* Partial sums, which are added to the total every SVF_SUM_LENGTH elements. */
typedef struct ops_sums {
  line part, total;
} ops_sums;

SVF_INLINE void ops_put_aside(ops_sums *s)
{
  s->total = line_add(s->total, s->part);
  s->part = line_dup(0);
}

/* Called before the line at i is added. */
SVF_INLINE void ops_sums_at(ops_sums *s, size_t i)
{
  if (i > 0 && i % SVF_SUM_LENGTH == 0) ops_put_aside(s);
}

SVF_INLINE float ops_sum_of(ops_sums *s)
{
  float lane[SVF_PANEL];
  ops_put_aside(s);
  line_store(lane, s->total);
  return svf_lanes_sum(lane);
}

static void ops_add_products(const float *a, const float *b, size_t n, float *sum)
{
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line x = line_load_part(a + i, lanes), y = line_load_part(b + i, lanes);
    line_store_part(sum + i, line_fma(x, y, line_load_part(sum + i, lanes)), lanes);
  }
}

static float ops_dot(const float *a, const float *b, size_t n)
{
  ops_sums products = {line_dup(0), line_dup(0)};
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line x = line_load_part(a + i, lanes), y = line_load_part(b + i, lanes);
    ops_sums_at(&products, i);
    products.part = line_fma(x, y, products.part);
  }
  return ops_sum_of(&products);
}

/* 1 / sqrt(mean + eps), of the sum of n squares. */
SVF_INLINE float ops_inverse_rms(ops_sums *squares, size_t n, float eps)
{
  float lane[LANES];
  const float mean = ops_sum_of(squares) / (float)n + eps;
  v_store(lane, v_div(v_dup(1), v_sqrt(v_dup(mean))));
  return lane[0];
}

static void ops_rmsnorm(const float *x, const float *weight, size_t n, float eps, float *y)
{
  ops_sums squares = {line_dup(0), line_dup(0)};
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const line l = line_load_part(x + i, ops_lanes_at(i, n));
    ops_sums_at(&squares, i);
    squares.part = line_fma(l, l, squares.part);
  }
  const line scale = line_dup(ops_inverse_rms(&squares, n, eps));
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), scale);
    line_store_part(y + i, line_mul(l, line_load_part(weight + i, lanes)), lanes);
  }
}

/* The chains of both sums run side by side. */
static void ops_rmsnorm_back(const float *x, const float *weight, size_t n, float eps,
                             const float *g, float *dx)
{
  ops_sums squares = {line_dup(0), line_dup(0)}, products = squares;
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_load_part(x + i, lanes), w = line_load_part(weight + i, lanes);
    ops_sums_at(&squares, i);
    ops_sums_at(&products, i);
    squares.part = line_fma(l, l, squares.part);
    products.part = line_fma(line_mul(line_load_part(g + i, lanes), w), l, products.part);
  }
  const float inverse = ops_inverse_rms(&squares, n, eps);
  const float mean = ops_sum_of(&products) / (float)n * inverse;
  const line scale = line_dup(inverse), minus = line_dup(-mean);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), scale);
    const line h = line_mul(line_load_part(g + i, lanes), line_load_part(weight + i, lanes));
    const line sum = line_load_part(dx + i, lanes);
    line_store_part(dx + i, line_fma(scale, line_fma(l, minus, h), sum), lanes);
  }
}

SVF_INLINE vec v_sigmoid(vec g)
{
  const vec e = v_exp(v_sub(v_zero(), v_abs(g))), one = v_dup(1);
  return v_div(v_where_less(g, v_zero(), e, one), v_add(one, e));
}

SVF_INLINE line line_sigmoid(line l)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_sigmoid(l.v[v]);
  return l;
}

static void ops_swiglu(const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_load_part(gate + i, lanes), silu = line_mul(l, line_sigmoid(l));
    line_store_part(y + i, line_mul(silu, line_load_part(up + i, lanes)), lanes);
  }
}

static void ops_swiglu_back(const float *gate, const float *up, size_t n, const float *g,
                            float *dgate, float *dup)
{
  const line one = line_dup(1);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_load_part(gate + i, lanes), s = line_sigmoid(l);
    const line slope = line_mul(s, line_fma(l, line_sub(one, s), one));
    const line dy = line_load_part(g + i, lanes);
    const line through_up = line_mul(dy, line_load_part(up + i, lanes));
    line_store_part(dup + i, line_mul(dy, line_mul(l, s)), lanes);
    line_store_part(dgate + i, line_mul(through_up, slope), lanes);
  }
}

/* By the angles, or back by them. */
SVF_INLINE void ops_rotate(float *x, const float *cos, const float *sin, size_t half,
                           const bool back)
{
  for (size_t i = 0; i < half; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, half);
    const line a = line_load_part(x + i, lanes), b = line_load_part(x + half + i, lanes);
    const line c = line_load_part(cos + i, lanes), s = line_load_part(sin + i, lanes);
    const line ac = line_mul(a, c), bs = line_mul(b, s), bc = line_mul(b, c), as = line_mul(a, s);
    line_store_part(x + i, back ? line_add(ac, bs) : line_sub(ac, bs), lanes);
    line_store_part(x + half + i, back ? line_sub(bc, as) : line_add(bc, as), lanes);
  }
}

static void ops_rope(float *x, const float *cos, const float *sin, size_t half)
{
  ops_rotate(x, cos, sin, half, false);
}

static void ops_rope_back(float *x, const float *cos, const float *sin, size_t half)
{
  ops_rotate(x, cos, sin, half, true);
}

SVF_INLINE float ops_max_of(const float *x, size_t n, float scale)
{
  line max = line_dup(-INFINITY);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), line_dup(scale));
    max = line_max(max, line_fill(l, lanes, -INFINITY));
  }
  float lane[SVF_PANEL];
  line_store(lane, max);
  return svf_lanes_max(lane);
}

/* exp(scale * x - max) of the line at x. */
SVF_INLINE line ops_exp_at(const float *x, int lanes, float scale, float max)
{
  const line l = line_mul(line_load_part(x, lanes), line_dup(scale));
  return line_exp(line_sub(l, line_dup(max)));
}

/* The sum of exp(scale * x - max); the terms are left in y unless that is NULL. */
SVF_INLINE float ops_exp_all(const float *x, size_t n, float scale, float max, float *y)
{
  ops_sums s = {line_dup(0), line_dup(0)};
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line e = ops_exp_at(x + i, lanes, scale, max);
    if (y) line_store_part(y + i, e, lanes);
    ops_sums_at(&s, i);
    s.part = line_add(s.part, line_fill(e, lanes, 0));
  }
  return ops_sum_of(&s);
}

static float ops_softmax(float *x, size_t n, float scale, float *max)
{
  *max = ops_max_of(x, n, scale);
  const float inverse = 1 / ops_exp_all(x, n, scale, *max, x);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    line_store_part(x + i, line_mul(line_load_part(x + i, lanes), line_dup(inverse)), lanes);
  }
  return inverse;
}

static float ops_sum_exp(const float *x, size_t n, float *max)
{
  *max = ops_max_of(x, n, 1);
  return ops_exp_all(x, n, 1, *max, NULL);
}

static void ops_softmax_again(float *x, size_t n, float scale, float max, float factor)
{
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line e = ops_exp_at(x + i, lanes, scale, max);
    line_store_part(x + i, line_mul(e, line_dup(factor)), lanes);
  }
}

static void ops_softmax_back(const float *p, size_t n, float scale, float dot, float *g)
{
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = ops_lanes_at(i, n);
    const line d = line_sub(line_load_part(g + i, lanes), line_dup(dot));
    const line dx = line_mul(line_dup(scale), line_mul(line_load_part(p + i, lanes), d));
    line_store_part(g + i, dx, lanes);
  }
}

#define OPS_UNIT(isa_, needs_)                 \
  const svf_ops_kernel SVF_OF_ISA(svf_ops) = { \
      .isa = (isa_),                           \
      .needs = (needs_),                       \
      .rmsnorm = ops_rmsnorm,                  \
      .swiglu = ops_swiglu,                    \
      .rope = ops_rope,                        \
      .softmax = ops_softmax,                  \
      .sum_exp = ops_sum_exp,                  \
      .add_products = ops_add_products,        \
      .dot = ops_dot,                          \
      .rmsnorm_back = ops_rmsnorm_back,        \
      .swiglu_back = ops_swiglu_back,          \
      .rope_back = ops_rope_back,              \
      .softmax_again = ops_softmax_again,      \
      .softmax_back = ops_softmax_back,        \
  };

#endif
