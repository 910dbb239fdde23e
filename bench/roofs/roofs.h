/* SPDX-License-Identifier: Apache-2.0
 *
 * What this machine can do at the most, measured in the same process. */
#ifndef SVF_BENCH_ROOFS_H
#define SVF_BENCH_ROOFS_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/types.h>

/* So many steps of a few instructions each from registers, on one thread. Returns the operations
 * done, two a multiply-add. */
typedef double peak_fn(size_t steps);

/* The most arithmetic of one kind: an instruction, in the widest registers of its ISA. */
typedef struct peak {
  const char *name;
  svf_isa isa;
  bool integer;       /* whether it serves the formats with integers, or the others */
  int x_precision;    /* that of the formats that it serves; 0: any */
  bool (*runs)(void); /* whether this machine has it */
  peak_fn *fn;
  size_t steps; /* that take a few milliseconds */
} peak;

/* The table. */
size_t peak_count(void);
const peak *peak_at(size_t i);

/* What bounds the kernels of that ISA and format here; NULL if not known. */
const peak *peak_of(svf_isa isa, svf_format format);

/* Operations per second on `threads` OpenMP threads, the best of a few short runs. */
double peak_measure(const peak *p, size_t threads);

typedef struct roofs {
  double flops; /* operations per second; 0 if not known */
  double bytes; /* per second, streaming read of memory */
} roofs;

/* Best of a few short runs on `threads` OpenMP threads; p may be NULL. */
roofs roofs_measure(const peak *p, size_t threads);

/* One file each. */
peak_fn roof_fma_avx2, roof_int16_avx2, roof_fma_avx512, roof_int16_avx512, roof_bf16_avx512,
    roof_int8_vnni, roof_int16_vnni, roof_bf16_amx, roof_int8_amx;

#endif
