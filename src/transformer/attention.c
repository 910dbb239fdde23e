/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/attention.h"

#include "src/core/size.h"

/* Room for one row block of queries: A of the queries or of 64 probabilities, sums, scores. */
typedef struct room {
  float *a, *c, *scores;
  size_t stride; /* of scores: positions of whole blocks */
} room;

static size_t lines(size_t k) { return (k + SVF_PANEL - 1) / SVF_PANEL * SVF_PANEL; }

static size_t positions(size_t limit) { return svf_kv_blocks(limit) * SVF_KV_BLOCK; }

/* Floats of A, and of c: for whole panels either way. */
static size_t widest(const svf_attention *a, const svf_kv *kv)
{
  return (size_t)a->kernel->rows * (kv->lanes > SVF_KV_BLOCK ? kv->lanes : SVF_KV_BLOCK);
}

static room divide(const svf_attention *a, const svf_kv *kv, size_t limit, float *scratch)
{
  const size_t wide = widest(a, kv);
  return (room){scratch, scratch + wide, scratch + 2 * wide, positions(limit)};
}

size_t svf_attention_scratch(const svf_attention *a, const svf_kv *kv, size_t limit)
{
  return 2 * widest(a, kv) + (size_t)a->kernel->rows * positions(limit);
}

/* One product of A, `rows` rows of k steps, with panels; `channels` outputs. */
typedef struct product {
  const float *a, *b;
  size_t b_stride; /* floats between panels */
  int rows;
  size_t k, channels;
  float *c;
  bool resume;
  const svf_epilogue *epilogue;
} product;

static void multiply(const svf_kernel *kernel, const product *p)
{
  const size_t panels = lines(p->channels) / SVF_PANEL;
  svf_tile tile = {.a = p->a,
                   .planes = 1,
                   .rows = p->rows,
                   .b_stride = p->b_stride * sizeof(float),
                   .k = p->k,
                   .resume = p->resume,
                   .epilogue = p->epilogue};
  for (size_t at = 0, n; at < panels; at += n) {
    n = svf_size_min((size_t)kernel->tile[p->rows].panels, panels - at);
    while (!kernel->tile[p->rows].fn[n]) --n;
    tile.b = tile.ahead = p->b + at * p->b_stride;
    tile.c = p->c + at * (size_t)p->rows * SVF_PANEL;
    tile.channel = at * SVF_PANEL;
    tile.lanes = (int)svf_size_min(p->channels - (at + n - 1) * SVF_PANEL, SVF_PANEL);
    kernel->tile[p->rows].fn[n](&tile);
  }
}

/* Scores of whole blocks: those outside of [first, position] are never used. */
static void score(const svf_attention *a, const svf_kv *kv, const svf_kv_sequence *s, size_t layer,
                  size_t head, size_t first, size_t position, int rows, const float *q,
                  const room *r)
{
  a->kernel->pack_rows(q, SVF_F32, (ptrdiff_t)kv->dim, rows, kv->dim, 1, r->a);
  for (size_t p = first - first % SVF_KV_BLOCK; p <= position; p += SVF_KV_BLOCK) {
    const svf_epilogue e = {
        .y = r->scores + p, .y_stride = (ptrdiff_t)r->stride, .y_type = SVF_F32};
    multiply(a->kernel, &(product){.a = r->a,
                                   .b = svf_kv_keys(kv, s, layer, head, p),
                                   .b_stride = kv->dim * SVF_PANEL,
                                   .rows = rows,
                                   .k = kv->dim,
                                   .channels = SVF_KV_BLOCK,
                                   .c = r->c,
                                   .epilogue = &e});
  }
}

static void gather(const svf_attention *a, const svf_kv *kv, const svf_kv_sequence *s, size_t layer,
                   size_t head, size_t first, size_t position, int rows, float *out, const room *r)
{
  const svf_epilogue e = {.y = out, .y_stride = (ptrdiff_t)kv->dim, .y_type = SVF_F32};
  for (size_t p = first, end; p <= position; p = end) {
    end = svf_size_min(p - p % SVF_KV_BLOCK + SVF_KV_BLOCK, position + 1);
    a->kernel->pack_rows(r->scores + p, SVF_F32, (ptrdiff_t)r->stride, rows, end - p, 1, r->a);
    multiply(a->kernel,
             &(product){.a = r->a,
                        .b = svf_kv_values(kv, s, layer, head, p) + p % SVF_KV_BLOCK * SVF_PANEL,
                        .b_stride = SVF_KV_BLOCK * SVF_PANEL,
                        .rows = rows,
                        .k = end - p,
                        .channels = kv->dim,
                        .c = r->c,
                        .resume = p > first,
                        .epilogue = end > position ? &e : NULL});
  }
}

void svf_attend(const svf_attention *a, const svf_kv *kv, const svf_kv_sequence *s, size_t layer,
                size_t head, size_t first, size_t position, const float *q, float *out,
                float *scratch)
{
  const room r = divide(a, kv, position + 1, scratch);
  for (size_t g = 0; g < a->group;) {
    const size_t rows = svf_size_min((size_t)a->kernel->rows, a->group - g);
    score(a, kv, s, layer, head, first, position, (int)rows, q + g * kv->dim, &r);
    for (size_t i = 0; i < rows; ++i) {
      a->ops->softmax(r.scores + i * r.stride + first, position + 1 - first, a->scale);
    }
    gather(a, kv, s, layer, head, first, position, (int)rows, out + g * kv->dim, &r);
    g += rows;
  }
}
