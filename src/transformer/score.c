/* SPDX-License-Identifier: Apache-2.0
 *
 * Log-probabilities of given texts. A text reads all its tokens but the last; its row i gives the
 * log-probability of token i + 1. Rows that it leaves to its leader have the same results there,
 * which are copied from the leader's. */
#include <svf/score.h>

#include <math.h>
#include <stdlib.h>

#include <svf/matmul.h>

#include "src/core/dispatch.h"
#include "src/core/ops.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/core/team.h"
#include "src/transformer/batch.h"
#include "src/transformer/sample.h"

/* --- One token -------------------------------------------------------------------------------- */

/* The sum of exp((x - max) / temperature). */
static double sum_exp(const float *x, size_t n, float max, float temperature)
{
  float scaled[SVF_SUM_LENGTH], most;
  double sum = 0;
  for (size_t i = 0; i < n; i += SVF_SUM_LENGTH) {
    const size_t count = svf_size_min(n - i, SVF_SUM_LENGTH);
    for (size_t k = 0; k < count; ++k) scaled[k] = (x[i + k] - max) / temperature;
    const float scaled_sum = svf_dispatch_ops()->sum_exp(scaled, count, &most);
    if (most > -INFINITY) sum += exp((double)most) * (double)scaled_sum;
  }
  return sum;
}

svf_status svf_log_probability(const float *logits, size_t vocab, int32_t token, float temperature,
                               double *log_probability)
{
  size_t best;
  if (!logits || !log_probability) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", logits ? "log_probability" : "logits");
  }
  if (vocab == 0 || vocab > INT32_MAX) return svf_fail(SVF_ERR_ARGUMENT, "vocab is %zu", vocab);
  if (token < 0 || (size_t)token >= vocab) {
    return svf_fail(SVF_ERR_ARGUMENT, "token is %ld, the vocabulary has %zu", (long)token, vocab);
  }
  if (!(temperature >= 0) || !isfinite(temperature)) {
    return svf_fail(SVF_ERR_ARGUMENT, "temperature is %g, not in [0, inf)", (double)temperature);
  }
  const svf_status status = svf_logits_best(logits, vocab, &best);
  if (status != SVF_OK) return status;
  if (temperature == 0 || temperature == 1) {
    *log_probability = (double)logits[token] - svf_log_sum_exp(logits, vocab);
  } else {
    const double x = ((double)logits[token] - (double)logits[best]) / (double)temperature;
    *log_probability = x - log(sum_exp(logits, vocab, logits[best], temperature));
  }
  return SVF_OK;
}

/* --- Requests --------------------------------------------------------------------------------- */

enum { WANTING = 128 }; /* rows of logits at once */

/* What a row of logits gives. */
typedef struct item {
  size_t text, token;
  svf_status status;
} item;

typedef struct scoring {
  svf_context *c;
  svf_score_request *requests; /* [count] as this library's */
  size_t count;
  svf_batch batch;
  float *logits; /* [WANTING][vocab] */
  item items[WANTING];
  size_t item_count; /* of the pass */
  svf_status status;
} scoring;

static svf_status check_tokens(const svf_context *c, const svf_score_request *r)
{
  const size_t vocab = c->model->config.vocab;
  if (!r->tokens || !r->log_probabilities) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", r->tokens ? "log_probabilities" : "tokens");
  }
  if (r->count < 2) {
    return svf_fail(SVF_ERR_ARGUMENT, "a text of fewer than two tokens has none to score");
  }
  if (r->first < 1 || r->first >= r->count) {
    return svf_fail(SVF_ERR_ARGUMENT, "first is %zu, not from 1 to %zu, the last token", r->first,
                    r->count - 1);
  }
  if (r->count - 1 > svf_context_capacity(c)) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "%zu tokens, of which all but the last are read: the context holds at most %zu",
                    r->count, svf_context_capacity(c));
  }
  for (size_t i = 0; i < r->count; ++i) {
    if (r->tokens[i] >= 0 && (size_t)r->tokens[i] < vocab) continue;
    return svf_fail(SVF_ERR_ARGUMENT, "tokens[%zu] is %ld, the vocabulary has %zu", i,
                    (long)r->tokens[i], vocab);
  }
  return SVF_OK;
}

static svf_status read_request(scoring *s, const void *from, size_t i)
{
  enum { FIRST = SVF_SIZE_TO(svf_score_request, log_probabilities) };
  svf_score_request *r = &s->requests[i];
  svf_prefix *p = &s->batch.prefix[i];
  svf_batch_text *t = &s->batch.text[i];
  svf_status status = svf_struct_read("request", from, FIRST, r, sizeof *r);
  if (status == SVF_OK) status = check_tokens(s->c, r);
  if (status == SVF_OK) status = svf_context_check_gains(s->c, r->gains);
  if (status == SVF_OK && (!(r->temperature >= 0) || !isfinite(r->temperature))) {
    status =
        svf_fail(SVF_ERR_ARGUMENT, "temperature is %g, not in [0, inf)", (double)r->temperature);
  }
  if (status != SVF_OK) return svf_fail_at(status, "requests[%zu]", i);
  p->tokens = r->tokens;
  p->count = t->positions = r->count - 1;
  t->gains = r->gains;
  t->own = t->alone = r->first - 1;
  return SVF_OK;
}

/* As svf_log_probability takes it. */
static float temperature_of(const svf_score_request *r)
{
  return r->temperature > 0 ? r->temperature : 1;
}

/* True if the results of a text's leader are also its own as far as they have tokens in common. */
static bool agrees(const scoring *s, size_t i)
{
  const size_t leader = s->batch.prefix[i].leader;
  if (leader == SVF_NONE) return false;
  const svf_score_request *a = &s->requests[i], *b = &s->requests[leader];
  const float mine = temperature_of(a), theirs = temperature_of(b);
  return b->first <= a->first && theirs >= mine && theirs <= mine;
}

