/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoder in double precision, straight from its definition, with the weights that a model in
 * memory has packed. */
#ifndef SVF_TESTS_DECODER_H
#define SVF_TESTS_DECODER_H

#include <math.h>
#include <string.h>

#include "tests/transformer/made.h"

enum { DECODER_WIDEST = 128, DECODER_POSITIONS = 96 };

/* The weights of a linear layer as they are stored: u [m][r] or W [m][n], vt [r][n]. */
typedef struct decoder_linear {
  float *u, *vt;
} decoder_linear;

typedef struct decoder {
  const svf_model *model;
  decoder_linear *linears;
  double keys[DECODER_POSITIONS][DECODER_WIDEST], values[DECODER_POSITIONS][DECODER_WIDEST];
} decoder;

static inline decoder *decoder_open(const svf_model *model)
{
  decoder *d = calloc(1, sizeof *d);
  ck_assert_ptr_nonnull(d);
  d->model = model;
  d->linears = calloc(model->linear_count, sizeof *d->linears);
  for (size_t i = 0; i < model->linear_count; ++i) {
    const svf_model_linear *l = &model->linears[i];
    const size_t k = l->r ? l->r : l->n;
    d->linears[i].u = malloc(l->m * k * sizeof(float));
    d->linears[i].vt = malloc(k * l->n * sizeof(float));
    ck_works(svf_linear_unpack(l->block, l->bytes, d->linears[i].u, k,
                               l->r ? d->linears[i].vt : NULL, l->r ? l->n : 0));
  }
  return d;
}

static inline void decoder_close(decoder *d)
{
  for (size_t i = 0; i < d->model->linear_count; ++i) {
    free(d->linears[i].u);
    free(d->linears[i].vt);
  }
  free(d->linears);
  free(d);
}

/* gains: of the whole model, or NULL. */
static inline void decoder_linear_run(const decoder *d, size_t i, const double *gains,
                                      const double *x, double *y)
{
  const svf_model_linear *l = &d->model->linears[i];
  const decoder_linear *w = &d->linears[i];
  const float *sigma = l->r ? svf_linear_sigma(l->block) : NULL;
  double t[DECODER_WIDEST];
  for (size_t k = 0; k < l->r; ++k) {
    double sum = 0;
    for (size_t j = 0; j < l->n; ++j) sum += (double)w->vt[k * l->n + j] * x[j];
    t[k] = sum * (gains ? gains[l->gains + k] : (double)sigma[k]);
  }
  const size_t width = l->r ? l->r : l->n;
  for (size_t row = 0; row < l->m; ++row) {
    double sum = l->bias ? (double)l->bias[row] : 0;
    for (size_t k = 0; k < width; ++k) sum += (double)w->u[row * width + k] * (l->r ? t[k] : x[k]);
    y[row] = sum;
  }
}

static inline void decoder_norm(const decoder *d, const float *weight, const double *x, double *y)
{
  const size_t n = d->model->config.hidden;
  double squares = 0;
  for (size_t i = 0; i < n; ++i) squares += x[i] * x[i];
  const double scale = 1 / sqrt(squares / (double)n + (double)d->model->config.norm_eps);
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * scale * (double)weight[i];
}

static inline void decoder_rotate(const decoder *d, double *x, size_t heads, size_t position)
{
  const size_t half = d->model->config.head_dim / 2;
  for (size_t h = 0; h < heads; ++h, x += 2 * half) {
    for (size_t i = 0; i < half; ++i) {
      const double angle =
          (double)position * pow((double)d->model->config.rope_theta, -(double)i / (double)half);
      const double a = x[i], b = x[i + half];
      x[i] = a * cos(angle) - b * sin(angle);
      x[i + half] = b * cos(angle) + a * sin(angle);
    }
  }
}

