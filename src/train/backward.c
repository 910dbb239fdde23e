/* SPDX-License-Identifier: Apache-2.0
 *
 *   dlogits = weight * (softmax(logits) - token)        dx = d rmsnorm(W_lm_head^T dlogits)
 *   for each layer, the last one first:
 *     dgated = W_down^T dx      dgate, dup = d swiglu(dgated)
 *     dx += d rmsnorm(W_gate^T dgate + W_up^T dup)
 *     dattended = W_o^T dx      dq, dk, dv = d attention(dattended)
 *     dx += d rmsnorm(W_q^T dq + W_k^T dk + W_v^T dv)
 *
 * Every W^T is a transposed layer, whose call also adds to the gradients of gains. */
#include "src/train/backward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>
#include <svf/score.h>

#include "src/core/pages.h"
#include "src/core/status.h"
#include "src/matmul/run.h"
#include "src/train/attention_back.h"

/* A thread of the team. */
typedef struct back_worker {
  svf_backward *b;
  svf_backward_pass *p;
  svf_state *s;
  const svf_config *config;
  svf_member *member;
  svf_worker forward; /* the same, for what the forward pass has */
  size_t lowest;      /* no layer below this one is trained */
} back_worker;

/* --- Linear layers ---------------------------------------------------------------------------- */

typedef struct back_call {
  size_t linear;             /* number of the layer in the model */
  const float *dy;           /* [rows][m] */
  float *dx;                 /* [rows][n], or NULL: it is not wanted */
  unsigned flags;            /* SVF_MATMUL_* */
  const float *t0;           /* [rows][r] of the forward call */
  const svf_target *targets; /* of each row, or NULL: row i is that of the pass */
} back_call;

static size_t row_of(const back_call *c, size_t i) { return c->targets ? c->targets[i].row : i; }

static bool is_trained(const back_worker *w, size_t linear)
{
  if (w->s->model->linears[linear].r == 0) return false;
  return !w->p->trained || w->p->trained[linear];
}

/* Gains and sums of the rows in one layer. */
static void find_lists(const back_worker *w, const back_call *c, size_t rows)
{
  const svf_model_linear *l = &w->s->model->linears[c->linear];
  const size_t at = w->member->ith * w->s->sizes.rows;
  for (size_t i = 0; i < rows; ++i) {
    const size_t row = row_of(c, i);
    const float *gains = w->s->gains[row];
    float *sums = w->p->gradients[row];
    w->b->gains[at + i] = gains ? gains + l->gains : NULL;
    w->b->sums[at + i] = sums ? sums + l->gains : NULL;
  }
}

/* As in the forward pass, every thread makes its own copy of the plan. */
static void run_plan(const back_worker *w, const svf_matmul_args *args)
{
  svf_plan plan;
  const svf_status status =
      svf_matmul_plan(&plan, args, w->member->shares, w->b->workspace, w->b->workspace_bytes);
  if (status == SVF_OK) {
    svf_plan_run(&plan, w->member);
  } else if (w->member->ith == 0) { /* it fails on all threads */
    w->p->status = status;
  }
}

static void run_back(const back_worker *w, const back_call *c, size_t rows)
{
  const svf_model_linear *l = &w->s->model->linears[c->linear];
  const size_t at = w->member->ith * w->s->sizes.rows;
  const bool trained = is_trained(w, c->linear);
  if (!trained && !c->dx) return;
  svf_matmul_args args = {.size = sizeof args,
                          .linear = w->b->transposed->block[c->linear],
                          .rows = rows,
                          .x = c->dy,
                          .x_stride = (ptrdiff_t)l->m,
                          .y = c->dx,
                          .y_stride = (ptrdiff_t)l->n,
                          .flags = c->dx ? c->flags : SVF_MATMUL_WITHOUT_Y,
                          .isa = w->s->isa};
  if (l->r > 0) {
    find_lists(w, c, rows);
    args.gains = w->b->gains + at;
  }
  if (trained) {
    args.t0 = w->b->s;
    args.t0_forward = c->t0;
    args.t0_stride = args.t0_forward_stride = (ptrdiff_t)l->r;
    args.gradients = w->b->sums + at;
  }
  run_plan(w, &args);
}