/* The last of the `shared` tokens is followed by different tokens, so its row is the text's own. */
static void use_leaders(scoring *s)
{
  for (size_t i = 0; i < s->count; ++i) {
    const size_t shared = s->batch.prefix[i].shared;
    svf_batch_text *t = &s->batch.text[i];
    if (agrees(s, i) && shared > t->own + 1) t->own = shared - 1;
  }
}

/* --- Passes ----------------------------------------------------------------------------------- */

/* True if token k is among those that a text leaves to its leader. */
static bool is_led(const scoring *s, size_t i, size_t k)
{
  const svf_batch_text *t = &s->batch.text[i];
  return t->begins > t->alone && k <= t->begins;
}

static svf_status end(scoring *s, size_t slot)
{
  const size_t i = s->batch.slot[slot].text;
  const svf_score_request *r = &s->requests[i];
  for (size_t k = r->first; is_led(s, i, k); ++k) {
    size_t from = i;
    while (is_led(s, from, k)) from = s->batch.prefix[from].leader;
    const svf_score_request *leader = &s->requests[from];
    r->log_probabilities[k - r->first] = leader->log_probabilities[k - leader->first];
  }
  if (r->on_finish) r->on_finish(r->on_finish_context);
  return svf_batch_end(&s->batch, slot);
}

static svf_status compute(const scoring *s, size_t i)
{
  const size_t vocab = s->c->model->config.vocab;
  const item *at = &s->items[i];
  const svf_score_request *r = &s->requests[at->text];
  return svf_log_probability(s->logits + i * vocab, vocab, r->tokens[at->token], r->temperature,
                             &r->log_probabilities[at->token - r->first]);
}

/* svf_team_work */
static void compute_all(void *context, svf_member *m)
{
  scoring *s = context;
  for (size_t share; svf_member_next(m, &share);) {
    for (size_t i = share; i < s->item_count; i += m->shares) s->items[i].status = compute(s, i);
  }
}

/* The logits of a row are for the token after its position. */
static void list_items(scoring *s)
{
  const svf_batch *b = &s->batch;
  s->item_count = 0;
  for (size_t i = 0; i < b->row_count; ++i) {
    if (!b->rows[i].wants_logits) continue;
    s->items[s->item_count++] =
        (item){.text = b->slot[b->rows[i].sequence].text, .token = s->c->state.position[i] + 1};
  }
}

/* All threads compute. A failed item is repeated here, since error messages belong to the thread
 * that made them. */
static svf_status take(scoring *s)
{
  svf_status status = SVF_OK;
  list_items(s);
  if (s->item_count == 0) return SVF_OK;
  svf_team_run(svf_size_min(s->c->state.sizes.threads, s->item_count), compute_all, s);
  for (size_t i = 0; status == SVF_OK && i < s->item_count; ++i) {
    const item *at = &s->items[i];
    if (at->status != SVF_OK) {
      svf_fail_at(compute(s, i), "tokens[%zu]", at->token);
      return svf_fail_at(at->status, "requests[%zu]", at->text);
    }
    if (at->token + 1 == s->requests[at->text].count) status = end(s, s->batch.text[at->text].slot);
  }
  return status;
}

static svf_status make_pass(scoring *s)
{
  svf_batch *b = &s->batch;
  while (svf_batch_next(b) != SVF_NONE) svf_batch_begin(b);
  svf_batch_clear(b);
  svf_status status = svf_batch_gather(b);
  if (status != SVF_OK || b->row_count == 0) return status;
  if (s->c->stop && s->c->stop(s->c->stop_context)) {
    return svf_fail(SVF_ERR_STOPPED, "stopped before the next pass");
  }
  status = svf_context_forward(s->c, b->rows, b->row_count, s->logits);
  return status == SVF_OK ? take(s) : status;
}

/* The body of svf_keep_team. */
static void score(void *context)
{
  scoring *s = context;
  do {
    s->status = make_pass(s);
  } while (s->status == SVF_OK && s->batch.row_count > 0);
}

static svf_status allocate(scoring *s)
{
  const size_t wanting = svf_size_min(WANTING, s->c->state.sizes.rows);
  const svf_status status = svf_batch_create(&s->batch, s->c, s->count, wanting);
  if (status != SVF_OK) return status;
  s->requests = calloc(s->count + 1, sizeof *s->requests);
  s->logits = calloc(wanting, s->c->model->config.vocab * sizeof *s->logits);
  if (s->requests && s->logits) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory to score %zu texts", s->count);
}

static svf_status read_requests(scoring *s, const char *requests, size_t step)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < s->count; ++i) {
    status = read_request(s, requests + i * step, i);
  }
  if (status == SVF_OK) status = svf_batch_plan(&s->batch);
  if (status == SVF_OK) use_leaders(s);
  return status;
}

svf_status svf_score(svf_context *context, const svf_score_request *requests, size_t count)
{
  enum { FIRST = SVF_SIZE_TO(svf_score_request, log_probabilities) };
  size_t step;
  if (!context) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (count > 0 && !requests) return svf_fail(SVF_ERR_NULL, "requests is NULL");
  svf_status status = svf_struct_step("requests", requests, count, FIRST, &step);
  if (status != SVF_OK) return status;
  scoring s = {.c = context, .count = count};
  status = allocate(&s);
  if (status == SVF_OK) status = read_requests(&s, (const char *)requests, step);
  if (status == SVF_OK) status = svf_keep_team(context->state.sizes.threads, score, &s);
  if (status == SVF_OK) status = s.status;
  svf_batch_free(&s.batch);
  free(s.requests);
  free(s.logits);
  return status;
}
