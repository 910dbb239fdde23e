/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One source for three arithmetics: T and Y of one row in type `sum`. */
#define ORACLE(name, sum, mul_add, scale, plus)                                           \
  static void name##_row(const oracle_input *in, size_t row, sum *t, sum *y)              \
  {                                                                                       \
    const float *x = in->x + row * in->n, *gains = in->gains[row];                        \
    for (size_t k = 0; k < in->r; ++k) {                                                  \
      sum s = 0;                                                                          \
      for (size_t j = 0; j < in->n; ++j) {                                                \
        s = mul_add((sum)x[j], (sum)in->vt[k * in->n + j], s);                            \
      }                                                                                   \
      t[k] = scale(s, (sum)gains[k]);                                                     \
    }                                                                                     \
    for (size_t i = 0; i < in->m; ++i) {                                                  \
      sum s = 0;                                                                          \
      for (size_t k = 0; k < in->r; ++k) s = mul_add(t[k], (sum)in->u[i * in->r + k], s); \
      if (in->bias) s = plus(s, (sum)in->bias[i]);                                        \
      if (in->old) s = plus(s, (sum)in->old[row * in->m + i]);                            \
      y[i] = s;                                                                           \
    }                                                                                     \
  }

static double fma_double(double a, double b, double c) { return a * b + c; }
static double mul_double(double a, double b) { return a * b; }
static double add_double(double a, double b) { return a + b; }
static float mul_float(float a, float b) { return a * b; }
static float add_float(float a, float b) { return a + b; }
static int64_t fma_int(int64_t a, int64_t b, int64_t c) { return a * b + c; }
static int64_t mul_int(int64_t a, int64_t b) { return a * b; }
static int64_t add_int(int64_t a, int64_t b) { return a + b; }

ORACLE(chain, float, fmaf, mul_float, add_float)
ORACLE(precise, double, fma_double, mul_double, add_double)
ORACLE(exact, int64_t, fma_int, mul_int, add_int)

static void *scratch(size_t bytes)
{
  void *p = malloc(bytes);
  if (!p) abort();
  return p;
}

void oracle_chain(const oracle_input *in, float *y)
{
  float *t = scratch(in->r * sizeof *t);
  for (size_t row = 0; row < in->rows; ++row) chain_row(in, row, t, y + row * in->m);
  free(t);
}

void oracle_double(const oracle_input *in, double *y)
{
  double *t = scratch(in->r * sizeof *t);
  for (size_t row = 0; row < in->rows; ++row) precise_row(in, row, t, y + row * in->m);
  free(t);
}

void oracle_exact(const oracle_input *in, float *y)
{
  int64_t *t = scratch((in->r + in->m) * sizeof *t);
  for (size_t row = 0; row < in->rows; ++row) {
    exact_row(in, row, t, t + in->r);
    for (size_t i = 0; i < in->m; ++i) y[row * in->m + i] = (float)t[in->r + i];
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
