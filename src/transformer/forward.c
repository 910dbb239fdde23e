/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of the decoder, as every thread of a team runs it: each step is shared out, and a
 * barrier stands wherever a step reads what other threads wrote.
 *
 *   x = embedding[token]
 *   for each layer:  h = norm(x)   q, k, v = W h      x += W_o attention(rope(q), rope(k), v)
 *                    h = norm(x)   gate, up = W h     x += W_down (silu(gate) * up)
 *   logits = W_head norm(x)
 *
 * Each W is dense, or U diag(d) V^T with the gains d of the row's own expert. */
#include <svf/matmul.h>

#include "src/core/openmp.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/transformer/context.h"

typedef struct pass {
  svf_context *c;
  const svf_row *rows;
  size_t count;
  size_t wanted; /* rows that want logits */
  size_t runs;   /* of rows that attention takes together */
  float *logits;
  svf_status status; /* of the planning of a call, which only a mistake of ours can make fail */
} pass;

typedef struct worker {
  pass *p;
  svf_context *c;
  const svf_config *config;
  size_t ith, nth;
} worker;

static void sync(const worker *w)
{
  if (w->nth > 1) svf_openmp_barrier();
}

/* This thread's share of `total`. */
static size_t share(const worker *w, size_t total, size_t *end)
{
  *end = svf_share(total, w->nth, w->ith + 1);
  return svf_share(total, w->nth, w->ith);
}

/* --- Linear layers ---------------------------------------------------------------------------- */

typedef struct call {
  const svf_model_linear *layer;
  const float *x; /* [rows][n] */
  float *y;       /* [rows][m] */
  unsigned flags;
} call;

/* The gains of the pass's rows (of those that want logits, if `wanting`) in one layer: a thread's
 * own list of pointers, or NULL if it would say nothing. */
static const float *const *gains_of(const worker *w, const svf_model_linear *l, int slot,
                                    bool wanting)
{
  const svf_context *c = w->c;
  const float **list = c->gains + (w->ith * SVF_ABREAST + (size_t)slot) * c->rows;
  size_t n = 0;
  if (l->r == 0) return NULL;
  for (size_t i = 0; i < w->p->count; ++i) {
    if (wanting && !w->p->rows[i].wants_logits) continue;
    const float *gains = c->kv.sequence[w->p->rows[i].sequence].gains;
    list[n++] = gains ? gains + l->gains : NULL;
  }
  return list;
}

/* Up to SVF_ABREAST calls on the same `rows` rows, as one; ends with a barrier. Every thread makes
 * its own copy of the plan, which is cheaper than to wait for one. */
static void run(const worker *w, const call *calls, size_t count, size_t rows, bool wanting)
{
  svf_plan plan;
  svf_matmul_args args[SVF_ABREAST];
  for (size_t i = 0; i < count; ++i) {
    const svf_model_linear *l = calls[i].layer;
    args[i] = (svf_matmul_args){.size = sizeof args[i],
                                .linear = l->block,
                                .rows = rows,
                                .x = calls[i].x,
                                .x_stride = (ptrdiff_t)l->n,
                                .gains = gains_of(w, l, (int)i, wanting),
                                .bias = l->bias,
                                .y = calls[i].y,
                                .y_stride = (ptrdiff_t)l->m,
                                .flags = calls[i].flags,
                                .isa = w->c->isa};
  }
  const svf_status status =
      svf_matmul_group_plan(&plan, args, count, w->nth, w->c->workspace, w->c->workspace_bytes);
  if (status != SVF_OK) { /* on all threads */
    if (w->ith == 0) w->p->status = status;
    return;
  }
  for (int stage = svf_matmul_next_stage(&plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(&plan, stage + 1)) {
    svf_matmul_stage(&plan, stage, w->ith);
    sync(w);
  }
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void embed(const worker *w)
{
  const size_t hidden = w->config->hidden;
  svf_tensor row = *w->c->model->embedding;
  const size_t bytes = row.bytes / w->config->vocab;
  const char *table = row.data;
  row.elements = hidden;
  size_t end;
  for (size_t i = share(w, w->p->count, &end); i < end; ++i) {
    row.data = table + (size_t)w->p->rows[i].token * bytes;
    (void)svf_tensor_to_f32(&row, w->c->x + i * hidden,
                            hidden); /* its type was checked on opening */
  }
}

static void normalise(const worker *w, size_t layer, int second)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->c->model, layer, second);
  size_t end;
  for (size_t i = share(w, w->p->count, &end); i < end; ++i) {
    w->c->attention.ops->rmsnorm(w->c->x + i * hidden, weight, hidden, w->config->norm_eps,
                                 w->c->h + i * hidden);
  }
  sync(w);
}

static void rotate(const worker *w, size_t row, float *head)
{
  const size_t half = w->config->head_dim / 2, at = w->c->position[row] * half;
  w->c->attention.ops->rope(head, w->c->cos + at, w->c->sin + at, half);
}

static const svf_kv_sequence *sequence_of(const worker *w, size_t row)
{
  return &w->c->kv.sequence[w->p->rows[row].sequence];
}

