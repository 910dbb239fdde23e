/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json, and the same bytes as generation_config.json: what is accepted is within the limits
 * that allocations rely on. */
#include <math.h>

#include "src/transformer/config.h"
#include "tests/fuzz/fuzz.h"

static void check_tokens(const svf_config *c)
{
  fuzz_assert(c->bos >= -1 && c->bos < (int32_t)c->vocab);
  fuzz_assert(c->eos_count >= 0 && c->eos_count <= SVF_CONFIG_MAX_EOS);
}

static void check(const svf_config *c)
{
  fuzz_assert(c->vocab > 0 && c->vocab <= SVF_CONFIG_MAX_VOCAB);
  fuzz_assert(c->hidden > 0 && c->hidden <= SVF_CONFIG_MAX_WIDTH);
  fuzz_assert(c->intermediate > 0 && c->intermediate <= SVF_CONFIG_MAX_INTERMEDIATE);
  fuzz_assert(c->layers > 0 && c->layers <= SVF_CONFIG_MAX_LAYERS);
  fuzz_assert(c->kv_heads > 0 && c->heads >= c->kv_heads && c->heads % c->kv_heads == 0);
  fuzz_assert(c->head_dim > 0 && c->head_dim <= SVF_CONFIG_MAX_HEAD_DIM && c->head_dim % 2 == 0);
  fuzz_assert(c->heads * c->head_dim <= SVF_CONFIG_MAX_WIDTH);
  fuzz_assert(c->max_positions > 0 && c->max_positions <= SVF_CONFIG_MAX_POSITIONS);
  fuzz_assert(c->window <= SVF_CONFIG_MAX_POSITIONS && c->window_from_layer < c->layers);
  fuzz_assert(c->norm_eps > 0 && c->norm_eps <= 1);
  fuzz_assert(c->rope_theta > 0 && isfinite(c->rope_theta));
  fuzz_assert(c->rope_scaling == SVF_ROPE_NONE || (c->factor >= 1 && isfinite(c->factor)));
  if (c->rope_scaling == SVF_ROPE_LLAMA3) {
    fuzz_assert(c->low_freq_factor > 0 && c->low_freq_factor < c->high_freq_factor);
    fuzz_assert(c->original_max_positions > 0);
  }
  check_tokens(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  svf_config config;
  svf_status status = svf_config_parse((const char *)data, size, &config);
  if (status == SVF_OK) {
    check(&config);
  } else {
    fuzz_refused(status);
    config = (svf_config){.vocab = 1000, .bos = -1};
  }
  status = svf_config_parse_generation((const char *)data, size, &config);
  if (status != SVF_OK) fuzz_refused(status);
  check_tokens(&config);
  return 0;
}
