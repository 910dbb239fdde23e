/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/attention_back.h"

#include <string.h>

#include "src/matmul/tile.h"

/* A text, as the products want it. Panels hold 16 lanes of each step, as svf/linear.h has them. */
typedef struct text {
  const svf_attention *a;
  const svf_attention_back_task *t;
  size_t lanes;           /* dim in whole panels */
  size_t positions;       /* count in whole panels */
  float *keys, *values;   /* [positions/16][dim][16]: lanes are positions */
  float *keys_by_element; /* [lanes/16][count][16]: lanes are elements */
  float *dk, *dv;         /* [strip][lanes/16][rows of the strip][16] sums */
  float *rest;            /* scratch of a strip */
} text;

/* A strip of queries: those of `heads` query heads, from head g on, at positions [from, to). Row r
 * is head r % heads at position from + r / heads. */
typedef struct strip {
  size_t g, heads, from, to, rows;
  float *q, *dout;             /* [rows][dim] */
  float *p, *ds;               /* [rows][positions] probabilities; gradients of scores */
  float *turned;               /* [rows of a strip of positions][rows] a piece of p or ds */
  float *q_panels, *do_panels; /* [lanes/16][rows][16] */
  float *lines, *sums;         /* A and C of a tile */
} strip;

static size_t whole(size_t n) { return svf_size_ceil(n, SVF_PANEL) * SVF_PANEL; }

static size_t strip_rows(const svf_attention *a) { return (size_t)a->kernel->rows; }

/* The most steps, or channels, of any product of a strip. */
static size_t widest(const svf_attention *a, size_t positions, size_t lanes)
{
  return svf_size_max(svf_size_max(positions, lanes), whole(strip_rows(a)));
}

/* Floats of what a strip needs. */
static size_t strip_floats(const svf_attention *a, size_t positions, size_t lanes)
{
  const size_t rows = strip_rows(a);
  return rows * (4 * lanes + 2 * positions + whole(rows) + 2 * widest(a, positions, lanes));
}

size_t svf_attention_back_scratch(const svf_attention *a, size_t count, size_t dim)
{
  const size_t positions = whole(count), lanes = whole(dim);
  return 5 * lanes * positions + strip_floats(a, positions, lanes);
}

/* --- Panels ----------------------------------------------------------------------------------- */

/* Panels whose lanes are rows of x: to[rows/16][dim][16]. */
static void panels_of_rows(const float *x, size_t stride, size_t rows, size_t dim, float *to)
{
  memset(to, 0, whole(rows) * dim * sizeof *to);
  for (size_t i = 0; i < rows; ++i) {
    float *lane = to + i / SVF_PANEL * dim * SVF_PANEL + i % SVF_PANEL;
    for (size_t e = 0; e < dim; ++e) lane[e * SVF_PANEL] = x[i * stride + e];
  }
}

/* Panels whose lanes are elements of the rows of x: to[dim/16][rows][16]. */
static void panels_of_elements(const float *x, size_t stride, size_t rows, size_t dim, float *to)
{
  for (size_t e = 0; e < dim; e += SVF_PANEL) {
    const size_t lanes = svf_size_min(dim - e, SVF_PANEL);
    for (size_t i = 0; i < rows; ++i, to += SVF_PANEL) {
      memset(to, 0, SVF_LINE);
      memcpy(to, x + i * stride + e, lanes * sizeof *to);
    }
  }
}

/* --- Products --------------------------------------------------------------------------------- */

/* y[rows][channels] = x[rows][k] times the first k steps of panels of `steps` steps. */
static void multiply(const svf_kernel *kernel, const strip *s, const float *x, size_t x_stride,
                     size_t k, const float *panels, size_t steps, size_t channels, float *y,
                     size_t y_stride)
{
  const svf_epilogue e = {.y = y, .y_stride = (ptrdiff_t)y_stride, .y_type = SVF_DTYPE_F32};
  svf_tile tile = {.a = s->lines,
                   .planes = 1,
                   .rows = (int)s->rows,
                   .b = panels,
                   .b_stride = steps * SVF_LINE,
                   .k = k,
                   .c = s->sums,
                   .epilogue = &e};
  kernel->pack_rows(x, SVF_DTYPE_F32, (ptrdiff_t)x_stride, (int)s->rows, k, 1, s->lines);
  svf_tiles_run(kernel, tile.rows, &tile, svf_size_ceil(channels, SVF_PANEL), channels, NULL, NULL);
}

/* Adds x^T times panels to the sums of all positions below `end`: x is [s->rows][positions], the
 * panels have s->rows steps. */
static void add_by_position(const text *w, const strip *s, const float *x, size_t end,
                            const float *panels, float *sums)
{
  const svf_kernel *kernel = w->a->kernel;
  const size_t most = strip_rows(w->a);
  for (size_t p = 0; p < end; p += most) {
    const size_t rows = svf_size_min(w->t->count - p, most);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t r = 0; r < s->rows; ++r) {
        s->turned[i * s->rows + r] = x[r * w->positions + p + i];
      }
    }
    svf_tile tile = {.a = s->lines,
                     .planes = 1,
                     .rows = (int)rows,
                     .b = panels,
                     .b_stride = s->rows * SVF_LINE,
                     .k = s->rows,
                     .c = sums + p * w->lanes,
                     .resume = true};
    kernel->pack_rows(s->turned, SVF_DTYPE_F32, (ptrdiff_t)s->rows, (int)rows, s->rows, 1,
                      s->lines);
    svf_tiles_run(kernel, tile.rows, &tile, w->lanes / SVF_PANEL, w->lanes, NULL, NULL);
  }
}

/* --- A strip ---------------------------------------------------------------------------------- */

