/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/rng.h"

uint64_t random_next(uint64_t *state)
{
  uint64_t x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(2685821657736338717);
}

size_t random_below(uint64_t *state, size_t n) { return (size_t)(random_next(state) >> 33) % n; }

float random_float(uint64_t *state)
{
  return (float)(random_next(state) >> 40) / 8388608.0f - 1.0f;
}
