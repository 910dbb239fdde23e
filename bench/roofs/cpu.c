/* SPDX-License-Identifier: Apache-2.0
 *
 * Bit positions: Intel SDM volume 2A, CPUID. Whether the operating system saves the registers is
 * what svf_cpu_features and svf_isa_serving answer. */
#include "bench/roofs/cpu.h"

#include <cpuid.h>
#include <stdint.h>

#include <svf/cpu.h>

static bool has(uint64_t features) { return (svf_cpu_features() & features) == features; }

static bool leaf7_1_eax(int bit)
{
  uint32_t a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 &&
         __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> bit & 1);
}

static bool tiles(void)
{
  return has(SVF_CPU_AMX_TILE) && svf_isa_serving(SVF_ISA_AMX, SVF_FORMAT_BF16) == SVF_ISA_AMX;
}

bool cpu_avx2_fma(void) { return has(SVF_CPU_AVX2 | SVF_CPU_FMA); }
bool cpu_avx512(void) { return has(SVF_CPU_AVX512F); }
bool cpu_avx512_bf16(void) { return has(SVF_CPU_AVX512F) && leaf7_1_eax(5); }
bool cpu_avx512_vnni(void) { return has(SVF_CPU_AVX512VNNI); }
bool cpu_amx_bf16(void) { return tiles() && has(SVF_CPU_AMX_BF16); }
bool cpu_amx_int8(void) { return tiles() && has(SVF_CPU_AMX_INT8); }
