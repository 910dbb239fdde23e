/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/engine.h"

#include <stdlib.h>

#include <svf/matmul.h>

#include "src/core/dispatch.h"
#include "src/core/status.h"

enum { MOST_TEXTS = 32 }; /* in a pass: each holds KV blocks of its own */

struct svf_engine {
  const svf_model *model;
  svf_kv kv;
  svf_state state;
  svf_transposed transposed;
  svf_backward backward;
  size_t *more;       /* [sequences] rows of each text of the pass */
  svf_row *rows;      /* [rows] */
  svf_target *target; /* [rows] */
  double **result;    /* [rows] where the log-probability of each target goes */
  float **gradient;   /* [rows] */
};

/* --- Creation --------------------------------------------------------------------------------- */

static svf_status check_model(const svf_model *model)
{
  const svf_status status = svf_model_check_blocks(model);
  if (status != SVF_OK || model->modules.count > 0) return status;
  return svf_fail(SVF_ERR_ARGUMENT, "no layer of the model is in factors: nothing to train");
}

static svf_status allocate(svf_engine *e, const svf_state_sizes *sizes)
{
  const svf_config *c = &e->model->config;
  const size_t texts = svf_size_min(sizes->rows, MOST_TEXTS);
  e->more = calloc(texts, sizeof *e->more);
  e->rows = calloc(sizes->rows, sizeof *e->rows);
  e->target = calloc(sizes->rows, sizeof *e->target);
  e->result = calloc(sizes->rows, sizeof *e->result);
  e->gradient = calloc(sizes->rows, sizeof *e->gradient);
  if (!e->more || !e->rows || !e->target || !e->result || !e->gradient) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for passes of %zu rows", sizes->rows);
  }
  /* Every text may leave most of its last KV block empty. */
  return svf_kv_create(&e->kv, c->layers, c->kv_heads, c->head_dim,
                       svf_size_min(sizes->rows, c->max_positions), texts,
                       sizes->rows + texts * SVF_KV_BLOCK);
}

static svf_status create(svf_engine *e, const svf_engine_options *o)
{
  const svf_state_sizes sizes = {.rows = o->rows,
                                 .threads = o->threads ? o->threads : svf_max_threads(),
                                 .slots = e->model->config.layers,
                                 .keeps = true};
  svf_status status = check_model(e->model);
  if (status == SVF_OK && o->rows == 0) status = svf_fail(SVF_ERR_ARGUMENT, "rows is 0");
  if (status == SVF_OK) status = allocate(e, &sizes);
  if (status == SVF_OK) {
    status = svf_state_create(&e->state, e->model, &e->kv, &sizes, svf_isa_settle(o->isa));
  }
  if (status == SVF_OK) status = svf_transposed_create(&e->transposed, e->model, sizes.threads);
  if (status != SVF_OK) return status;
  return svf_backward_create(&e->backward, &e->state, &e->transposed);
}

svf_status svf_engine_create(const svf_model *model, const svf_engine_options *options,
                             svf_engine **engine)
{
  svf_engine *e = calloc(1, sizeof *e);
  *engine = NULL;
  if (!e) return svf_fail(SVF_ERR_MEMORY, "no memory for an engine");
  e->model = model;
  const svf_status status = create(e, options);
  if (status == SVF_OK) {
    *engine = e;
  } else {
    svf_engine_destroy(e);
  }
  return status;
}

void svf_engine_destroy(svf_engine *e)
{
  if (!e) return;
  svf_backward_free(&e->backward);
  svf_transposed_free(&e->transposed);
  svf_state_free(&e->state);
  svf_kv_free(&e->kv);
  free(e->more);
  free(e->rows);
  free(e->target);
  free(e->result);
  free(e->gradient);
  free(e);
}

/* --- Checks ----------------------------------------------------------------------------------- */

/* The last token is never read. */
static size_t rows_of(const svf_example *x) { return x->count - 1; }

