/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/oracle.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The number of steps of the product that makes Y. */
static size_t depth(const oracle_input *in) { return in->r > 0 ? in->r : in->n; }

/* One source for two arithmetics: T (of a dense layer X) and Y of one row in type `sum`. */
#define ORACLE(name, sum, mul_add, scale, plus)                                           \
  static void name##_row(const oracle_input *in, size_t row, sum *t, sum *y)              \
  {                                                                                       \
    const float *x = in->x + row * in->n;                                                 \
    for (size_t k = 0; k < in->r; ++k) {                                                  \
      sum s = 0;                                                                          \
      for (size_t j = 0; j < in->n; ++j) {                                                \
        s = mul_add((sum)x[j], (sum)in->vt[k * in->n + j], s);                            \
      }                                                                                   \
      t[k] = scale(s, (sum)in->gains[row][k]);                                            \
    }                                                                                     \
    for (size_t j = 0; in->r == 0 && j < in->n; ++j) t[j] = (sum)x[j];                    \
    const size_t width = depth(in);                                                       \
    for (size_t i = 0; i < in->m; ++i) {                                                  \
      sum s = 0;                                                                          \
      for (size_t k = 0; k < width; ++k) s = mul_add(t[k], (sum)in->u[i * width + k], s); \
      if (in->bias) s = plus(s, (sum)in->bias[i]);                                        \
      if (in->old) s = plus(s, (sum)in->old[row * in->m + i]);                            \
      y[i] = s;                                                                           \
    }                                                                                     \
  }

static double fma_double(double a, double b, double c) { return a * b + c; }
static double mul_double(double a, double b) { return a * b; }
static double add_double(double a, double b) { return a + b; }
static int64_t fma_int(int64_t a, int64_t b, int64_t c) { return a * b + c; }
static int64_t mul_int(int64_t a, int64_t b) { return a * b; }
static int64_t add_int(int64_t a, int64_t b) { return a + b; }

ORACLE(precise, double, fma_double, mul_double, add_double)
ORACLE(exact, int64_t, fma_int, mul_int, add_int)

static void *scratch(size_t bytes)
{
  void *p = malloc(bytes);
  if (!p) abort();
  return p;
}

/* hi + lo of t as the format keeps them. */
static void carry_t(carry how, float t, float *hi, float *lo)
{
  *hi = how == CARRY_F32 ? t : bf16_widen(bf16_round(t));
  *lo = how == CARRY_SPLIT && isfinite(*hi) ? bf16_widen(bf16_round(t - *hi)) : 0;
}

/* Y of one row from its sums. */
static void put_row(const oracle_input *in, size_t row, const float *sums, float *y)
{
  for (size_t i = 0; i < in->m; ++i) {
    float s = sums[i];
    if (in->bias) s += in->bias[i];
    if (in->old) s += in->old[row * in->m + i];
    y[row * in->m + i] = s;
  }
}

/* T of one row and channel, from its sum. */
static float with_gain(const oracle_input *in, size_t row, size_t k, float sum)
{
  if (in->t0) in->t0[row * in->r + k] = sum;
  return sum * in->gains[row][k];
}

static float chain(const float *a, const float *b, size_t k)
{
  float s = 0;
  for (size_t j = 0; j < k; ++j) s = fmaf(a[j], b[j], s);
  return s;
}

void oracle_chain(const oracle_input *in, float *y)
{
  float *t = scratch((in->r + in->m) * sizeof *t), *sums = t + in->r;
  const size_t width = depth(in);
  for (size_t row = 0; row < in->rows; ++row) {
    for (size_t k = 0; k < in->r; ++k) {
      float hi, lo;
      const float s = chain(in->x + row * in->n, in->vt + k * in->n, in->n);
      carry_t(in->carry, with_gain(in, row, k, s), &hi, &lo);
      t[k] = in->carry == CARRY_SPLIT ? hi + lo : hi;
    }
    const float *a = in->r > 0 ? t : in->x + row * in->n;
    for (size_t i = 0; i < in->m; ++i) sums[i] = chain(a, in->u + i * width, width);
    put_row(in, row, sums, y);
  }
  free(t);
}

/* TDPBF16PS: within a tile's 32 steps the even and the odd ones are two chains from zero, whose sum
 * is added to the accumulator; denormals are zero on their way in and out. */
static float tile_step(float sum, const float *a, const float *b, size_t k)
{
  float even = 0, odd = 0;
  for (size_t j = 0; j < k; ++j) {
    float *s = j % 2 ? &odd : &even;
    *s = flush(fmaf(flush(a[j]), flush(b[j]), *s));
  }
  return flush(flush(sum) + flush(even + odd));
}

/* lo may be NULL. */
static float tile_chain(const float *hi, const float *lo, const float *b, size_t k)
{
  enum { STEPS = 32 };
  float sum = 0;
  for (size_t j = 0; j < k; j += STEPS) {
    const size_t count = k - j < STEPS ? k - j : STEPS;
    sum = tile_step(sum, hi + j, b + j, count);
    if (lo) sum = tile_step(sum, lo + j, b + j, count);
  }
  return sum;
}

