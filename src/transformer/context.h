/* SPDX-License-Identifier: Apache-2.0
 *
 * A context is a state to run passes in and what serving adds to it: the KV cache, its sequences
 * with their gains, and the callback that stops a job. */
#ifndef SVF_TRANSFORMER_CONTEXT_H
#define SVF_TRANSFORMER_CONTEXT_H

#include <svf/context.h>

#include "src/transformer/kv.h"
#include "src/transformer/model.h"
#include "src/transformer/state.h"

struct svf_context {
  const svf_model *model;
  svf_state state;
  svf_kv kv;
  const float **gains; /* [sequences] the gains of each; NULL: the base model or, if the cache's
                          hash is not 0, gains that went with their request */
  size_t *more;        /* [sequences] positions that the pass under way adds to each */
  bool (*stop)(void *context);
  void *stop_context;
};

/* The hash that identifies gains in the cache; 0 for NULL, the base model. */
uint64_t svf_context_hash(const svf_context *c, const float *gains);

/* Errors: ARGUMENT for gains where no layer is in factors, since they would be ignored. */
svf_status svf_context_check_gains(const svf_context *c, const float *gains);

/* Positions that one sequence can fill at most. */
size_t svf_context_capacity(const svf_context *c);

/* Start a sequence with these gains, whose hash is `hash`, keeping its first `kept` positions. */
void svf_context_start(svf_context *c, size_t sequence, const float *gains, uint64_t hash,
                       size_t kept);

#endif
