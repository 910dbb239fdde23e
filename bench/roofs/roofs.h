/* SPDX-License-Identifier: Apache-2.0
 *
 * What this machine can do at the most, measured in the same process. */
#ifndef SVF_BENCH_ROOFS_H
#define SVF_BENCH_ROOFS_H

#include <stddef.h>

#include <svf/types.h>

typedef struct roofs {
  double
      flops; /* per second, from registers, with the instruction that the serving kernel multiplies
                by: FMAs in the widest vectors, or products of tiles; 0 if not known */
  double bytes; /* per second, streaming read of memory */
} roofs;

/* Best of a few short runs on `threads` OpenMP threads. */
roofs roofs_measure(svf_isa isa, svf_format format, size_t threads);

/* 16 * 8 * steps fused multiply-adds on one thread; one file per ISA. Return the flops done. */
double roof_fma_avx2(size_t steps);
double roof_fma_avx512(size_t steps);

/* 16 * steps VDPBF16PS on one thread. */
double roof_bf16_avx512(size_t steps);

/* 4 * steps products of bf16 tiles on one thread. The process must have been granted AMX. */
double roof_bf16_amx(size_t steps);

#endif
