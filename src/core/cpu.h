/* SPDX-License-Identifier: Apache-2.0
 *
 * Feature detection as pure functions of what the CPU and the operating system report, so that
 * tests can ask for any machine. */
#ifndef SVF_CORE_CPU_H
#define SVF_CORE_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <svf/cpu.h>

/* The registers of an x86 CPU that decide: CPUID.1:ECX, CPUID.(7,0):EBX, ECX and EDX, CPUID.1DH:EAX
 * (0 if there is no such leaf), CPUID.(7,1):EAX and XCR0 (0 without OSXSAVE). `intel` is true if
 * the vendor is Intel. */
typedef struct svf_x86_registers {
  uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_edx, leaf1d_eax, leaf7_1_eax;
  uint64_t xcr0;
  bool intel;
} svf_x86_registers;

/* The SVF_CPU_* bits that these registers stand for. */
uint64_t svf_cpu_from_x86(const svf_x86_registers *registers);

/* The same on AArch64, from AT_HWCAP and AT_HWCAP2. */
uint64_t svf_cpu_from_hwcap(uint64_t hwcap, uint64_t hwcap2);

#endif