static svf_status check_example(const svf_engine *e, const svf_example *x)
{
  const size_t vocab = e->model->config.vocab;
  if (!x->tokens || !x->log_probabilities) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", x->tokens ? "log_probabilities" : "tokens");
  }
  if (x->count < 2) return svf_fail(SVF_ERR_ARGUMENT, "count is %zu, less than 2", x->count);
  if (x->first == 0 || x->first >= x->count) {
    return svf_fail(SVF_ERR_ARGUMENT, "first is %zu, not in [1, %zu)", x->first, x->count);
  }
  if (rows_of(x) > e->kv.limit) {
    return svf_fail(SVF_ERR_ARGUMENT, "a text of %zu tokens takes %zu rows, a pass has %zu",
                    x->count, rows_of(x), e->kv.limit);
  }
  for (size_t i = 0; i < x->count; ++i) {
    if (x->tokens[i] >= 0 && (size_t)x->tokens[i] < vocab) continue;
    return svf_fail(SVF_ERR_ARGUMENT, "tokens[%zu] is %ld, the vocabulary has %zu", i,
                    (long)x->tokens[i], vocab);
  }
  return SVF_OK;
}

/* --- Passes ----------------------------------------------------------------------------------- */

typedef struct engine_pass {
  svf_engine *e;
  size_t rows, targets;
} engine_pass;

static void add_text(engine_pass *p, const svf_example *x, size_t sequence)
{
  svf_engine *e = p->e;
  for (size_t i = 0; i < rows_of(x); ++i, ++p->rows) {
    const size_t row = p->rows;
    e->rows[row] = (svf_row){sequence, x->tokens[i], false};
    e->state.position[row] = i;
    e->state.gains[row] = x->gains;
    e->gradient[row] = x->gradient;
    if (i + 1 < x->first) continue;
    const size_t at = i + 1 - x->first;
    e->result[p->targets] = &x->log_probabilities[at];
    e->target[p->targets++] = (svf_target){.row = row,
                                           .token = x->tokens[i + 1],
                                           .weight = x->weights ? x->weights[at] : 1,
                                           .temperature = x->temperature};
  }
}

/* Puts as many of the examples into a pass as fit, and returns how many. */
static size_t gather(engine_pass *p, const svf_example *examples, size_t count)
{
  svf_engine *e = p->e;
  size_t n = 0;
  for (size_t i = 0; i < e->kv.sequences; ++i) {
    svf_kv_truncate(&e->kv, i, 0);
    e->more[i] = 0;
  }
  for (; n < count && n < e->kv.sequences; ++n) {
    if (p->rows + rows_of(&examples[n]) > e->state.sizes.rows) break;
    e->more[n] = rows_of(&examples[n]);
    add_text(p, &examples[n], n);
  }
  return n;
}

static svf_status run_pass(const engine_pass *p, const bool *trained)
{
  svf_engine *e = p->e;
  svf_pass forward = {.state = &e->state, .kv = &e->kv, .rows = e->rows, .count = p->rows};
  svf_backward_pass back = {.pass = &forward,
                            .targets = e->target,
                            .target_count = p->targets,
                            .gradients = e->gradient,
                            .trained = trained};
  svf_status status = svf_kv_grow(&e->kv, e->more);
  if (status == SVF_OK) status = svf_forward(&forward);
  if (status == SVF_OK) status = svf_backward_run(&e->backward, &back);
  for (size_t i = 0; i < p->targets; ++i) *e->result[i] = e->target[i].log_probability;
  return status;
}

typedef struct engine_run {
  svf_engine *e;
  const svf_example *examples;
  size_t count;
  const bool *trained;
  svf_status status;
} engine_run;

/* The body of svf_keep_team. */
static void run_all(void *context)
{
  engine_run *r = context;
  for (size_t i = 0; i < r->count && r->status == SVF_OK;) {
    engine_pass p = {.e = r->e};
    i += gather(&p, r->examples + i, r->count - i);
    r->status = run_pass(&p, r->trained);
  }
}

svf_status svf_engine_run(svf_engine *e, svf_example *examples, size_t count, const bool *trained)
{
  engine_run r = {e, examples, count, trained, SVF_OK};
  for (size_t i = 0; i < count; ++i) {
    const svf_status status = check_example(e, &examples[i]);
    if (status != SVF_OK) return svf_fail_at(status, "examples[%zu]", i);
  }
  const svf_status status = svf_keep_team(e->state.sizes.threads, run_all, &r);
  return status == SVF_OK ? r.status : status;
}
