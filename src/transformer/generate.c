/* SPDX-License-Identifier: Apache-2.0
 *
 * Many requests on the sequences of one context. */
#include <svf/generate.h>

#include <stdlib.h>

#include <svf/matmul.h>
#include <svf/score.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/core/team.h"
#include "src/transformer/batch.h"
#include "src/transformer/sample.h"

/* A request, read into this library's struct; its results go to the caller's. */
typedef struct text {
  svf_request r;
  svf_sampling sampling; /* what r.sampling points to */
  svf_request *to;       /* the caller's */
  int32_t next;          /* the token to go on with once the prompt is read */
} text;

/* The slot whose next token a row of logits gives. */
typedef struct choice {
  size_t slot;
  svf_status status;
} choice;

typedef struct generation {
  svf_context *c;
  text *texts; /* [count] */
  size_t count;
  svf_batch batch;
  size_t turn;            /* the slot whose next token is the first one of the next pass */
  float *logits;          /* [rows that may want them][vocab] */
  choice *choices;        /* [rows that may want logits] */
  size_t choice_count;    /* choices of the pass */
  svf_candidate *scratch; /* [threads][vocab] */
  svf_status status;
} generation;

/* --- Requests --------------------------------------------------------------------------------- */

/* The most positions that a request fills: its last token is never read. */
static size_t positions_of(const svf_request *r)
{
  return r->prompt_count + (r->max_tokens > 0 ? r->max_tokens - 1 : 0);
}

/* Adds to the last message which request failed. */
static svf_status of_request(svf_status status, size_t i)
{
  return svf_fail_at(status, "requests[%zu]", i);
}

/* Checks the whole prompt, since other requests are under way when its last tokens are read. */
static svf_status check_prompt(const svf_context *c, const svf_request *r, size_t i)
{
  const size_t vocab = c->model->config.vocab;
  size_t all;
  if (!r->prompt || r->prompt_count == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "requests[%zu] has an empty prompt", i);
  }
  if (!svf_size_add(r->prompt_count, r->max_tokens, &all) ||
      positions_of(r) > svf_context_capacity(c)) {
    return svf_fail(
        SVF_ERR_ARGUMENT,
        "requests[%zu]: a prompt of %zu tokens and %zu more exceed the %zu positions of "
        "the context",
        i, r->prompt_count, r->max_tokens, svf_context_capacity(c));
  }
  for (size_t k = 0; k < r->prompt_count; ++k) {
    if (r->prompt[k] < 0 || (size_t)r->prompt[k] >= vocab) {
      return svf_fail(SVF_ERR_ARGUMENT, "requests[%zu].prompt[%zu] is %ld, the vocabulary has %zu",
                      i, k, (long)r->prompt[k], vocab);
    }
  }
  return SVF_OK;
}

static svf_status read_request(generation *g, svf_request *from, size_t i)
{
  enum { FIRST = SVF_SIZE_TO(svf_request, finish) };
  text *t = &g->texts[i];
  t->to = from;
  svf_status status = svf_struct_read("request", from, FIRST, &t->r, sizeof t->r);
  if (status != SVF_OK) return of_request(status, i);
  status = check_prompt(g->c, &t->r, i);
  if (status != SVF_OK) return status;
  status = svf_context_check_gains(g->c, t->r.gains);
  if (status == SVF_OK) status = svf_sampling_read(t->r.sampling, &t->sampling);
  t->r.sampling = &t->sampling;
  return of_request(status, i);
}

/* All requests are read before anything is generated. Those with max_tokens = 0 need no pass. */
static svf_status read_requests(generation *g, char *requests, size_t step)
{
  svf_batch *b = &g->batch;
  for (size_t i = 0; i < g->count; ++i) {
    const svf_request *r = &g->texts[i].r;
    const svf_status status = read_request(g, (svf_request *)(void *)(requests + i * step), i);
    if (status != SVF_OK) return status;
    if (r->max_tokens == 0) continue;
    b->prefix[i].tokens = r->prompt;
    b->prefix[i].count = r->prompt_count;
    b->text[i].gains = r->gains;
    b->text[i].positions = positions_of(r);
    b->text[i].own = b->text[i].alone = r->prompt_count - 1;
  }
  return svf_batch_plan(b);
}

