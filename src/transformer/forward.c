/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of the decoder, as every thread of a team runs it. The threads share each stage, and a
 * new one begins wherever it reads what other threads wrote.
 *
 *   x = embedding[token]
 *   for each layer:  h = norm(x)   q, k, v = W h      x += W_o attention(rope(q), rope(k), v)
 *                    h = norm(x)   gate, up = W h     x += W_down (silu(gate) * up)
 *   logits = W_lm_head norm(x)
 *
 * Each W is dense, or U diag(d) V^T with the gains d of the row's own expert. */
#include <string.h>

#include <svf/matmul.h>

#include "src/transformer/linears.h"

static void embed(const svf_worker *w)
{
  const size_t hidden = w->config->hidden;
  svf_tensor row = *w->s->model->embedding;
  const size_t bytes = row.bytes / w->config->vocab;
  const char *table = row.data;
  row.elements = hidden;
  for (size_t i, end; svf_worker_next(w, w->p->count, &i, &end);) {
    for (; i < end; ++i) {
      row.data = table + (size_t)w->p->rows[i].token * bytes;
      /* load_embedding checked its type. */
      (void)svf_tensor_to_f32(&row, w->s->x + i * hidden, hidden);
    }
  }
}

static void normalise(const svf_worker *w, size_t layer, bool second)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->s->model, layer, second);
  const svf_activations *a = svf_state_slot(w->s, layer);
  float *h = a->h, *kept = second ? a->mid : a->x;
  for (size_t i, end; svf_worker_next(w, w->p->count, &i, &end);) {
    for (; i < end; ++i) {
      if (kept) memcpy(kept + i * hidden, w->s->x + i * hidden, hidden * sizeof *kept);
      w->s->attention.ops->rmsnorm(w->s->x + i * hidden, weight, hidden, w->config->norm_eps,
                                   h + i * hidden);
    }
  }
}

static void rotate(const svf_worker *w, size_t row, float *x)
{
  const size_t half = w->config->head_dim / 2, at = w->s->position[row] * half;
  w->s->attention.ops->rope(x, w->s->cos + at, w->s->sin + at, half);
}

static const svf_kv_sequence *sequence_of(const svf_worker *w, size_t row)
{
  return &w->p->kv->sequence[w->p->rows[row].sequence];
}

/* KV head by KV head, since neighbouring positions of one share cache lines. */
static void store_keys(const svf_worker *w, size_t layer)
{
  const svf_activations *a = svf_state_slot(w->s, layer);
  const size_t dim = w->config->head_dim, heads = w->config->kv_heads, rows = w->p->count;
  for (size_t i, end; svf_worker_next(w, heads * rows, &i, &end);) {
    for (; i < end; ++i) {
      const size_t kv_head = i / rows, row = i % rows, at = (row * heads + kv_head) * dim;
      rotate(w, row, a->k + at);
      svf_kv_store(w->p->kv, sequence_of(w, row), layer, kv_head, w->s->position[row], a->k + at,
                   a->v + at);
    }
  }
}

/* What share `share` of a stage does for run i / KV heads and KV head i % KV heads. */
static void attend_by_head(const svf_worker *w, size_t layer, size_t i, size_t share)
{
  const svf_state *s = w->s;
  const svf_activations *a = svf_state_slot(s, layer);
  const size_t dim = w->config->head_dim, heads = w->config->kv_heads;
  const size_t per_kv = s->attention.heads_per_kv;
  const bool windowed = layer >= w->config->window_from_layer;
  const size_t row = s->run[i / heads], kv_head = i % heads;
  const size_t at = (row * heads + kv_head) * per_kv * dim;
  const svf_attention_task t = {.sequence = sequence_of(w, row),
                                .layer = layer,
                                .kv_head = kv_head,
                                .position = s->position[row],
                                .count = s->run[i / heads + 1] - row,
                                .window = windowed ? w->config->window : 0,
                                .q = a->q + at,
                                .out = a->attended + at,
                                .stride = heads * per_kv * dim};
  for (size_t r = 0; r < t.count; ++r) {
    for (size_t g = 0; g < per_kv; ++g) rotate(w, row + r, a->q + at + r * t.stride + g * dim);
  }
  svf_attend(&s->attention, w->p->kv, &t, s->scratch + share * s->scratch_floats);
}

