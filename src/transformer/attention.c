/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/attention.h"

#include <string.h>

#include "src/matmul/tile.h"

/* One row block of queries: `count` positions of `heads` queries each. */
typedef struct block {
  const svf_attention *a;
  const svf_kv *kv;
  const svf_attention_task *t;
  size_t heads, rows; /* rows = count * heads */
  float *x;           /* [rows][head_dim]: the queries, closed up */
  float *lines;       /* A of the queries, or of 64 probabilities */
  float *sums;        /* [panel][row][16] of all rows */
  float *part;        /* the same of one position's */
  float *scores;      /* [rows][stride] */
  size_t stride;      /* positions of whole KV blocks */
} block;

static size_t whole_blocks(size_t positions) { return svf_kv_blocks(positions) * SVF_KV_BLOCK; }

/* Floats for whole panels of all rows, of the head's elements or of a KV block's positions. */
static size_t widest(const svf_attention *a, const svf_kv *kv)
{
  return (size_t)a->kernel->rows * (kv->lanes > SVF_KV_BLOCK ? kv->lanes : SVF_KV_BLOCK);
}

size_t svf_attention_scratch(const svf_attention *a, const svf_kv *kv, size_t limit)
{
  return 4 * widest(a, kv) + (size_t)a->kernel->rows * whole_blocks(limit);
}

static size_t position_of(const block *b, size_t i) { return b->t->position + i; }

static size_t first_of(const block *b, size_t i)
{
  const size_t end = position_of(b, i) + 1;
  return b->t->window > 0 && end > b->t->window ? end - b->t->window : 0;
}

static void multiply(const block *b, svf_tile *tile, size_t channels)
{
  svf_tiles_run(b->a->kernel, tile->rows, tile, svf_size_ceil(channels, SVF_PANEL), channels, NULL,
                NULL);
}

/* Scores of whole KV blocks: those that a row does not see are never used. */
static void score(const block *b)
{
  const size_t dim = b->kv->dim, end = position_of(b, b->t->count);
  b->a->kernel->pack_rows(b->x, SVF_DTYPE_F32, (ptrdiff_t)dim, (int)b->rows, dim, 1, b->lines);
  for (size_t p = first_of(b, 0) / SVF_KV_BLOCK * SVF_KV_BLOCK; p < end; p += SVF_KV_BLOCK) {
    const svf_epilogue e = {
        .y = b->scores + p, .y_stride = (ptrdiff_t)b->stride, .y_type = SVF_DTYPE_F32};
    svf_tile tile = {.a = b->lines,
                     .planes = 1,
                     .rows = (int)b->rows,
                     .b = svf_kv_keys(b->kv, b->t->sequence, b->t->layer, b->t->head, p),
                     .b_stride = dim * SVF_LINE,
                     .k = dim,
                     .c = b->sums,
                     .epilogue = &e};
    multiply(b, &tile, SVF_KV_BLOCK);
  }
}

/* Adds what rows [row, row + rows) draw from positions [from, to), which they all see, to c. */
static void gather(const block *b, size_t row, size_t rows, size_t from, size_t to, float *c)
{
  for (size_t p = from, end; p < to; p = end) {
    end = svf_size_min(p / SVF_KV_BLOCK * SVF_KV_BLOCK + SVF_KV_BLOCK, to);
    b->a->kernel->pack_rows(b->scores + row * b->stride + p, SVF_DTYPE_F32, (ptrdiff_t)b->stride,
                            (int)rows, end - p, 1, b->lines);
    const float *v = svf_kv_values(b->kv, b->t->sequence, b->t->layer, b->t->head, p);
    svf_tile tile = {.a = b->lines,
                     .planes = 1,
                     .rows = (int)rows,
                     .b = v + p % SVF_KV_BLOCK * SVF_PANEL,
                     .b_stride = SVF_KV_BLOCK * SVF_LINE,
                     .k = end - p,
                     .c = c,
                     .resume = true};
    multiply(b, &tile, b->kv->dim);
  }
}

/* The same for position i alone, whose sums are taken out of those of all rows meanwhile. */
static void gather_alone(const block *b, size_t i, size_t from, size_t to)
{
  const size_t panels = b->kv->lanes / SVF_PANEL, bytes = b->heads * SVF_LINE;
  if (from >= to) return;
  if (b->t->count == 1) {
    gather(b, 0, b->rows, from, to, b->sums);
    return;
  }
  float *own = b->sums + i * b->heads * SVF_PANEL;
  for (size_t p = 0; p < panels; ++p) {
    memcpy(b->part + p * b->heads * SVF_PANEL, own + p * b->rows * SVF_PANEL, bytes);
  }
  gather(b, i * b->heads, b->heads, from, to, b->part);
  for (size_t p = 0; p < panels; ++p) {
    memcpy(own + p * b->rows * SVF_PANEL, b->part + p * b->heads * SVF_PANEL, bytes);
  }
}

/* KV blocks that all rows see whole are gone through together; what lies before and behind them, by
 * each position alone. */
static void gather_all(const block *b)
{
  const size_t count = b->t->count;
  size_t begin = whole_blocks(first_of(b, count - 1));
  size_t end = (position_of(b, 0) + 1) / SVF_KV_BLOCK * SVF_KV_BLOCK;
  if (count == 1 || begin >= end) begin = end = SIZE_MAX;
  memset(b->sums, 0, b->rows * b->kv->lanes * sizeof(float));
  for (size_t i = 0; i < count; ++i) {
    gather_alone(b, i, first_of(b, i), svf_size_min(begin, position_of(b, i) + 1));
  }
  if (begin < end) gather(b, 0, b->rows, begin, end, b->sums);
  for (size_t i = 0; i < count; ++i) gather_alone(b, i, end, position_of(b, i) + 1);
}

static void put_out(const block *b, size_t row, float *out)
{
  for (size_t k = 0; k < b->kv->dim; k += SVF_PANEL) {
    const float *line = b->sums + (k / SVF_PANEL * b->rows + row) * SVF_PANEL;
    memcpy(out + k, line, svf_size_min(b->kv->dim - k, SVF_PANEL) * sizeof *out);
  }
}

/* Heads [g, g + heads) of the group. */
static void attend_block(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                         size_t g, size_t heads, float *scratch)
{
  const size_t dim = kv->dim, wide = widest(a, kv);
  const block b = {a,
                   kv,
                   t,
                   heads,
                   t->count * heads,
                   scratch,
                   scratch + wide,
                   scratch + 2 * wide,
                   scratch + 3 * wide,
                   scratch + 4 * wide,
                   whole_blocks(t->position + t->count)};
  for (size_t i = 0; i < t->count; ++i) {
    memcpy(b.x + i * heads * dim, t->q + i * t->stride + g * dim, heads * dim * sizeof *b.x);
  }
  score(&b);
  for (size_t row = 0; row < b.rows; ++row) {
    const size_t i = row / heads, first = first_of(&b, i);
    a->ops->softmax(b.scores + row * b.stride + first, position_of(&b, i) + 1 - first, a->scale);
  }
  gather_all(&b);
  for (size_t row = 0; row < b.rows; ++row) {
    put_out(&b, row, t->out + row / heads * t->stride + (g + row % heads) * dim);
  }
}

void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                float *scratch)
{
  for (size_t g = 0, heads; g < a->group; g += heads) {
    heads = svf_size_min((size_t)a->kernel->rows, a->group - g);
    attend_block(a, kv, t, g, heads, scratch);
  }
}
