/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes that cannot wrap. Every function returns false, and leaves *out alone, on overflow. */
#ifndef SVF_CORE_SIZE_H
#define SVF_CORE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

static inline bool svf_size_mul(size_t a, size_t b, size_t *out)
{
  size_t x;
  if (__builtin_mul_overflow(a, b, &x)) return false;
  *out = x;
  return true;
}

static inline bool svf_size_add(size_t a, size_t b, size_t *out)
{
  size_t x;
  if (__builtin_add_overflow(a, b, &x)) return false;
  *out = x;
  return true;
}

/* The next multiple of `unit`. */
static inline bool svf_size_round(size_t a, size_t unit, size_t *out)
{
  size_t x;
  if (!svf_size_add(a, unit - 1, &x)) return false;
  *out = x - x % unit;
  return true;
}

#endif
