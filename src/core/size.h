/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic of sizes that cannot wrap. On overflow a function that returns bool returns false and
 * leaves *out alone. */
#ifndef SVF_CORE_SIZE_H
#define SVF_CORE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/strict.h"

/* The first address from p on that is a multiple of `alignment`, a power of two. */
static inline void *svf_align(void *p, size_t alignment)
{
  return (char *)p + (-(uintptr_t)p & (alignment - 1));
}

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

/* a rounded up to a multiple of `unit`. */
static inline bool svf_size_round(size_t a, size_t unit, size_t *out)
{
  size_t x;
  if (!svf_size_add(a, unit - 1, &x)) return false;
  *out = x - x % unit;
  return true;
}

static inline size_t svf_size_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t svf_size_max(size_t a, size_t b) { return a > b ? a : b; }

/* a / b rounded up; a + b must not wrap. */
static inline size_t svf_size_ceil(size_t a, size_t b) { return (a + b - 1) / b; }

/* Where share i begins when `total` is divided into `nth` shares, whose sizes differ by at most
 * one. */
static inline size_t svf_share(size_t total, size_t nth, size_t i)
{
  const size_t least = total / nth, extra = total % nth;
  return i * least + (i < extra ? i : extra);
}

#endif
