/* SPDX-License-Identifier: Apache-2.0
 *
 * What the roofs need of the CPU beyond svf_cpu_features. */
#ifndef SVF_BENCH_ROOFS_CPU_H
#define SVF_BENCH_ROOFS_CPU_H

#include <stdbool.h>

bool cpu_avx2_fma(void);
bool cpu_avx512(void);
bool cpu_avx512_bf16(void);
bool cpu_avx512_vnni(void);

/* These ask the operating system for its tiles. */
bool cpu_amx_bf16(void);
bool cpu_amx_int8(void);

#endif