/* Head by head, since neighbouring positions of one share cache lines. */
static void store_keys(const worker *w, size_t layer)
{
  const size_t dim = w->config->head_dim, heads = w->config->kv_heads, rows = w->p->count;
  size_t end;
  for (size_t i = share(w, heads * rows, &end); i < end; ++i) {
    const size_t head = i / rows, row = i % rows, at = (row * heads + head) * dim;
    rotate(w, row, w->c->k + at);
    svf_kv_store(&w->c->kv, sequence_of(w, row), layer, head, w->c->position[row], w->c->k + at,
                 w->c->v + at);
  }
  sync(w);
}

/* Runs and heads are dealt out in turn: a row's work grows with its position. */
static void attend(const worker *w, size_t layer)
{
  const svf_context *c = w->c;
  const size_t dim = w->config->head_dim, heads = w->config->kv_heads, group = c->attention.group;
  const bool windowed = layer >= w->config->window_from_layer;
  for (size_t i = w->ith; i < w->p->runs * heads; i += w->nth) {
    const size_t row = c->run[i / heads], head = i % heads;
    const size_t at = (row * heads + head) * group * dim;
    const svf_attention_task t = {.sequence = sequence_of(w, row),
                                  .layer = layer,
                                  .head = head,
                                  .position = c->position[row],
                                  .count = c->run[i / heads + 1] - row,
                                  .window = windowed ? w->config->window : 0,
                                  .q = c->q + at,
                                  .out = c->attended + at,
                                  .stride = heads * group * dim};
    for (size_t r = 0; r < t.count; ++r) {
      for (size_t g = 0; g < group; ++g) rotate(w, row + r, c->q + at + r * t.stride + g * dim);
    }
    svf_attend(&c->attention, &c->kv, &t, c->scratch + w->ith * c->scratch_floats);
  }
  sync(w);
}

/* All rows are one long one: the operation is element by element. */
static void activate(const worker *w)
{
  const size_t total = w->p->count * w->config->intermediate;
  size_t end;
  const size_t begin = share(w, total / SVF_PANEL + 1, &end) * SVF_PANEL;
  end = svf_size_min(total, end * SVF_PANEL);
  if (begin < end) {
    w->c->attention.ops->swiglu(w->c->gate + begin, w->c->up + begin, end - begin,
                                w->c->gate + begin);
  }
  sync(w);
}

static void layer_pass(const worker *w, size_t layer)
{
  const svf_context *c = w->c;
  const svf_model_linear *l = svf_model_layer(c->model, layer);
  const size_t rows = w->p->count;
  normalise(w, layer, 0);
  run(w,
      (call[]){{&l[SVF_Q], c->h, c->q, 0}, {&l[SVF_K], c->h, c->k, 0}, {&l[SVF_V], c->h, c->v, 0}},
      3, rows, false);
  store_keys(w, layer);
  attend(w, layer);
  run(w, &(call){&l[SVF_O], c->attended, c->x, SVF_MATMUL_ACCUMULATE}, 1, rows, false);
  normalise(w, layer, 1);
  run(w, (call[]){{&l[SVF_GATE], c->h, c->gate, 0}, {&l[SVF_UP], c->h, c->up, 0}}, 2, rows, false);
  activate(w);
  run(w, &(call){&l[SVF_DOWN], c->gate, c->x, SVF_MATMUL_ACCUMULATE}, 1, rows, false);
}

/* Only of rows that want logits, closed up in h. */
static void head_pass(const worker *w)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->c->model, w->config->layers, 0);
  size_t n = 0;
  for (size_t i = 0; i < w->p->count; ++i) {
    if (!w->p->rows[i].wants_logits) continue;
    if (n % w->nth == w->ith) {
      w->c->attention.ops->rmsnorm(w->c->x + i * hidden, weight, hidden, w->config->norm_eps,
                                   w->c->h + n * hidden);
    }
    ++n;
  }
  sync(w);
  run(w, &(call){svf_model_head(w->c->model), w->c->h, w->p->logits, 0}, 1, n, true);
}

static void work(void *context, size_t ith, size_t nth)
{
  pass *p = context;
  const worker w = {p, p->c, &p->c->model->config, ith, nth};
  embed(&w);
  sync(&w);
  for (size_t layer = 0; layer < w.config->layers; ++layer) layer_pass(&w, layer);
  if (p->wanted > 0) head_pass(&w);
}

/* Rows that follow each other in one sequence, cut into what attention takes at once. */
static size_t find_runs(svf_context *c, const svf_row *rows, size_t count)
{
  const size_t most = svf_attention_rows(&c->attention);
  size_t runs = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool goes_on = i > 0 && rows[i].sequence == rows[i - 1].sequence;
    if (!goes_on || i - c->run[runs - 1] == most) c->run[runs++] = i;
  }
  c->run[runs] = count;
  return runs;
}

svf_status svf_forward(svf_context *c, const svf_row *rows, size_t count, float *logits)
{
  pass p = {.c = c, .rows = rows, .count = count, .logits = logits, .status = SVF_OK};
  for (size_t i = 0; i < count; ++i) p.wanted += rows[i].wants_logits != 0;
  p.runs = find_runs(c, rows, count);
  svf_openmp_team(c->threads, work, &p);
  return p.status;
}
