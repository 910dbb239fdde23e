/* SPDX-License-Identifier: Apache-2.0
 *
 * The row operations of ops.h, written once for every vector ISA. Its vec.h has, besides what
 * fma_tile.h asks for,
 *
 *   v_abs(v) v_div(x, y) v_sqrt(v)    rounded correctly
 *   v_max(x, y)                       y unless x is greater: svf_max
 *   v_where_less(x, y, a, b)          a where x < y, b elsewhere and where one is NaN
 *   v_pow2(t)                         2^n from EXP_ROUND + n, see exp.h
 *
 * A row is taken in lines of 16 elements, as many vectors as that takes. */
#ifndef SVF_KERNELS_OPS_VEC_H
#define SVF_KERNELS_OPS_VEC_H

#include <math.h>

#include "kernels/exp.h"
#include "kernels/line.h"
#include "kernels/ops.h"

_Static_assert((int)SVF_OPS_LANES == (int)SVF_PANEL, "a line has the lanes of a sum");

/* Elements of the line at i of a row of n. */
SVF_INLINE int lanes_at(size_t i, size_t n)
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

SVF_INLINE line line_max(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_max(x.v[v], y.v[v]);
  return x;
}

/* Lanes past those that exist become `rest`. */
SVF_INLINE line line_fill(line l, int lanes, float rest)
{
  if (lanes == SVF_PANEL) return l;
  float full[SVF_PANEL], filled[SVF_PANEL];
  line_store(full, l);
  line_store(filled, line_dup(rest));
  memcpy(filled, full, (size_t)lanes * sizeof *full);
  return line_load(filled);
}

SVF_INLINE vec vec_exp(vec x)
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
  for (int v = 0; v < VECS; ++v) l.v[v] = vec_exp(l.v[v]);
  return l;
}

/* Sums are put aside every SVF_SUM_BLOCK elements. */
typedef struct sums {
  line block, total;
} sums;

SVF_INLINE void put_aside(sums *s)
{
  s->total = line_add(s->total, s->block);
  s->block = line_dup(0);
}

/* Before the line at i is summed. */
SVF_INLINE void sums_at(sums *s, size_t i)
{
  if (i > 0 && i % SVF_SUM_BLOCK == 0) put_aside(s);
}

SVF_INLINE float sum_of(sums *s)
{
  float lane[SVF_PANEL];
  put_aside(s);
  line_store(lane, s->total);
  return svf_lanes_sum(lane);
}

static void rmsnorm(const float *x, const float *weight, size_t n, float eps, float *y)
{
  sums squares = {line_dup(0), line_dup(0)};
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const line l = line_load_part(x + i, lanes_at(i, n));
    sums_at(&squares, i);
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) {
      squares.block.v[v] = v_fma(l.v[v], l.v[v], squares.block.v[v]);
    }
  }
  float lane[LANES];
  const float mean = sum_of(&squares) / (float)n + eps;
  v_store(lane, v_div(v_dup(1), v_sqrt(v_dup(mean))));
  const line scale = line_dup(lane[0]);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), scale);
    line_store_part(y + i, line_mul(l, line_load_part(weight + i, lanes)), lanes);
  }
}

SVF_INLINE vec vec_sigmoid(vec g)
{
  const vec e = vec_exp(v_sub(v_zero(), v_abs(g))), one = v_dup(1);
  return v_div(v_where_less(g, v_zero(), e, one), v_add(one, e));
}

static void swiglu(const float *gate, const float *up, size_t n, float *y)
{
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = lanes_at(i, n);
    line l = line_load_part(gate + i, lanes);
    SVF_UNROLL
    for (int v = 0; v < VECS; ++v) l.v[v] = v_mul(l.v[v], vec_sigmoid(l.v[v]));
    line_store_part(y + i, line_mul(l, line_load_part(up + i, lanes)), lanes);
  }
}

static void rope(float *x, const float *cos, const float *sin, size_t half)
{
  for (size_t i = 0; i < half; i += SVF_PANEL) {
    const int lanes = lanes_at(i, half);
    const line a = line_load_part(x + i, lanes), b = line_load_part(x + half + i, lanes);
    const line c = line_load_part(cos + i, lanes), s = line_load_part(sin + i, lanes);
    line_store_part(x + i, line_sub(line_mul(a, c), line_mul(b, s)), lanes);
    line_store_part(x + half + i, line_add(line_mul(b, c), line_mul(a, s)), lanes);
  }
}

SVF_INLINE float max_of(const float *x, size_t n, float scale)
{
  line max = line_dup(-INFINITY);
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), line_dup(scale));
    max = line_max(max, line_fill(l, lanes, -INFINITY));
  }
  float lane[SVF_PANEL];
  line_store(lane, max);
  return svf_lanes_max(lane);
}

/* The sum of exp(scale * x - max); the terms are left in y unless that is NULL. */
SVF_INLINE float exp_all(const float *x, size_t n, float scale, float max, float *y)
{
  sums s = {line_dup(0), line_dup(0)};
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = lanes_at(i, n);
    const line l = line_mul(line_load_part(x + i, lanes), line_dup(scale));
    const line e = line_exp(line_sub(l, line_dup(max)));
    if (y) line_store_part(y + i, e, lanes);
    sums_at(&s, i);
    s.block = line_add(s.block, line_fill(e, lanes, 0));
  }
  return sum_of(&s);
}

static void softmax(float *x, size_t n, float scale)
{
  const line inverse = line_dup(1 / exp_all(x, n, scale, max_of(x, n, scale), x));
  for (size_t i = 0; i < n; i += SVF_PANEL) {
    const int lanes = lanes_at(i, n);
    line_store_part(x + i, line_mul(line_load_part(x + i, lanes), inverse), lanes);
  }
}

static float sum_exp(const float *x, size_t n, float *max)
{
  *max = max_of(x, n, 1);
  return exp_all(x, n, 1, *max, NULL);
}

#define SVF_OPS(name, isa_, needs_)       \
  const svf_ops_kernel svf_ops_##name = { \
      .isa = (isa_),                      \
      .needs = (needs_),                  \
      .rmsnorm = rmsnorm,                 \
      .swiglu = swiglu,                   \
      .rope = rope,                       \
      .softmax = softmax,                 \
      .sum_exp = sum_exp,                 \
  }

#endif
