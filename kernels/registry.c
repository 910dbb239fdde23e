/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of kernels. Later rows are preferred where the CPU can run them. */
#include "kernels/half.h"
#include "kernels/ops.h"
#include "kernels/quant.h"
#include "kernels/registry.h"

/* clang-format off */
static const svf_kernel *const matmul_kernels[] = {
    &svf_kernel_f32_ref, &svf_kernel_bf16_ref,
    &svf_kernel_s8_ref, &svf_kernel_w8_ref, &svf_kernel_w4_ref,
#if defined(__x86_64__)
    &svf_kernel_f32_avx2, &svf_kernel_bf16_avx2,
    &svf_kernel_s8_avx2, &svf_kernel_w8_avx2, &svf_kernel_w4_avx2,
    &svf_kernel_s8_avxvnni, &svf_kernel_w8_avxvnni, &svf_kernel_w4_avxvnni,
    &svf_kernel_f32_avx512, &svf_kernel_bf16_avx512,
    &svf_kernel_s8_avx512, &svf_kernel_w8_avx512, &svf_kernel_w4_avx512,
    &svf_kernel_s8_avx512vnni, &svf_kernel_w8_avx512vnni, &svf_kernel_w4_avx512vnni,
    &svf_kernel_bf16_avx512bf16,
    &svf_kernel_bf16_amx, &svf_kernel_s8_amx, &svf_kernel_w8_amx, &svf_kernel_w4_amx,
#elif defined(__aarch64__)
    &svf_kernel_f32_neon, &svf_kernel_bf16_neon,
    &svf_kernel_s8_neon, &svf_kernel_w8_neon, &svf_kernel_w4_neon,
    &svf_kernel_s8_neondot, &svf_kernel_w8_neondot, &svf_kernel_w4_neondot,
    &svf_kernel_s8_neoni8mm, &svf_kernel_w8_neoni8mm, &svf_kernel_w4_neoni8mm,
    &svf_kernel_bf16_neonbf16,
#endif
};
/* clang-format on */

size_t svf_kernel_count(void) { return sizeof matmul_kernels / sizeof *matmul_kernels; }

const svf_kernel *svf_kernel_at(size_t i)
{
  return i < svf_kernel_count() ? matmul_kernels[i] : NULL;
}

static const svf_half_kernel *const half_kernels[] = {
    &svf_half_ref,
#if defined(__x86_64__)
    &svf_half_avx2,
    &svf_half_avx512,
#elif defined(__aarch64__)
    &svf_half_neon,
#endif
};

size_t svf_half_count(void) { return sizeof half_kernels / sizeof *half_kernels; }

const svf_half_kernel *svf_half_at(size_t i)
{
  return i < svf_half_count() ? half_kernels[i] : NULL;
}

static const svf_ops_kernel *const ops_kernels[] = {
    &svf_ops_ref,
#if defined(__x86_64__)
    &svf_ops_avx2,
    &svf_ops_avx512,
#elif defined(__aarch64__)
    &svf_ops_neon,
#endif
};

size_t svf_ops_count(void) { return sizeof ops_kernels / sizeof *ops_kernels; }

const svf_ops_kernel *svf_ops_at(size_t i) { return i < svf_ops_count() ? ops_kernels[i] : NULL; }

static const svf_quant_kernel *const quant_kernels[] = {
    &svf_quant_ref,
#if defined(__x86_64__)
    &svf_quant_avx2,
    &svf_quant_avx512,
#elif defined(__aarch64__)
    &svf_quant_neon,
#endif
};

size_t svf_quant_count(void) { return sizeof quant_kernels / sizeof *quant_kernels; }

const svf_quant_kernel *svf_quant_at(size_t i)
{
  return i < svf_quant_count() ? quant_kernels[i] : NULL;
}
