/* SPDX-License-Identifier: Apache-2.0
 *
 * svf_cpu_features and svf_isa_serving say whether the operating system saves the registers. */
#include "bench/roofs/cpu.h"

#include <stdint.h>

#include <svf/cpu.h>

static bool has(uint64_t features) { return (svf_cpu_features() & features) == features; }

static bool tiles(void)
{
  return has(SVF_CPU_AMX_TILE) && svf_isa_serving(SVF_ISA_AMX, SVF_FORMAT_BF16) == SVF_ISA_AMX;
}

bool cpu_avx2_fma(void) { return has(SVF_CPU_AVX2 | SVF_CPU_FMA); }
bool cpu_avx512(void) { return has(SVF_CPU_AVX512F); }
bool cpu_avx512_bf16(void) { return has(SVF_CPU_AVX512BF16); }
bool cpu_avx512_vnni(void) { return has(SVF_CPU_AVX512VNNI); }
bool cpu_amx_bf16(void) { return tiles() && has(SVF_CPU_AMX_BF16); }
bool cpu_amx_int8(void) { return tiles() && has(SVF_CPU_AMX_INT8); }
