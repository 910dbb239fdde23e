/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/bf16.h"
#include "kernels/half.h"
#include "kernels/f16.h"

static void svf_half_widen_bf16_ref(const uint16_t *from, float *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_widen_bf16(from[i]);
}

static void svf_half_narrow_bf16_ref(const float *from, uint16_t *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_round_bf16(from[i]);
}

static void svf_half_widen_f16_ref(const uint16_t *from, float *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_widen_f16(from[i]);
}

static void svf_half_narrow_f16_ref(const float *from, uint16_t *to, size_t count)
{
  for (size_t i = 0; i < count; ++i) to[i] = svf_round_f16(from[i]);
}

const svf_half_kernel svf_half_ref = {
    SVF_ISA_REF,
    0,
    svf_half_widen_bf16_ref,
    svf_half_widen_f16_ref,
    svf_half_narrow_bf16_ref,
    svf_half_narrow_f16_ref,
};
