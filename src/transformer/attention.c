/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/attention.h"

#include <string.h>

#include "src/matmul/tile.h"

/* A strip of queries: those of `heads` query heads at `count` positions. */
typedef struct strip {
  const svf_attention *a;
  const svf_kv *kv;
  const svf_attention_task *t;
  size_t heads;    /* query heads of the strip */
  size_t rows;     /* count * heads */
  float *x;        /* [rows][head_dim] the queries, without gaps between them */
  float *lines;    /* the queries, or the probabilities of a KV block, packed as A */
  float *sums;     /* [panel][row][16] sums of all rows */
  float *own_sums; /* the same for the rows of one position */
  float *scores;   /* [rows][stride] */
  size_t stride;   /* positions, rounded up to whole KV blocks */
} strip;

static size_t whole_blocks(size_t positions) { return svf_kv_blocks(positions) * SVF_KV_BLOCK; }

/* Floats that hold whole panels for all rows, whether of head_dim or of a KV block's positions. */
static size_t widest(const svf_attention *a, const svf_kv *kv)
{
  return (size_t)a->kernel->rows * (kv->lanes > SVF_KV_BLOCK ? kv->lanes : SVF_KV_BLOCK);
}

size_t svf_attention_scratch(const svf_attention *a, const svf_kv *kv, size_t limit)
{
  return 4 * widest(a, kv) + (size_t)a->kernel->rows * whole_blocks(limit);
}

static size_t position_of(const strip *s, size_t i) { return s->t->position + i; }

static size_t first_of(const strip *s, size_t i)
{
  const size_t end = position_of(s, i) + 1;
  return s->t->window > 0 && end > s->t->window ? end - s->t->window : 0;
}

static void multiply(const strip *s, svf_tile *tile, size_t channels)
{
  svf_tiles_run(s->a->kernel, tile->rows, tile, svf_size_ceil(channels, SVF_PANEL), channels, NULL,
                NULL);
}

/* Computes the scores of whole KV blocks; those of positions that a row does not see are never
 * used. */
static void score(const strip *s)
{
  const size_t dim = s->kv->dim, end = position_of(s, s->t->count);
  s->a->kernel->pack_rows(s->x, SVF_DTYPE_F32, (ptrdiff_t)dim, (int)s->rows, dim, 1, s->lines);
  for (size_t p = first_of(s, 0) / SVF_KV_BLOCK * SVF_KV_BLOCK; p < end; p += SVF_KV_BLOCK) {
    const svf_epilogue e = {
        .y = s->scores + p, .y_stride = (ptrdiff_t)s->stride, .y_type = SVF_DTYPE_F32};
    svf_tile tile = {.a = s->lines,
                     .planes = 1,
                     .rows = (int)s->rows,
                     .b = svf_kv_keys(s->kv, s->t->sequence, s->t->layer, s->t->kv_head, p),
                     .b_stride = dim * SVF_LINE,
                     .k = dim,
                     .c = s->sums,
                     .epilogue = &e};
    multiply(s, &tile, SVF_KV_BLOCK);
  }
}

/* Adds to c what rows [row, row + rows) take from positions [from, to), all of which they see. */
static void gather(const strip *s, size_t row, size_t rows, size_t from, size_t to, float *c)
{
  for (size_t p = from, end; p < to; p = end) {
    end = svf_size_min(p / SVF_KV_BLOCK * SVF_KV_BLOCK + SVF_KV_BLOCK, to);
    s->a->kernel->pack_rows(s->scores + row * s->stride + p, SVF_DTYPE_F32, (ptrdiff_t)s->stride,
                            (int)rows, end - p, 1, s->lines);
    const float *v = svf_kv_values(s->kv, s->t->sequence, s->t->layer, s->t->kv_head, p);
    svf_tile tile = {.a = s->lines,
                     .planes = 1,
                     .rows = (int)rows,
                     .b = v + p % SVF_KV_BLOCK * SVF_PANEL,
                     .b_stride = SVF_KV_BLOCK * SVF_LINE,
                     .k = end - p,
                     .c = c,
                     .resume = true};
    multiply(s, &tile, s->kv->dim);
  }
}

/* The same for the rows of position i alone. Their sums are copied out of those of all rows and
 * back again. */
static void gather_alone(const strip *s, size_t i, size_t from, size_t to)
{
  const size_t panels = s->kv->lanes / SVF_PANEL, bytes = s->heads * SVF_LINE;
  if (from >= to) return;
  if (s->t->count == 1) {
    gather(s, 0, s->rows, from, to, s->sums);
    return;
  }
  float *own = s->sums + i * s->heads * SVF_PANEL;
  for (size_t p = 0; p < panels; ++p) {
    memcpy(s->own_sums + p * s->heads * SVF_PANEL, own + p * s->rows * SVF_PANEL, bytes);
  }
  gather(s, i * s->heads, s->heads, from, to, s->own_sums);
  for (size_t p = 0; p < panels; ++p) {
    memcpy(own + p * s->rows * SVF_PANEL, s->own_sums + p * s->heads * SVF_PANEL, bytes);
  }
}

/* All rows take the KV blocks that every row sees whole together; each position takes what lies
 * before and after those blocks alone. */
static void gather_all(const strip *s)
{
  const size_t count = s->t->count;
  size_t begin = whole_blocks(first_of(s, count - 1));
  size_t end = (position_of(s, 0) + 1) / SVF_KV_BLOCK * SVF_KV_BLOCK;
  if (count == 1 || begin >= end) begin = end = SIZE_MAX;
  memset(s->sums, 0, s->rows * s->kv->lanes * sizeof(float));
  for (size_t i = 0; i < count; ++i) {
    gather_alone(s, i, first_of(s, i), svf_size_min(begin, position_of(s, i) + 1));
  }
  if (begin < end) gather(s, 0, s->rows, begin, end, s->sums);
  for (size_t i = 0; i < count; ++i) gather_alone(s, i, end, position_of(s, i) + 1);
}

static void put_out(const strip *s, size_t row, float *out)
{
  for (size_t k = 0; k < s->kv->dim; k += SVF_PANEL) {
    const float *line = s->sums + (k / SVF_PANEL * s->rows + row) * SVF_PANEL;
    memcpy(out + k, line, svf_size_min(s->kv->dim - k, SVF_PANEL) * sizeof *out);
  }
}

/* Query heads [g, g + heads) of those that share the KV head. */
static void attend_strip(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                         size_t g, size_t heads, float *scratch)
{
  const size_t dim = kv->dim, wide = widest(a, kv);
  const strip s = {a,
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
    memcpy(s.x + i * heads * dim, t->q + i * t->stride + g * dim, heads * dim * sizeof *s.x);
  }
  score(&s);
  for (size_t row = 0; row < s.rows; ++row) {
    const size_t i = row / heads, first = first_of(&s, i), count = position_of(&s, i) + 1 - first;
    float max;
    (void)a->ops->softmax(s.scores + row * s.stride + first, count, a->scale, &max);
  }
  gather_all(&s);
  for (size_t row = 0; row < s.rows; ++row) {
    put_out(&s, row, t->out + row / heads * t->stride + (g + row % heads) * dim);
  }
}

void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_attention_task *t,
                float *scratch)
{
  for (size_t g = 0, heads; g < a->heads_per_kv; g += heads) {
    heads = svf_size_min((size_t)a->kernel->rows, a->heads_per_kv - g);
    attend_strip(a, kv, t, g, heads, scratch);
  }
}