static void finish(const text *t)
{
  if (t->r.on_finish) t->r.on_finish(t->r.on_token_context);
}

/* --- Passes ----------------------------------------------------------------------------------- */

static text *text_of(const generation *g, size_t slot)
{
  return &g->texts[g->batch.slot[slot].text];
}

/* Begin requests while there are free sequences and KV blocks for them. */
static void begin(generation *g)
{
  for (size_t i; (i = svf_batch_next(&g->batch)) != SVF_NONE;) {
    if (g->texts[i].r.max_tokens > 0) {
      svf_batch_begin(&g->batch);
    } else {
      svf_batch_skip(&g->batch);
      finish(&g->texts[i]);
    }
  }
}

/* Adds a row for the next token of every text, or of those whose turn it is. One row is left for
 * prompts that are being read, which would otherwise wait for texts to end. */
static void add_tokens(generation *g)
{
  svf_batch *b = &g->batch;
  const size_t sequences = g->c->kv.sequences, first = g->turn;
  const size_t room = g->c->state.sizes.rows - svf_batch_is_reading(b);
  for (size_t i = 0; i < sequences; ++i) {
    const size_t slot = (first + i) % sequences;
    if (!svf_batch_has_read(b, slot)) continue;
    if (b->row_count == room) {
      g->turn = slot;
      return;
    }
    svf_batch_add(b, slot, text_of(g, slot)->next, true);
  }
}

/* Tokens of texts, then as many rows of the prompts as fit. */
static svf_status gather(generation *g)
{
  svf_batch_clear(&g->batch);
  add_tokens(g);
  return svf_batch_gather(&g->batch);
}

static bool ends_text(const svf_config *c, int32_t token)
{
  for (int i = 0; i < c->eos_count; ++i) {
    if (c->eos[i] == token) return true;
  }
  return false;
}

/* Choose a text's next token by row i of the logits and store it among the results, not yet
 * counted. */
static svf_status choose(const generation *g, size_t i, svf_candidate *scratch)
{
  const size_t vocab = g->c->model->config.vocab;
  const float *logits = g->logits + i * vocab;
  text *t = text_of(g, g->choices[i].slot);
  const size_t at = t->to->count;
  const svf_sampling *s = &t->sampling;
  const svf_status status = svf_sample(s, at, logits, vocab, scratch, &t->next);
  if (status != SVF_OK) return status;
  if (t->r.tokens) t->r.tokens[at] = t->next;
  if (!t->r.log_probabilities) return SVF_OK;
  return svf_log_probability(logits, vocab, t->next, s->temperature, &t->r.log_probabilities[at]);
}

/* Hand the chosen token to its request; true if it was the last one. */
static bool deliver(const generation *g, const text *t)
{
  if (!t->r.ignore_end && ends_text(&g->c->model->config, t->next)) {
    t->to->finish = SVF_FINISH_END;
    return true;
  }
  ++t->to->count;
  if (t->r.on_token && t->r.on_token(t->r.on_token_context, t->next)) {
    t->to->finish = SVF_FINISH_CALLER;
    return true;
  }
  return t->to->count == t->r.max_tokens;
}

/* svf_team_work */
static void choose_all(void *context, svf_member *m)
{
  const generation *g = context;
  for (size_t share; svf_member_next(m, &share);) {
    svf_candidate *scratch = g->scratch + share * g->c->model->config.vocab;
    for (size_t i = share; i < g->choice_count; i += m->shares) {
      g->choices[i].status = choose(g, i, scratch);
    }
  }
}

/* All threads choose tokens; this one hands them out. A failed choice is repeated here, since error
 * messages belong to the thread that made them. */
