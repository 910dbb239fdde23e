/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/bf16.h"
#include "kernels/half.h"
#include "kernels/f16.h"

static void bf16_to_f32(const uint16_t *from, float *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_widen_bf16(from[i]);
}

static void f32_to_bf16(const float *from, uint16_t *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_round_bf16(from[i]);
}

static void f16_to_f32(const uint16_t *from, float *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_widen_f16(from[i]);
}

static void f32_to_f16(const float *from, uint16_t *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_round_f16(from[i]);
}

const svf_half_kernel svf_half_ref = {
    SVF_ISA_REF, 0, bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16,
};
