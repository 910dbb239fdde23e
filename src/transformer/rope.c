/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/rope.h"

#include <math.h>

/* Llama 3: wavelengths beyond the context that the model was trained with are stretched, those well
 * within it stay, and those in between are blended. */
static double llama3(const svf_config *c, double frequency)
{
  const double pi = 3.14159265358979323846;
  const double turns = (double)c->original_max_positions * frequency / (2 * pi);
  const double low = c->low_freq_factor, high = c->high_freq_factor;
  if (turns < low) return frequency / c->factor;
  if (turns > high) return frequency;
  const double blend = (turns - low) / (high - low);
  return (1 - blend) * frequency / c->factor + blend * frequency;
}

static double frequency_of(const svf_config *c, size_t pair)
{
  const double f = pow(c->rope_theta, -2.0 * (double)pair / (double)c->head_dim);
  switch (c->rope_scaling) {
    case SVF_ROPE_LINEAR: return f / c->factor;
    case SVF_ROPE_LLAMA3: return llama3(c, f);
    default: return f;
  }
}

void svf_rope_tables(const svf_config *c, size_t positions, float *cos_table, float *sin_table)
{
  const size_t half = c->head_dim / 2;
  for (size_t i = 0; i < half; ++i) {
    const double f = frequency_of(c, i);
    for (size_t p = 0; p < positions; ++p) {
      cos_table[p * half + i] = (float)cos((double)p * f);
      sin_table[p * half + i] = (float)sin((double)p * f);
    }
  }
}