/* --- The head --------------------------------------------------------------------------------- */

static void normalise_last(const back_worker *w, const svf_target *t, size_t n)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->s->model, w->config->layers, false);
  for (size_t i, end; svf_worker_next(&w->forward, n, &i, &end);) {
    for (; i < end; ++i) {
      w->s->attention.ops->rmsnorm(w->s->x + t[i].row * hidden, weight, hidden, w->config->norm_eps,
                                   w->b->last + i * hidden);
    }
  }
}

static void run_head(const back_worker *w, const back_call *c, size_t n)
{
  const svf_model_linear *l = &w->s->model->linears[c->linear];
  const svf_matmul_args args = {
      .size = sizeof args,
      .linear = l->block,
      .rows = n,
      .x = w->b->last,
      .x_stride = (ptrdiff_t)l->n,
      .gains = l->r > 0 ? w->b->gains + w->member->ith * w->s->sizes.rows : NULL,
      .bias = l->bias,
      .y = w->b->logits,
      .y_stride = (ptrdiff_t)l->m,
      .isa = w->s->isa,
      .t0 = w->b->head_t0,
      .t0_stride = (ptrdiff_t)l->r};
  find_lists(w, c, n);
  run_plan(w, &args);
}

/* The log-probability of a target, and the gradient of its loss in place of its logits. */
static void differentiate(const back_worker *w, svf_target *t, float *logits)
{
  const size_t vocab = w->config->vocab;
  const double scale = t->temperature > 0 ? 1 / (double)t->temperature : 1;
  const float weight = (float)((double)t->weight * scale);
  t->status = svf_log_probability(logits, vocab, t->token, t->temperature, &t->log_probability);
  if (t->status != SVF_OK) {
    memset(logits, 0, vocab * sizeof *logits);
    return;
  }
  /* The logarithm of the sum, rounded, stands for the maximum; the factor makes up for that. */
  const double sum = (double)logits[t->token] * scale - t->log_probability;
  const double factor = (double)weight * exp((double)(float)sum - sum);
  w->s->attention.ops->softmax_again(logits, vocab, (float)scale, (float)sum, (float)factor);
  logits[t->token] -= weight;
}

static void back_through_head(const back_worker *w, svf_target *t, size_t n)
{
  const size_t hidden = w->config->hidden, vocab = w->config->vocab;
  const float *weight = svf_model_norm(w->s->model, w->config->layers, false);
  const back_call head = {.linear = w->s->model->linear_count - 1,
                          .dy = w->b->logits,
                          .dx = w->b->dlast,
                          .t0 = w->b->head_t0,
                          .targets = t};
  normalise_last(w, t, n);
  run_head(w, &head, n);
  for (size_t i, end; svf_worker_next(&w->forward, n, &i, &end);) {
    for (; i < end; ++i) differentiate(w, &t[i], w->b->logits + i * vocab);
  }
  run_back(w, &head, n);
  for (size_t i, end; svf_worker_next(&w->forward, n, &i, &end);) {
    for (; i < end; ++i) {
      const size_t at = t[i].row * hidden;
      w->s->attention.ops->rmsnorm_back(w->s->x + at, weight, hidden, w->config->norm_eps,
                                        w->b->dlast + i * hidden, w->b->dx + at);
    }
  }
}

/* --- A layer ---------------------------------------------------------------------------------- */

static void back_through_norm(const back_worker *w, size_t layer, bool second)
{
  const size_t hidden = w->config->hidden;
  const float *weight = svf_model_norm(w->s->model, layer, second);
  const svf_activations *a = svf_state_slot(w->s, layer);
  const float *x = second ? a->mid : a->x;
  for (size_t i, end; svf_worker_next(&w->forward, w->p->pass->count, &i, &end);) {
    for (; i < end; ++i) {
      w->s->attention.ops->rmsnorm_back(x + i * hidden, weight, hidden, w->config->norm_eps,
                                        w->b->dh + i * hidden, w->b->dx + i * hidden);
    }
  }
}

