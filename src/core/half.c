/* SPDX-License-Identifier: Apache-2.0 */
#include <svf/half.h>

#include "src/core/dispatch.h"

void svf_bf16_to_f32(const uint16_t *from, float *to, size_t count)
{
  svf_dispatch_half()->bf16_to_f32(from, to, count);
}

void svf_f32_to_bf16(const float *from, uint16_t *to, size_t count)
{
  svf_dispatch_half()->f32_to_bf16(from, to, count);
}

void svf_f16_to_f32(const uint16_t *from, float *to, size_t count)
{
  svf_dispatch_half()->f16_to_f32(from, to, count);
}

void svf_f32_to_f16(const float *from, uint16_t *to, size_t count)
{
  svf_dispatch_half()->f32_to_f16(from, to, count);
}
