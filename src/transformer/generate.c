/* SPDX-License-Identifier: Apache-2.0
 *
 * Many requests on the sequences of one context. */
#include <svf/generate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/transformer/context.h"

/* A sequence of the context and the request that it serves. */
typedef struct slot {
  svf_request *request; /* NULL: idle */
  size_t read;          /* tokens of the prompt that the cache holds */
  size_t reserved;      /* blocks of the cache that it may come to hold */
  int32_t next;         /* the token to go on with, once the prompt is read */
} slot;

typedef struct generation {
  svf_context *c;
  svf_request *requests;
  size_t count, begun;
  slot *slots; /* [sequences] */
  svf_row *rows;
  size_t row_count;
  float *logits; /* [rows that may want them][vocab] */
  svf_candidate *scratch;
} generation;

/* Positions that a request fills at most: its last token is never read. */
static size_t positions_of(const svf_request *r)
{
  return r->prompt_count + (r->max_tokens > 0 ? r->max_tokens - 1 : 0);
}

/* Says in the last message which request failed. */
static svf_status of_request(svf_status status, size_t i)
{
  return svf_fail_at(status, "requests[%zu]", i);
}

/* The whole prompt, since other requests are under way when its last tokens are read. */
static svf_status check_prompt(const svf_context *c, const svf_request *r, size_t i)
{
  const size_t vocab = c->model->config.vocab;
  size_t all;
  if (!r->prompt || r->prompt_count == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "requests[%zu] has an empty prompt", i);
  }
  if (!svf_size_add(r->prompt_count, r->max_tokens, &all) || positions_of(r) > c->kv.limit ||
      svf_kv_blocks(positions_of(r)) > c->kv.count) {
    return svf_fail(
        SVF_ERR_ARGUMENT,
        "requests[%zu]: a prompt of %zu tokens and %zu more exceed the %zu positions of "
        "the context",
        i, r->prompt_count, r->max_tokens, svf_size_min(c->kv.limit, c->kv.count * SVF_KV_BLOCK));
  }
  for (size_t k = 0; k < r->prompt_count; ++k) {
    if (r->prompt[k] < 0 || (size_t)r->prompt[k] >= vocab) {
      return svf_fail(SVF_ERR_ARGUMENT, "requests[%zu].prompt[%zu] is %ld, the vocabulary has %zu",
                      i, k, (long)r->prompt[k], vocab);
    }
  }
  return SVF_OK;
}

static svf_status check_request(const svf_context *c, const svf_request *r, size_t i)
{
  int32_t unused;
  svf_candidate scratch;
  svf_status status = check_prompt(c, r, i);
  if (status != SVF_OK) return status;
  status = svf_context_check_gains(c, r->gains);
  if (status == SVF_OK) status = svf_sample(&r->sampling, &(float){0}, 1, 0, &scratch, &unused);
  return of_request(status, i);
}

static void finish(svf_request *r)
{
  if (r->on_finish) r->on_finish(r->on_token_context);
}

/* --- Beginning -------------------------------------------------------------------------------- */

static size_t reserved(const generation *g)
{
  size_t sum = 0;
  for (size_t s = 0; s < g->c->kv.sequences; ++s) sum += g->slots[s].reserved;
  return sum;
}

/* The idle slot whose cache serves a request best; sequences if none is idle. */
static size_t idle_slot(const generation *g, const svf_request *r)
{
  const svf_kv *kv = &g->c->kv;
  const uint64_t hash = svf_context_hash(g->c, r->gains);
  size_t best = kv->sequences, most = 0;
  for (size_t s = 0; s < kv->sequences; ++s) {
    if (g->slots[s].request) continue;
    const size_t same = svf_kv_matching(kv, s, hash, r->prompt, r->prompt_count);
    if (best < kv->sequences && same <= most) continue;
    best = s;
    most = same;
  }
  return best;
}

/* Idle slots keep their cache only as long as nobody needs the room. */
static void make_room(generation *g, size_t keep)
{
  size_t held = 0;
  for (size_t s = 0; s < g->c->kv.sequences; ++s) {
    const size_t own = g->c->kv.sequence[s].held;
    held += g->slots[s].reserved > own ? g->slots[s].reserved : own;
  }
  for (size_t s = 0; s < g->c->kv.sequences && held > g->c->kv.count; ++s) {
    if (g->slots[s].request || s == keep) continue;
    held -= g->c->kv.sequence[s].held;
    svf_context_end(g->c, s);
  }
}

/* Begin requests while there is a slot and room for all that they may come to. */
static svf_status admit(generation *g)
{
  while (g->begun < g->count) {
    svf_request *r = &g->requests[g->begun];
    const size_t needed = svf_kv_blocks(positions_of(r)), s = idle_slot(g, r);
    if (s == g->c->kv.sequences || reserved(g) + needed > g->c->kv.count) return SVF_OK;
    ++g->begun;
    if (r->max_tokens == 0) {
      finish(r);
      continue;
    }
    slot *to = &g->slots[s];
    const svf_status status =
        svf_context_begin(g->c, s, r->gains, r->prompt, r->prompt_count, &to->read);
    if (status != SVF_OK) return status;
    to->request = r;
    to->reserved = needed;
    make_room(g, s);
  }
  return SVF_OK;
}

