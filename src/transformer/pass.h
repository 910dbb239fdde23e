/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of the decoder over rows of some sequences, and a thread's view of it. */
#ifndef SVF_TRANSFORMER_PASS_H
#define SVF_TRANSFORMER_PASS_H

#include <svf/context.h>

#include "src/core/openmp.h"
#include "src/core/size.h"
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

/* Carry out a pass on at most state->sizes.threads threads. */
svf_status svf_forward(svf_pass *p);

/* A thread of the team that carries out a pass. */
typedef struct svf_worker {
  svf_pass *p;
  svf_state *s;
  const svf_config *config;
  size_t ith, nth;
} svf_worker;

static inline void svf_worker_sync(const svf_worker *w)
{
  if (w->nth > 1) svf_openmp_barrier();
}

/* This thread's share of `total`: [result, *end). */
static inline size_t svf_worker_share(const svf_worker *w, size_t total, size_t *end)
{
  *end = svf_share(total, w->nth, w->ith + 1);
  return svf_share(total, w->nth, w->ith);
}

#endif
