/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU features and the choice of instruction set.
 *
 * Features are read once, by CPUID and XGETBV on x86, from AT_HWCAP and AT_HWCAP2 on AArch64. A
 * feature counts only if the operating system saves its state across context switches, not because
 * the silicon has it. The library reads no environment variable unless svf_isa_select_env or
 * svf_backend_select_env is called. */
#ifndef SVF_CPU_H
#define SVF_CPU_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of svf_cpu_features(): what the CPU has, be it fast or slow. */
#define SVF_CPU_AVX2 (UINT64_C(1) << 0)    /* AVX2, with YMM state enabled */
#define SVF_CPU_FMA (UINT64_C(1) << 1)     /* FMA3, with YMM state enabled */
#define SVF_CPU_AVX512F (UINT64_C(1) << 2) /* with opmask and ZMM state enabled */
#define SVF_CPU_AVX512BW (UINT64_C(1) << 3)
#define SVF_CPU_AVX512DQ (UINT64_C(1) << 4)
#define SVF_CPU_AVX512VL (UINT64_C(1) << 5)
#define SVF_CPU_AMX_TILE (UINT64_C(1) << 6) /* with tile state enabled and a palette */
#define SVF_CPU_AMX_BF16 (UINT64_C(1) << 7)
#define SVF_CPU_AVX512BF16 (UINT64_C(1) << 8) /* AVX512_BF16 */
#define SVF_CPU_F16C (UINT64_C(1) << 9)
#define SVF_CPU_AVX512VNNI (UINT64_C(1) << 10)
#define SVF_CPU_AVXVNNI (UINT64_C(1) << 11)
#define SVF_CPU_AMX_INT8 (UINT64_C(1) << 12)
#define SVF_CPU_INTEL (UINT64_C(1) << 13) /* by Intel: VDPBF16PS has half the rate of FMAs */
#define SVF_CPU_NEON (UINT64_C(1) << 16)
#define SVF_CPU_NEON_BF16 (UINT64_C(1) << 17)    /* BFMMLA */
#define SVF_CPU_NEON_DOTPROD (UINT64_C(1) << 18) /* SDOT */
#define SVF_CPU_NEON_I8MM (UINT64_C(1) << 19)    /* SMMLA */

/* What this CPU and operating system support. Thread-safe, never fails. */
SVF_API uint64_t svf_cpu_features(void);

/* --- Instruction sets ----------------------------------------------------------------------------
 *
 * In this list each is below those that follow it. Where one has no kernel for a format, the best
 * one below it serves.
 *
 *   x86      ref, avx2, avx512, avx512bf16, amx
 *   AArch64  ref, neon, neonbf16
 *
 * On some CPUs a kernel is slower than those below it, as that of avx512bf16 is on Intel's. There
 * it serves only calls that ask for avx512bf16 by name, in their isa or by svf_isa_select; AUTO and
 * amx skip it. svf_cpu_describe says which kernels these are. */

/* All instruction sets except AUTO, in an order fit for lists, whether they are in this build or
 * not. i runs from 0 to svf_isa_count() - 1; any other i gives SVF_ISA_AUTO. Thread-safe. */
SVF_API size_t svf_isa_count(void);
SVF_API svf_isa svf_isa_at(size_t i);

/* True if this build has kernels of `isa` and this CPU can run them, which is always so for AUTO
 * and REF. Thread-safe. */
SVF_API bool svf_isa_supported(svf_isa isa);

/* The instruction set whose kernel carries out a call with this isa and format: isa itself (for
 * AUTO, the selected one) or, if it has no such kernel, the best one below it. In formats with
 * integers avx512 serves calls of few rows (at most 8) in the place of amx, with the same bits. The
 * result is AUTO if isa cannot run here. Where it may be amx, the operating system is asked for the
 * tiles, as a call would ask (see svf/matmul.h). Thread-safe. */
SVF_API svf_isa svf_isa_serving(svf_isa isa, svf_format format);

/* "auto", "ref", "neon", "neonbf16", "avx2", "avx512", "avx512bf16", "amx"; "?" for an unknown
 * value. Static strings. Thread-safe. */
SVF_API const char *svf_isa_name(svf_isa isa);

/* The instruction set of a name that svf_isa_name gives. Errors: NULL; ARGUMENT with the list of
 * known names. Thread-safe. */
SVF_API svf_status svf_isa_parse(const char *name, svf_isa *isa);

/* Make `isa` what SVF_ISA_AUTO means in this process; SVF_ISA_AUTO goes back to the best. Calls use
 * kernels of `isa` or, for formats that it has no kernel for, of the best instruction set below it.
 * If the operating system has refused the tiles of amx, it is asked once more when they are next
 * needed. Errors: UNSUPPORTED if this CPU or build lacks it; nothing changes then. Thread-safe;
 * calls that are already planned keep the instruction set that they were planned with. */
SVF_API svf_status svf_isa_select(svf_isa isa);

/* svf_isa_select with the name in the environment variable SVF_ISA. Does nothing and returns OK if
 * it is unset or empty. This and svf_backend_select_env are the only functions that read the
 * environment. Errors: ARGUMENT for another name, UNSUPPORTED; on error nothing changes.
 * Thread-safe, as long as no thread changes the environment. */
SVF_API svf_status svf_isa_select_env(void);

/* The instruction set that SVF_ISA_AUTO stands for now, never AUTO: the one selected, or the best
 * that the CPU has, except amx once the operating system has refused its tiles. Thread-safe. */
SVF_API svf_isa svf_isa_selected(void);

/* --- For people ------------------------------------------------------------------------------- */

/* Write what was detected, what was chosen and why as a few lines of text, which are always
 * terminated if bytes > 0. Returns the length of the whole text without its terminator, as snprintf
 * does. buffer may be NULL if bytes is 0. Thread-safe. */
SVF_API size_t svf_cpu_describe(char *buffer, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
