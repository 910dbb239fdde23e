/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the registry, one per (ISA, format). Each is defined in kernels/<isa>/<format>.c. */
#ifndef SVF_KERNELS_REGISTRY_H
#define SVF_KERNELS_REGISTRY_H

#include "kernels/kernel.h"

extern const svf_kernel svf_kernel_f32_ref, svf_kernel_bf16_ref;
extern const svf_kernel svf_kernel_s8_ref, svf_kernel_w8_ref, svf_kernel_w4_ref;
#if defined(__x86_64__)
extern const svf_kernel svf_kernel_f32_avx2, svf_kernel_bf16_avx2;
extern const svf_kernel svf_kernel_f32_avx512, svf_kernel_bf16_avx512;
extern const svf_kernel svf_kernel_bf16_avx512bf16, svf_kernel_bf16_amx;
extern const svf_kernel svf_kernel_s8_avx2, svf_kernel_w8_avx2, svf_kernel_w4_avx2;
extern const svf_kernel svf_kernel_s8_avxvnni, svf_kernel_w8_avxvnni, svf_kernel_w4_avxvnni;
extern const svf_kernel svf_kernel_s8_avx512, svf_kernel_w8_avx512, svf_kernel_w4_avx512;
extern const svf_kernel svf_kernel_s8_avx512vnni, svf_kernel_w8_avx512vnni;
extern const svf_kernel svf_kernel_w4_avx512vnni;
extern const svf_kernel svf_kernel_s8_amx, svf_kernel_w8_amx, svf_kernel_w4_amx;
#elif defined(__aarch64__)
extern const svf_kernel svf_kernel_f32_neon, svf_kernel_bf16_neon, svf_kernel_bf16_neonbf16;
extern const svf_kernel svf_kernel_s8_neon, svf_kernel_w8_neon, svf_kernel_w4_neon;
extern const svf_kernel svf_kernel_s8_neoni8mm, svf_kernel_w8_neoni8mm, svf_kernel_w4_neoni8mm;
extern const svf_kernel svf_kernel_s8_neondot, svf_kernel_w8_neondot, svf_kernel_w4_neondot;
#endif

#endif