static strip make_strip(const text *w, size_t g, size_t heads, size_t from, size_t to)
{
  const size_t dim = w->t->dim, most = strip_rows(w->a), lanes = w->lanes;
  const size_t wide = widest(w->a, w->positions, lanes);
  strip s = {.g = g, .heads = heads, .from = from, .to = to, .rows = (to - from) * heads};
  s.q = w->rest;
  s.dout = s.q + most * lanes;
  s.p = s.dout + most * lanes;
  s.ds = s.p + most * w->positions;
  s.turned = s.ds + most * w->positions;
  s.q_panels = s.turned + most * whole(most);
  s.do_panels = s.q_panels + most * lanes;
  s.lines = s.do_panels + most * lanes;
  s.sums = s.lines + most * wide;
  for (size_t i = from; i < to; ++i) {
    const size_t at = i * w->t->q_stride + g * dim, row = (i - from) * heads;
    memcpy(s.q + row * dim, w->t->q + at, heads * dim * sizeof *s.q);
    memcpy(s.dout + row * dim, w->t->dout + at, heads * dim * sizeof *s.dout);
  }
  panels_of_elements(s.q, dim, s.rows, dim, s.q_panels);
  panels_of_elements(s.dout, dim, s.rows, dim, s.do_panels);
  return s;
}

/* Makes p, and ds of it, of a row at a position; both are 0 where the row does not look. */
static void back_through_softmax(const text *w, const strip *s, size_t row)
{
  const svf_attention_back_task *t = w->t;
  const svf_ops_kernel *ops = w->a->ops;
  const size_t at = s->from + row / s->heads, end = at + 1;
  const size_t first = t->window > 0 && end > t->window ? end - t->window : 0;
  const float *out = t->out + at * t->q_stride + (s->g + row % s->heads) * t->dim;
  float *p = s->p + row * w->positions, *ds = s->ds + row * w->positions, max;
  ops->softmax(p + first, end - first, w->a->scale, &max);
  const float dot = ops->dot(out, s->dout + row * t->dim, t->dim);
  ops->softmax_back(p + first, end - first, w->a->scale, dot, ds + first);
  memset(p, 0, first * sizeof *p);
  memset(ds, 0, first * sizeof *ds);
  memset(p + end, 0, (w->positions - end) * sizeof *p);
  memset(ds + end, 0, (w->positions - end) * sizeof *ds);
}

static void back_strip(const text *w, size_t g, size_t heads, size_t from, size_t to)
{
  const svf_attention_back_task *t = w->t;
  const svf_kernel *kernel = w->a->kernel;
  const strip s = make_strip(w, g, heads, from, to);
  const size_t dim = t->dim;
  multiply(kernel, &s, s.q, dim, dim, w->keys, dim, to, s.p, w->positions);
  multiply(kernel, &s, s.dout, dim, dim, w->values, dim, to, s.ds, w->positions);
  for (size_t row = 0; row < s.rows; ++row) back_through_softmax(w, &s, row);
  add_by_position(w, &s, s.p, to, s.do_panels, w->dv);
  add_by_position(w, &s, s.ds, to, s.q_panels, w->dk);
  /* dq takes the place of q, which is no longer read. */
  multiply(kernel, &s, s.ds, w->positions, to, w->keys_by_element, t->count, dim, s.q, dim);
  for (size_t i = from; i < to; ++i) {
    memcpy(t->dq + i * t->q_stride + g * dim, s.q + (i - from) * heads * dim,
           heads * dim * sizeof *s.q);
  }
}

/* --- A text ----------------------------------------------------------------------------------- */

static text make_text(const svf_attention *a, const svf_attention_back_task *t, float *scratch)
{
  const size_t positions = whole(t->count), lanes = whole(t->dim);
  text w = {.a = a, .t = t, .lanes = lanes, .positions = positions, .keys = scratch};
  w.values = w.keys + positions * lanes;
  w.keys_by_element = w.values + positions * lanes;
  w.dk = w.keys_by_element + lanes * positions;
  w.dv = w.dk + lanes * positions;
  w.rest = w.dv + lanes * positions;
  panels_of_rows(t->k, t->kv_stride, t->count, t->dim, w.keys);
  panels_of_rows(t->v, t->kv_stride, t->count, t->dim, w.values);
  panels_of_elements(t->k, t->kv_stride, t->count, t->dim, w.keys_by_element);
  memset(w.dk, 0, 2 * lanes * positions * sizeof *w.dk);
  return w;
}

/* Writes the sums of all positions to rows. */
static void put_out(const text *w, const float *sums, float *to)
{
  const svf_attention_back_task *t = w->t;
  const size_t most = strip_rows(w->a);
  for (size_t p = 0; p < t->count; p += most) {
    const size_t rows = svf_size_min(t->count - p, most);
    for (size_t i = 0; i < rows; ++i) {
      for (size_t e = 0; e < t->dim; e += SVF_PANEL) {
        const float *line = sums + p * w->lanes + (e / SVF_PANEL * rows + i) * SVF_PANEL;
        memcpy(to + (p + i) * t->kv_stride + e, line,
               svf_size_min(t->dim - e, SVF_PANEL) * sizeof *to);
      }
    }
  }
}

void svf_attention_back(const svf_attention *a, const svf_attention_back_task *t, float *scratch)
{
  const text w = make_text(a, t, scratch);
  const size_t most = svf_attention_rows(a);
  for (size_t from = 0; from < t->count; from += most) {
    const size_t to = svf_size_min(from + most, t->count);
    for (size_t g = 0, heads; g < a->heads_per_kv; g += heads) {
      heads = svf_size_min(strip_rows(a), a->heads_per_kv - g);
      back_strip(&w, g, heads, from, to);
    }
  }
  put_out(&w, w.dk, t->dk);
  put_out(&w, w.dv, t->dv);
}