/* Elementwise, so all rows are taken as one long row. */
static void back_through_swiglu(const back_worker *w, size_t layer)
{
  const svf_activations *a = svf_state_slot(w->s, layer);
  svf_backward *b = w->b;
  const size_t total = w->p->pass->count * w->config->intermediate;
  for (size_t begin, end; svf_worker_next(&w->forward, total / SVF_PANEL + 1, &begin, &end);) {
    const size_t at = begin * SVF_PANEL, last = svf_size_min(total, end * SVF_PANEL);
    if (at >= last) continue;
    w->s->attention.ops->swiglu_back(a->gate + at, a->up + at, last - at, b->dgate + at,
                                     b->dgate + at, b->dup + at);
  }
}

static void rotate_back(const back_worker *w, size_t row, float *x, size_t heads)
{
  const size_t half = w->config->head_dim / 2, at = w->s->position[row] * half;
  for (size_t i = 0; i < heads; ++i) {
    w->s->attention.ops->rope_back(x + i * 2 * half, w->s->cos + at, w->s->sin + at, half);
  }
}

/* Of rows [row, row + count), a text, and one KV head. */
static void back_through_head_of(const back_worker *w, size_t layer, size_t row, size_t count,
                                 size_t kv_head, float *scratch)
{
  const svf_activations *a = svf_state_slot(w->s, layer);
  const size_t dim = w->config->head_dim, per_kv = w->s->attention.heads_per_kv;
  const size_t q_stride = w->config->heads * dim, kv_stride = w->config->kv_heads * dim;
  const size_t q = row * q_stride + kv_head * per_kv * dim, kv = row * kv_stride + kv_head * dim;
  const bool windowed = layer >= w->config->window_from_layer;
  const svf_attention_back_task t = {.count = count,
                                     .dim = dim,
                                     .window = windowed ? w->config->window : 0,
                                     .q_stride = q_stride,
                                     .kv_stride = kv_stride,
                                     .q = a->q + q,
                                     .k = a->k + kv,
                                     .v = a->v + kv,
                                     .out = a->attended + q,
                                     .dout = w->b->dattended + q,
                                     .dq = w->b->dq + q,
                                     .dk = w->b->dk + kv,
                                     .dv = w->b->dv + kv};
  svf_attention_back(&w->s->attention, &t, scratch);
  for (size_t i = 0; i < count; ++i) {
    rotate_back(w, row + i, t.dq + i * q_stride, per_kv);
    rotate_back(w, row + i, t.dk + i * kv_stride, 1);
  }
}

/* One past the last row of the text that begins at `row`. */
static size_t text_end(const svf_pass *p, size_t row)
{
  size_t end = row + 1;
  while (end < p->count && p->rows[end].sequence == p->rows[row].sequence) ++end;
  return end;
}

/* Shares take texts and KV heads in turn. */
static void back_through_attention(const back_worker *w, size_t layer)
{
  const svf_pass *p = w->p->pass;
  const size_t heads = w->config->kv_heads, shares = w->member->shares;
  for (size_t share; svf_member_next(w->member, &share);) {
    float *scratch = w->b->scratch + share * w->b->scratch_floats;
    size_t task = 0;
    for (size_t row = 0, end; row < p->count; row = end) {
      end = text_end(p, row);
      for (size_t head = 0; head < heads; ++head, ++task) {
        if (task % shares == share) back_through_head_of(w, layer, row, end - row, head, scratch);
      }
    }
  }
}

static void back_through_layer(const back_worker *w, size_t layer)
{
  const svf_backward *b = w->b;
  const svf_activations *a = svf_state_slot(w->s, layer);
  const size_t rows = w->p->pass->count, first = layer * SVF_LAYER_LINEARS;
  const bool goes_on = layer > w->lowest;
  const back_call down = {first + SVF_DOWN, b->dx, b->dgate, 0, a->t0[SVF_DOWN], NULL};
  const back_call gate = {first + SVF_GATE, b->dgate, b->dh, 0, a->t0[SVF_GATE], NULL};
  const back_call up = {first + SVF_UP, b->dup, b->dh, SVF_MATMUL_ACCUMULATE, a->t0[SVF_UP], NULL};
  const back_call o = {first + SVF_O, b->dx, b->dattended, 0, a->t0[SVF_O], NULL};
  float *dh = goes_on ? b->dh : NULL;
  const back_call qkv[] = {{first + SVF_Q, b->dq, dh, 0, a->t0[SVF_Q], NULL},
                           {first + SVF_K, b->dk, dh, SVF_MATMUL_ACCUMULATE, a->t0[SVF_K], NULL},
                           {first + SVF_V, b->dv, dh, SVF_MATMUL_ACCUMULATE, a->t0[SVF_V], NULL}};
  run_back(w, &down, rows);
  back_through_swiglu(w, layer);
  run_back(w, &gate, rows);
  run_back(w, &up, rows);
  back_through_norm(w, layer, true);
  run_back(w, &o, rows);
  back_through_attention(w, layer);
  for (int i = 0; i < 3; ++i) run_back(w, &qkv[i], rows);
  if (goes_on) back_through_norm(w, layer, false);
}

