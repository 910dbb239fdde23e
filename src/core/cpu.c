/* SPDX-License-Identifier: Apache-2.0
 *
 * Bit positions: Intel SDM volume 2A (CPUID) and volume 1, chapter 13 (XCR0); Linux
 * Documentation/arch/arm64/elf_hwcaps.rst. */
#include "src/core/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static bool bit(uint64_t word, int n) { return word >> n & 1; }

uint64_t svf_cpu_from_x86(const svf_x86_registers *r)
{
  uint64_t has = 0;
  /* Bits of XCR0: SSE + AVX; these, opmask and both halves of ZMM; tile configuration + data. */
  const uint64_t ymm = 0x6, zmm = 0xe6, tile = 0x60000;
  const bool osxsave = bit(r->leaf1_ecx, 27), avx = bit(r->leaf1_ecx, 28);
  if (!osxsave || !avx || (r->xcr0 & ymm) != ymm) return 0;
  if (r->intel) has |= SVF_CPU_INTEL;
  if (bit(r->leaf1_ecx, 12)) has |= SVF_CPU_FMA;
  if (bit(r->leaf1_ecx, 29)) has |= SVF_CPU_F16C;
  if (bit(r->leaf7_ebx, 5)) has |= SVF_CPU_AVX2;
  if (bit(r->leaf7_1_eax, 4)) has |= SVF_CPU_AVXVNNI;
  if ((r->xcr0 & zmm) != zmm || !bit(r->leaf7_ebx, 16)) return has;
  has |= SVF_CPU_AVX512F;
  if (bit(r->leaf7_ebx, 17)) has |= SVF_CPU_AVX512DQ;
  if (bit(r->leaf7_ebx, 30)) has |= SVF_CPU_AVX512BW;
  if (bit(r->leaf7_ebx, 31)) has |= SVF_CPU_AVX512VL;
  if (bit(r->leaf7_ecx, 11)) has |= SVF_CPU_AVX512VNNI;
  if (bit(r->leaf7_1_eax, 5)) has |= SVF_CPU_AVX512BF16;
  /* Some virtual machines show the feature bits but no palette of tiles. */
  if ((r->xcr0 & tile) != tile || !bit(r->leaf7_edx, 24) || r->leaf1d_eax < 1) return has;
  has |= SVF_CPU_AMX_TILE;
  if (bit(r->leaf7_edx, 22)) has |= SVF_CPU_AMX_BF16;
  if (bit(r->leaf7_edx, 25)) has |= SVF_CPU_AMX_INT8;
  return has;
}

uint64_t svf_cpu_from_hwcap(uint64_t hwcap, uint64_t hwcap2)
{
  if (!bit(hwcap, 1)) return 0; /* HWCAP_ASIMD */
  uint64_t has = SVF_CPU_NEON;
  if (bit(hwcap, 20)) has |= SVF_CPU_NEON_DOTPROD; /* HWCAP_ASIMDDP */
  if (bit(hwcap2, 13)) has |= SVF_CPU_NEON_I8MM;   /* HWCAP2_I8MM */
  if (bit(hwcap2, 14)) has |= SVF_CPU_NEON_BF16;   /* HWCAP2_BF16 */
  return has;
}

uint64_t svf_cpu_features(void)
{
#if defined(__x86_64__)
  svf_x86_registers r = {0};
  uint32_t a, b, c, d;
  if (__get_cpuid(0, &a, &b, &c, &d)) r.intel = b == signature_INTEL_ebx;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
  r.leaf1_ecx = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    r.leaf7_ebx = b;
    r.leaf7_ecx = c;
    r.leaf7_edx = d;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) r.leaf7_1_eax = a;
  }
  if (__get_cpuid_count(0x1d, 0, &a, &b, &c, &d)) r.leaf1d_eax = a;
  if (bit(r.leaf1_ecx, 27)) {
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    r.xcr0 = (uint64_t)d << 32 | a;
  }
  return svf_cpu_from_x86(&r);
#elif defined(__aarch64__) && defined(__linux__)
  return svf_cpu_from_hwcap(getauxval(AT_HWCAP), getauxval(AT_HWCAP2));
#elif defined(__aarch64__)
  return SVF_CPU_NEON; /* part of the base architecture of every other AArch64 system */
#else
  return 0;
#endif
}