/* Shares take runs and KV heads in turn, since a row's work grows with its position. */
static void attend(const svf_worker *w, size_t layer)
{
  const size_t count = w->p->runs * w->config->kv_heads;
  for (size_t share; svf_member_next(w->member, &share);) {
    for (size_t i = share; i < count; i += w->member->shares) attend_by_head(w, layer, i, share);
  }
}

/* Elementwise, so all rows are taken as one long row. */
static void activate(const svf_worker *w, size_t layer)
{
  const svf_activations *a = svf_state_slot(w->s, layer);
  float *gated = svf_state_gated(a);
  const size_t total = w->p->count * w->config->intermediate;
  for (size_t begin, end; svf_worker_next(w, total / SVF_PANEL + 1, &begin, &end);) {
    const size_t first = begin * SVF_PANEL, last = svf_size_min(total, end * SVF_PANEL);
    if (first >= last) continue;
    w->s->attention.ops->swiglu(a->gate + first, a->up + first, last - first, gated + first);
  }
}

static void layer_pass(const svf_worker *w, size_t layer)
{
  const svf_activations *a = svf_state_slot(w->s, layer);
  const svf_model_linear *l = svf_model_layer(w->s->model, layer);
  const svf_linear_call qkv[] = {{&l[SVF_Q], a->h, a->q, 0, a->t0[SVF_Q]},
                                 {&l[SVF_K], a->h, a->k, 0, a->t0[SVF_K]},
                                 {&l[SVF_V], a->h, a->v, 0, a->t0[SVF_V]}};
  const svf_linear_call o = {&l[SVF_O], a->attended, w->s->x, SVF_MATMUL_ACCUMULATE, a->t0[SVF_O]};
  const svf_linear_call mlp[] = {{&l[SVF_GATE], a->h, a->gate, 0, a->t0[SVF_GATE]},
                                 {&l[SVF_UP], a->h, a->up, 0, a->t0[SVF_UP]}};
  const svf_linear_call down = {&l[SVF_DOWN], svf_state_gated(a), w->s->x, SVF_MATMUL_ACCUMULATE,
                                a->t0[SVF_DOWN]};
  const size_t rows = w->p->count;
  normalise(w, layer, false);
  svf_linears_run(w, qkv, 3, rows, false);
  store_keys(w, layer);
  attend(w, layer);
  svf_linears_run(w, &o, 1, rows, false);
  normalise(w, layer, true);
  svf_linears_run(w, mlp, 2, rows, false);
  activate(w, layer);
  svf_linears_run(w, &down, 1, rows, false);
}

/* Only of rows that want logits, without gaps between them. */
static void normalise_last(const svf_worker *w, size_t share)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->s->model, w->config->layers, false);
  size_t n = 0;
  for (size_t i = 0; i < w->p->count; ++i) {
    if (!w->p->rows[i].wants_logits) continue;
    if (n % w->member->shares == share) {
      w->s->attention.ops->rmsnorm(w->s->x + i * hidden, weight, hidden, w->config->norm_eps,
                                   w->s->last + n * hidden);
    }
    ++n;
  }
}

static void lm_head_pass(const svf_worker *w)
{
  for (size_t share; svf_member_next(w->member, &share);) normalise_last(w, share);
  const svf_linear_call lm_head = {svf_model_lm_head(w->s->model), w->s->last, w->p->logits, 0,
                                   NULL};
  svf_linears_run(w, &lm_head, 1, w->p->wanted, true);
}

/* svf_team_work */
static void work(void *context, svf_member *m)
{
  svf_pass *p = context;
  const svf_worker w = {p, p->state, &p->state->model->config, m};
  embed(&w);
  for (size_t layer = 0; layer < w.config->layers; ++layer) layer_pass(&w, layer);
  if (p->wanted > 0) lm_head_pass(&w);
}

/* Divides rows that follow each other in one sequence into runs, which attention takes at once. */
static size_t find_runs(svf_state *s, const svf_row *rows, size_t count)
{
  const size_t most = svf_attention_rows(&s->attention);
  size_t runs = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool goes_on = i > 0 && rows[i].sequence == rows[i - 1].sequence;
    if (!goes_on || i - s->run[runs - 1] == most) s->run[runs++] = i;
  }
  s->run[runs] = count;
  return runs;
}

svf_status svf_forward(svf_pass *p)
{
  p->status = SVF_OK;
  p->wanted = 0;
  for (size_t i = 0; i < p->count; ++i) p->wanted += p->rows[i].wants_logits;
  p->runs = find_runs(p->state, p->rows, p->count);
  svf_team_run(p->state->sizes.threads, work, p);
  return p->status;
}