/* --- Going on --------------------------------------------------------------------------------- */

static void add_row(generation *g, size_t s, int32_t token, bool wants_logits)
{
  g->rows[g->row_count++] = (svf_row){s, token, wants_logits};
}

/* The next token of every text, then as much of the prompts as fits. */
static void gather(generation *g)
{
  const size_t sequences = g->c->kv.sequences;
  g->row_count = 0;
  for (size_t s = 0; s < sequences && g->row_count < g->c->rows; ++s) {
    const slot *t = &g->slots[s];
    if (t->request && t->read == t->request->prompt_count) add_row(g, s, t->next, true);
  }
  for (size_t s = 0; s < sequences; ++s) {
    slot *t = &g->slots[s];
    while (t->request && t->read < t->request->prompt_count && g->row_count < g->c->rows) {
      const size_t at = t->read++;
      add_row(g, s, t->request->prompt[at], at + 1 == t->request->prompt_count);
    }
  }
}

static bool ends_text(const svf_config *c, int32_t token)
{
  for (int i = 0; i < c->eos_count; ++i) {
    if (c->eos[i] == token) return true;
  }
  return false;
}

/* Hand a token to its request; true if it was the last one. */
static bool deliver(const generation *g, svf_request *r, int32_t token)
{
  if (!r->ignore_end && ends_text(&g->c->model->config, token)) {
    r->finish = SVF_FINISH_END;
    return true;
  }
  if (r->tokens) r->tokens[r->count] = token;
  ++r->count;
  if (r->on_token && r->on_token(r->on_token_context, token) != 0) {
    r->finish = SVF_FINISH_CALLER;
    return true;
  }
  return r->count == r->max_tokens;
}

static svf_status take(generation *g)
{
  const size_t vocab = g->c->model->config.vocab;
  const float *logits = g->logits;
  for (size_t i = 0; i < g->row_count; ++i) {
    if (!g->rows[i].wants_logits) continue;
    slot *t = &g->slots[g->rows[i].sequence];
    svf_request *r = t->request;
    const svf_status status =
        svf_sample(&r->sampling, logits, vocab, r->count, g->scratch, &t->next);
    if (status != SVF_OK) return of_request(status, (size_t)(r - g->requests));
    logits += vocab;
    if (!deliver(g, r, t->next)) continue;
    finish(r);
    *t = (slot){0};
  }
  return SVF_OK;
}

static bool has_work(const generation *g)
{
  for (size_t s = 0; s < g->c->kv.sequences; ++s) {
    if (g->slots[s].request) return true;
  }
  return g->begun < g->count;
}

/* In the order of the requests; those that have not begun never come to on_finish. */
static svf_status stop(generation *g)
{
  for (size_t i = g->begun; i < g->count; ++i) g->requests[i].finish = SVF_FINISH_CALLER;
  for (size_t i = 0; i < g->begun; ++i) {
    for (size_t s = 0; s < g->c->kv.sequences; ++s) {
      if (g->slots[s].request != &g->requests[i]) continue;
      g->requests[i].finish = SVF_FINISH_CALLER;
      finish(&g->requests[i]);
    }
  }
  return svf_fail(SVF_ERR_STOPPED, "stopped before the next pass");
}

static svf_status generate(generation *g)
{
  for (;;) {
    if (g->c->stop && has_work(g) && g->c->stop(g->c->stop_context) != 0) return stop(g);
    svf_status status = admit(g);
    if (status != SVF_OK) return status;
    gather(g);
    if (g->row_count == 0) return SVF_OK;
    status = svf_context_forward(g->c, g->rows, g->row_count, g->logits);
    if (status == SVF_OK) status = take(g);
    if (status != SVF_OK) return status;
  }
}

svf_status svf_generate(svf_context *context, svf_request *requests, size_t count)
{
  if (!context) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (count > 0 && !requests) return svf_fail(SVF_ERR_NULL, "requests is NULL");
  for (size_t i = 0; i < count; ++i) {
    requests[i].count = 0;
    requests[i].finish = SVF_FINISH_LENGTH;
  }
  for (size_t i = 0; i < count; ++i) {
    const svf_status status = check_request(context, &requests[i], i);
    if (status != SVF_OK) return status;
  }
  const size_t sequences = context->kv.sequences, vocab = context->model->config.vocab;
  generation g = {.c = context, .requests = requests, .count = count};
  g.slots = calloc(sequences, sizeof *g.slots);
  g.rows = malloc(context->rows * sizeof *g.rows);
  g.logits = calloc(svf_size_min(sequences, context->rows), vocab * sizeof *g.logits);
  g.scratch = malloc(vocab * sizeof *g.scratch);
  svf_status status = SVF_OK;
  if (!g.slots || !g.rows || !g.logits || !g.scratch) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for %zu texts at once", sequences);
  } else {
    status = generate(&g);
  }
  free(g.slots);
  free(g.rows);
  free(g.logits);
  free(g.scratch);
  return status;
}
