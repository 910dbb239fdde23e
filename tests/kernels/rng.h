/* SPDX-License-Identifier: Apache-2.0
 *
 * xorshift64*; every run prints its seed. */
#ifndef SVF_TESTS_RNG_H
#define SVF_TESTS_RNG_H

#include <stddef.h>
#include <stdint.h>

uint64_t random_next(uint64_t *state);
size_t random_below(uint64_t *state, size_t n);
float random_float(uint64_t *state); /* uniform in [-1, 1) */

#endif