/* --- The pass --------------------------------------------------------------------------------- */

static size_t lowest_trained(const svf_backward *b, const svf_backward_pass *p)
{
  const svf_model *m = b->state->model;
  size_t i = 0;
  while (i < m->linear_count && (m->linears[i].r == 0 || (p->trained && !p->trained[i]))) ++i;
  return i / SVF_LAYER_LINEARS;
}

/* svf_team_work */
static void work(void *context, svf_member *member)
{
  back_worker *of = context;
  back_worker w = *of;
  const size_t hidden = w.config->hidden;
  w.member = w.forward.member = member;
  for (size_t i, end; svf_worker_next(&w.forward, w.p->pass->count, &i, &end);) {
    memset(w.b->dx + i * hidden, 0, (end - i) * hidden * sizeof *w.b->dx);
  }
  for (size_t i = 0, n; i < w.p->target_count; i += n) {
    n = svf_size_min(w.p->target_count - i, w.b->chunk);
    back_through_head(&w, w.p->targets + i, n);
  }
  for (size_t layer = w.config->layers; layer-- > w.lowest;) back_through_layer(&w, layer);
}

svf_status svf_backward_run(svf_backward *b, svf_backward_pass *p)
{
  back_worker w = {.b = b,
                   .p = p,
                   .s = b->state,
                   .config = &b->state->model->config,
                   .forward = {.s = b->state, .config = &b->state->model->config},
                   .lowest = lowest_trained(b, p)};
  p->status = SVF_OK;
  svf_team_run(b->state->sizes.threads, work, &w);
  for (size_t i = 0; i < p->target_count && p->status == SVF_OK; ++i) {
    if (p->targets[i].status == SVF_OK) continue;
    p->status =
        svf_fail(p->targets[i].status, "row %zu: the logits are no numbers", p->targets[i].row);
  }
  return p->status;
}

/* --- Memory ----------------------------------------------------------------------------------- */

enum { CHUNK = 128 };

static float *floats(size_t rows, size_t width)
{
  return svf_pages_array(rows, width, sizeof(float));
}

/* The workspace that every call needs, forwards (of the head) or backwards. */
static svf_status size_workspace(svf_backward *b)
{
  const svf_model *m = b->state->model;
  for (size_t i = 0; i <= m->linear_count; ++i) {
    const void *block = i < m->linear_count ? b->transposed->block[i] : m->linears[i - 1].block;
    const svf_matmul_args args = {.size = sizeof args,
                                  .linear = block,
                                  .rows = svf_size_max(b->state->sizes.rows, b->chunk),
                                  .isa = b->state->isa};
    size_t bytes;
    const svf_status status = svf_matmul_workspace(&args, b->state->sizes.threads, &bytes);
    if (status != SVF_OK) return status;
    b->workspace_bytes = svf_size_max(b->workspace_bytes, bytes);
  }
  return SVF_OK;
}

static size_t largest_rank(const svf_model *m)
{
  size_t r = 1;
  for (size_t i = 0; i < m->linear_count; ++i) r = svf_size_max(r, m->linears[i].r);
  return r;
}