static svf_status take(generation *g)
{
  const svf_batch *b = &g->batch;
  svf_status status = SVF_OK;
  g->choice_count = 0;
  for (size_t i = 0; i < b->row_count; ++i) {
    if (b->rows[i].wants_logits) g->choices[g->choice_count++].slot = b->rows[i].sequence;
  }
  if (g->choice_count == 0) return SVF_OK;
  svf_team_run(svf_size_min(g->c->state.sizes.threads, g->choice_count), choose_all, g);
  for (size_t i = 0; status == SVF_OK && i < g->choice_count; ++i) {
    const size_t slot = g->choices[i].slot;
    const text *t = text_of(g, slot);
    if (g->choices[i].status != SVF_OK) {
      return of_request(choose(g, i, g->scratch), (size_t)(t - g->texts));
    }
    if (!deliver(g, t)) continue;
    finish(t);
    status = svf_batch_end(&g->batch, slot);
  }
  return status;
}

static bool has_work(const generation *g)
{
  for (size_t s = 0; s < g->c->kv.sequences; ++s) {
    if (g->batch.slot[s].text != SVF_NONE) return true;
  }
  return g->batch.begun < g->count;
}

/* Requests under way finish in their order; those that have not begun get no call of on_finish. */
static svf_status stop(generation *g)
{
  const svf_batch *b = &g->batch;
  for (size_t i = b->begun; i < g->count; ++i) {
    g->texts[b->order[i]].to->finish = SVF_FINISH_CALLER;
  }
  for (size_t i = 0; i < g->count; ++i) {
    if (b->text[i].slot == SVF_NONE) continue;
    g->texts[i].to->finish = SVF_FINISH_CALLER;
    finish(&g->texts[i]);
  }
  return svf_fail(SVF_ERR_STOPPED, "stopped before the next pass");
}

static svf_status make_pass(generation *g)
{
  if (g->c->stop && has_work(g) && g->c->stop(g->c->stop_context)) return stop(g);
  begin(g);
  svf_status status = gather(g);
  const svf_batch *b = &g->batch;
  if (status == SVF_OK) status = svf_context_forward(g->c, b->rows, b->row_count, g->logits);
  return status == SVF_OK ? take(g) : status;
}

/* The body of svf_keep_team. */
static void generate(void *context)
{
  generation *g = context;
  do {
    g->status = make_pass(g);
  } while (g->status == SVF_OK && g->batch.row_count > 0);
}

static svf_status allocate(generation *g)
{
  const size_t vocab = g->c->model->config.vocab;
  const size_t wanting = svf_size_min(g->c->kv.sequences, g->c->state.sizes.rows);
  const svf_status status = svf_batch_create(&g->batch, g->c, g->count, wanting);
  if (status != SVF_OK) return status;
  g->texts = calloc(g->count + 1, sizeof *g->texts);
  g->logits = calloc(wanting, vocab * sizeof *g->logits);
  g->choices = calloc(wanting, sizeof *g->choices);
  g->scratch = calloc(g->c->state.sizes.threads, vocab * sizeof *g->scratch);
  if (g->texts && g->logits && g->choices && g->scratch) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for %zu texts at once", wanting);
}

svf_status svf_generate(svf_context *context, svf_request *requests, size_t count)
{
  enum { FIRST = SVF_SIZE_TO(svf_request, finish) };
  size_t step;
  if (!context) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (count > 0 && !requests) return svf_fail(SVF_ERR_NULL, "requests is NULL");
  svf_status status = svf_struct_step("requests", requests, count, FIRST, &step);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < count; ++i) {
    svf_request *r = (svf_request *)(void *)((char *)requests + i * step);
    r->count = 0;
    r->finish = SVF_FINISH_LENGTH;
  }
  generation g = {.c = context, .count = count};
  status = allocate(&g);
  if (status == SVF_OK) status = read_requests(&g, (char *)requests, step);
  if (status == SVF_OK) status = svf_keep_team(context->state.sizes.threads, generate, &g);
  if (status == SVF_OK) status = g.status;
  svf_batch_free(&g.batch);
  free(g.texts);
  free(g.logits);
  free(g.choices);
  free(g.scratch);
  return status;
}