/* Of one position, whose key and value are stored. */
static inline void decoder_attend(const decoder *d, size_t layer, size_t position, const double *q,
                                  double *out)
{
  const svf_config *c = &d->model->config;
  const bool windowed = c->window > 0 && layer >= c->window_from_layer;
  const size_t first = windowed && position + 1 > c->window ? position + 1 - c->window : 0;
  for (size_t h = 0; h < c->heads; ++h) {
    const size_t kv = h / (c->heads / c->kv_heads) * c->head_dim;
    double p[DECODER_POSITIONS], sum = 0;
    memset(out + h * c->head_dim, 0, c->head_dim * sizeof *out);
    for (size_t i = first; i <= position; ++i) {
      double dot = 0;
      for (size_t e = 0; e < c->head_dim; ++e) dot += q[h * c->head_dim + e] * d->keys[i][kv + e];
      p[i] = exp(dot / sqrt((double)c->head_dim));
      sum += p[i];
    }
    for (size_t i = first; i <= position; ++i) {
      for (size_t e = 0; e < c->head_dim; ++e) {
        out[h * c->head_dim + e] += p[i] / sum * d->values[i][kv + e];
      }
    }
  }
}

/* One layer of all positions: x [count][hidden]. */
static inline void decoder_layer(decoder *d, size_t layer, const double *gains, double *x,
                                 size_t count)
{
  const svf_config *c = &d->model->config;
  const size_t first = layer * SVF_LAYER_LINEARS;
  double h[DECODER_WIDEST], q[DECODER_WIDEST], out[DECODER_WIDEST], add[DECODER_WIDEST];
  for (size_t i = 0; i < count; ++i) {
    double *row = x + i * c->hidden, up[DECODER_WIDEST];
    decoder_norm(d, svf_model_norm(d->model, layer, false), row, h);
    decoder_linear_run(d, first + SVF_Q, gains, h, q);
    decoder_linear_run(d, first + SVF_K, gains, h, d->keys[i]);
    decoder_linear_run(d, first + SVF_V, gains, h, d->values[i]);
    decoder_rotate(d, q, c->heads, i);
    decoder_rotate(d, d->keys[i], c->kv_heads, i);
    decoder_attend(d, layer, i, q, out);
    decoder_linear_run(d, first + SVF_O, gains, out, add);
    for (size_t e = 0; e < c->hidden; ++e) row[e] += add[e];
    decoder_norm(d, svf_model_norm(d->model, layer, true), row, h);
    decoder_linear_run(d, first + SVF_GATE, gains, h, q);
    decoder_linear_run(d, first + SVF_UP, gains, h, up);
    for (size_t e = 0; e < c->intermediate; ++e) q[e] = q[e] / (1 + exp(-q[e])) * up[e];
    decoder_linear_run(d, first + SVF_DOWN, gains, q, add);
    for (size_t e = 0; e < c->hidden; ++e) row[e] += add[e];
  }
}

/* log p(tokens[i + 1] | tokens[0..i]) at a temperature, for every i < count. */
static inline void decoder_run(decoder *d, const double *gains, const int32_t *tokens, size_t count,
                               double temperature, double *log_probability)
{
  const svf_config *c = &d->model->config;
  double *x = malloc(count * c->hidden * sizeof *x), h[DECODER_WIDEST], logits[DECODER_WIDEST];
  for (size_t i = 0; i < count * c->hidden; ++i) {
    const float *table = d->model->embedding->data;
    x[i] = (double)table[(size_t)tokens[i / c->hidden] * c->hidden + i % c->hidden];
  }
  for (size_t layer = 0; layer < c->layers; ++layer) decoder_layer(d, layer, gains, x, count);
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    decoder_norm(d, svf_model_norm(d->model, c->layers, false), x + i * c->hidden, h);
    decoder_linear_run(d, c->layers * SVF_LAYER_LINEARS, gains, h, logits);
    for (size_t t = 0; t < c->vocab; ++t) sum += exp(logits[t] / temperature);
    log_probability[i] = logits[tokens[i + 1]] / temperature - log(sum);
  }
  free(x);
}

#endif
