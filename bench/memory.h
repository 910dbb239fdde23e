/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for every contender alike: 2 MiB aligned, huge pages asked for, touched. The bench ends
 * with a message where there is none. */
#ifndef SVF_BENCH_MEMORY_H
#define SVF_BENCH_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void *bench_alloc(size_t bytes); /* free() */

/* Uniform in [-1, 1) from a fixed seed per call site. */
float *bench_random(size_t count, uint64_t seed);

#endif
