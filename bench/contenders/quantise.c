/* SPDX-License-Identifier: Apache-2.0
 *
 * Written so that compilers vectorise it: magnitudes are compared as integers, and rounding is what
 * adding 1.5 * 2^23 does. Its time counts as the peer's, so it uses what the CPU has. */
#include "bench/contenders/quantise.h"

#include <string.h>

#if defined(__x86_64__) && defined(__gnu_linux__)
#define EVERY_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EVERY_CPU
#endif

static inline uint32_t bits_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

EVERY_CPU static float quantise_row(const float *x, size_t columns, int8_t *q)
{
  const float magic = 12582912.0f;
  uint32_t most = 0;
  float largest;
  for (size_t j = 0; j < columns; ++j) {
    const uint32_t magnitude = bits_of(x[j]) & 0x7fffffff;
    most = magnitude > most ? magnitude : most;
  }
  memcpy(&largest, &most, sizeof largest);
  const float inverse = largest > 0 ? 127 / largest : 0;
  for (size_t j = 0; j < columns; ++j) q[j] = (int8_t)(bits_of(x[j] * inverse + magic) & 0xff);
  return largest / 127;
}

EVERY_CPU static void scale_row(float *x, size_t columns, float scale)
{
  for (size_t j = 0; j < columns; ++j) x[j] *= scale;
}

void scale_rows(float *x, size_t rows, size_t columns, const float *scale)
{
#pragma omp parallel for if (rows > 1) schedule(static)
  for (size_t i = 0; i < rows; ++i) scale_row(x + i * columns, columns, scale[i]);
}

void quantise_rows(const float *x, size_t rows, size_t columns, int8_t *q, float *scale)
{
#pragma omp parallel for if (rows > 1) schedule(static)
  for (size_t i = 0; i < rows; ++i) {
    scale[i] = quantise_row(x + i * columns, columns, q + i * columns);
  }
}