svf_status svf_backward_create(svf_backward *b, svf_state *state, const svf_transposed *transposed)
{
  const svf_config *f = &state->model->config;
  const size_t rows = state->sizes.rows, threads = state->sizes.threads;
  const size_t q = f->heads * f->head_dim, kv = f->kv_heads * f->head_dim;
  const size_t head_r = svf_model_lm_head(state->model)->r;
  *b = (svf_backward){.state = state, .transposed = transposed, .chunk = svf_size_min(CHUNK, rows)};
  const svf_status status = size_workspace(b);
  if (status != SVF_OK) return status;
  b->scratch_floats = svf_attention_back_scratch(&state->attention, rows, f->head_dim);
  const bool all =
      (b->dx = floats(rows, f->hidden)) && (b->dh = floats(rows, f->hidden)) &&
      (b->dgate = floats(rows, f->intermediate)) && (b->dup = floats(rows, f->intermediate)) &&
      (b->dattended = floats(rows, q)) && (b->dq = floats(rows, q)) && (b->dk = floats(rows, kv)) &&
      (b->dv = floats(rows, kv)) && (b->s = floats(rows, largest_rank(state->model))) &&
      (b->last = floats(b->chunk, f->hidden)) && (b->dlast = floats(b->chunk, f->hidden)) &&
      (b->logits = floats(b->chunk, f->vocab)) &&
      (head_r == 0 || (b->head_t0 = floats(b->chunk, head_r))) &&
      (b->scratch = floats(threads, b->scratch_floats)) &&
      (b->sums = calloc(threads * rows, sizeof *b->sums)) &&
      (b->gains = calloc(threads * rows, sizeof *b->gains)) &&
      (b->workspace = svf_pages_alloc(b->workspace_bytes));
  return all ? SVF_OK : svf_fail(SVF_ERR_MEMORY, "no memory for gradients of %zu rows", rows);
}

void svf_backward_free(svf_backward *b)
{
  float *const all[] = {b->dx, b->dh, b->dgate, b->dup,   b->dattended, b->dq,      b->dk,
                        b->dv, b->s,  b->last,  b->dlast, b->logits,    b->head_t0, b->scratch};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) free(all[i]);
  free(b->sums);
  free((void *)b->gains);
  free(b->workspace);
  *b = (svf_backward){0};
}

/* --- Transposed layers ------------------------------------------------------------------------ */

static svf_format format_back(const void *block)
{
  const svf_format format = (svf_format)svf_linear_info(block)->format;
  return format == SVF_FORMAT_F32 || format == SVF_FORMAT_BF16_SPLIT ? format : SVF_FORMAT_BF16;
}

typedef struct transposing {
  const void *from;
  void *to;
  size_t from_bytes, bytes;
} transposing;

/* svf_team_work */
static void transpose_shares(void *context, svf_member *m)
{
  const transposing *t = context;
  for (size_t share; svf_member_next(m, &share);) {
    (void)svf_linear_transpose_part(t->from, t->from_bytes, format_back(t->from), t->to, t->bytes,
                                    share, m->shares);
  }
}

static svf_status transpose(const svf_model_linear *l, size_t threads, void **block)
{
  transposing t = {.from = l->block, .from_bytes = l->bytes};
  const svf_status status =
      svf_linear_transposed_bytes(t.from, t.from_bytes, format_back(t.from), &t.bytes);
  if (status != SVF_OK) return status;
  t.to = *block = svf_pages_alloc(t.bytes);
  if (!t.to) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for '%s' transposed: %zu bytes", l->name, t.bytes);
  }
  svf_team_run(threads, transpose_shares, &t);
  return svf_linear_seal(t.to, t.bytes);
}

svf_status svf_transposed_create(svf_transposed *t, const svf_model *model, size_t threads)
{
  *t = (svf_transposed){.block = calloc(model->linear_count, sizeof *t->block),
                        .count = model->linear_count};
  svf_status status =
      t->block ? SVF_OK : svf_fail(SVF_ERR_MEMORY, "no memory for transposed layers");
  for (size_t i = 0; status == SVF_OK && i < t->count; ++i) {
    status = transpose(&model->linears[i], threads, &t->block[i]);
  }
  return status;
}

void svf_transposed_free(svf_transposed *t)
{
  for (size_t i = 0; t->block && i < t->count; ++i) free(t->block[i]);
  free(t->block);
  *t = (svf_transposed){0};
}
