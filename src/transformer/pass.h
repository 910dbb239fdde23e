/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of the decoder over rows of some sequences, and a thread's view of it. */
#ifndef SVF_TRANSFORMER_PASS_H
#define SVF_TRANSFORMER_PASS_H

#include <svf/context.h>

#include "src/core/size.h"
#include "src/core/team.h"
#include "src/transformer/state.h"

typedef struct svf_pass {
  svf_state *state;    /* with the rows' positions and gains in it */
  const svf_kv *kv;    /* has KV blocks for the rows */
  const svf_row *rows; /* [count], checked */
  size_t count;
  float *logits;     /* [wanted][vocab], or NULL if no row wants them */
  size_t wanted;     /* rows that want logits; set by svf_forward */
  size_t runs;       /* runs of rows that attention takes together; set by svf_forward */
  svf_status status; /* of planning the calls, which only a mistake in this library can make fail */
} svf_pass;

/* Carry out a pass in at most state->sizes.threads shares. */
svf_status svf_forward(svf_pass *p);

/* A thread of the team that carries out a pass. */
typedef struct svf_worker {
  svf_pass *p;
  svf_state *s;
  const svf_config *config;
  svf_member *member;
} svf_worker;

/* The next share of `total` that is this thread's in a stage: [*begin, *end). False once the stage
 * is over, as svf_member_next. */
static inline bool svf_worker_next(const svf_worker *w, size_t total, size_t *begin, size_t *end)
{
  size_t share;
  if (!svf_member_next(w->member, &share)) return false;
  *begin = svf_share(total, w->member->shares, share);
  *end = svf_share(total, w->member->shares, share + 1);
  return true;
}

#endif