static float at(const float *p, size_t j, size_t k) { return p && j < k ? flush(p[j]) : 0; }

/* VDPBF16PS: of each pair of steps the odd one first, k padded to whole lines; lo may be NULL. */
static float dot_chain(const float *hi, const float *lo, const float *b, size_t k)
{
  enum { LINE = 32 };
  float sum = 0;
  for (size_t j = 0; j < (k + LINE - 1) / LINE * LINE; j += 2) {
    for (const float *a = hi; a; a = a == hi ? lo : NULL) {
      sum = flush(fmaf(at(a, j + 1, k), at(b, j + 1, k), sum));
      sum = flush(fmaf(at(a, j, k), at(b, j, k), sum));
    }
  }
  return sum;
}

/* a + b as BFMMLA adds: rounded to odd, that is, towards zero with the last bit set where something
 * was lost; beyond the largest fp32 it is Inf. */
static float add_odd(float a, float b)
{
  enum { LOST = 29 }; /* bits of a double's fraction that fp32 has not */
  const double x = flush(a), y = flush(b);
  double s = x + y;
  if (!isfinite(s)) return (float)s;
  const double z = s - x, error = (x - (s - z)) + (y - z); /* s + error is exact: Knuth's two-sum */
  if (error != 0 && (error < 0) != (s < 0)) s = nextafter(s, 0);
  if (fabs(s) < FLT_MIN) return copysignf(0, (float)s);
  if (fabs(s) >= 0x1p128) return copysignf(INFINITY, (float)s);
  uint64_t bits;
  memcpy(&bits, &s, sizeof bits);
  const uint64_t kept = bits >> LOST << LOST;
  bits = kept | (uint64_t)(error != 0 || bits != kept) << LOST;
  memcpy(&s, &bits, sizeof s);
  return (float)s;
}

/* BFMMLA: of four steps both pairs, each the sum of its products (which fp32 holds) before it is
 * added; k padded to whole lines; lo may be NULL. */
static float odd_chain(const float *hi, const float *lo, const float *b, size_t k)
{
  enum { LINE = 32, STEPS = 4 };
  float sum = 0;
  for (size_t j = 0; j < (k + LINE - 1) / LINE * LINE; j += STEPS) {
    for (const float *a = hi; a; a = a == hi ? lo : NULL) {
      for (size_t i = j; i < j + STEPS; i += 2) {
        const float even = at(a, i, k) * at(b, i, k), odd = at(a, i + 1, k) * at(b, i + 1, k);
        sum = add_odd(sum, add_odd(even, odd));
      }
    }
  }
  return sum;
}

typedef float chain_fn(const float *hi, const float *lo, const float *b, size_t k);

static void oracle_bf16(const oracle_input *in, chain_fn *sum_of, float *y)
{
  float *hi = scratch((2 * in->r + in->m) * sizeof *hi), *lo = hi + in->r, *sums = lo + in->r;
  const size_t width = depth(in);
  for (size_t row = 0; row < in->rows; ++row) {
    for (size_t k = 0; k < in->r; ++k) {
      const float s = sum_of(in->x + row * in->n, NULL, in->vt + k * in->n, in->n);
      carry_t(in->carry, with_gain(in, row, k, s), &hi[k], &lo[k]);
    }
    const float *a = in->r > 0 ? hi : in->x + row * in->n;
    const float *rest = in->r > 0 && in->carry == CARRY_SPLIT ? lo : NULL;
    for (size_t i = 0; i < in->m; ++i) sums[i] = sum_of(a, rest, in->u + i * width, width);
    put_row(in, row, sums, y);
  }
  free(hi);
}

void oracle_dots(const oracle_input *in, float *y) { oracle_bf16(in, dot_chain, y); }
void oracle_odd(const oracle_input *in, float *y) { oracle_bf16(in, odd_chain, y); }
void oracle_tiles(const oracle_input *in, float *y) { oracle_bf16(in, tile_chain, y); }

void oracle_double(const oracle_input *in, double *y)
{
  double *t = scratch(depth(in) * sizeof *t);
  for (size_t row = 0; row < in->rows; ++row) precise_row(in, row, t, y + row * in->m);
  free(t);
}

void oracle_exact(const oracle_input *in, float *y)
{
  int64_t *t = scratch((depth(in) + in->m) * sizeof *t), *sums = t + depth(in);
  for (size_t row = 0; row < in->rows; ++row) {
    exact_row(in, row, t, sums);
    for (size_t i = 0; i < in->m; ++i) y[row * in->m + i] = (float)sums[i];
  }
  free(t);
}

float bf16_widen(uint16_t x)
{
  const uint32_t bits = (uint32_t)x << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

uint16_t bf16_round(float f)
{
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  const uint32_t low = bits & 0xffffu;
  uint16_t high = (uint16_t)(bits >> 16);
  if (f != f) return high | 0x40u;
  if (low > 0x8000u || (low == 0x8000u && (high & 1u))) ++high;
  return high;
}
