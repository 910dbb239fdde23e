/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/quant/layer.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/svd.h>

#include "bench/memory.h"
#include "bench/weights.h"

static double next_uniform(uint64_t *state)
{
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(*state >> 11) / 9007199254740992.0;
}

/* Sum of twelve uniforms: close enough to Gaussian. */
static double next_normal(uint64_t *state)
{
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += next_uniform(state);
  return sum;
}

static double flat(size_t k) { return k < SIZE_MAX ? 1.0 : 0.0; }
static double power_law(size_t k) { return pow((double)(k + 1), -0.7); }
/* Three directions that dominate, as in many trained layers, before a tail. */
static double outliers(size_t k) { return k < 3 ? 50.0 : 1.0 / sqrt((double)(k + 1)); }

static const struct {
  const char *name;
  double (*sigma)(size_t k);
  double outlier; /* how much larger one activation channel in 128 is */
} spectra[] = {{"flat", flat, 1}, {"power law", power_law, 1}, {"outliers", outliers, 30}};

enum { OUTLIER_EVERY = 128 };

int quant_spectra(void) { return (int)(sizeof spectra / sizeof *spectra); }

/* Memory for everything except the factors. */
static void allocate(quant_layer *l)
{
  for (int g = 0; g < GAINS; ++g) {
    if (!l->gains[g]) l->gains[g] = bench_alloc(l->r * sizeof(float));
    l->w[g] = bench_alloc(l->m * l->n * sizeof(double));
  }
}

bool quant_layer_random(quant_layer *l, size_t m, size_t n, size_t r)
{
  *l = (quant_layer){.m = m, .n = n, .r = r};
  uint64_t state = 1;
  float *w = bench_alloc(m * n * sizeof *w), *sigma = bench_alloc(r * sizeof *sigma);
  l->u = bench_alloc(m * r * sizeof *l->u);
  l->vt = bench_alloc(r * n * sizeof *l->vt);
  for (size_t i = 0; i < m * n; ++i) w[i] = (float)next_normal(&state);
  const svf_status status = svf_svd(&(svf_svd_args){.size = sizeof(svf_svd_args),
                                                    .m = m,
                                                    .n = n,
                                                    .w = w,
                                                    .w_stride = n,
                                                    .rank = r,
                                                    .u = l->u,
                                                    .sigma = sigma,
                                                    .vt = l->vt});
  free(w);
  free(sigma);
  if (status != SVF_OK) {
    fprintf(stderr, "svf_quant: %s\n", svf_last_message());
    return false;
  }
  allocate(l);
  return true;
}

bool quant_layer_load(quant_layer *l, const char *path, const char *tensor, size_t rank)
{
  weights real;
  *l = (quant_layer){0};
  if (!weights_load(&real, path, tensor, rank)) return false;
  *l = (quant_layer){.spectrum = tensor,
                     .m = real.layer.m,
                     .n = real.layer.n,
                     .r = real.layer.r,
                     .u = real.u,
                     .vt = real.vt,
                     .gains = {real.sigma}};
  free(real.w);
  allocate(l);
  return true;
}

void quant_dense(size_t m, size_t n, size_t r, const float *u, const float *vt, const float *gains,
                 double *w)
{
  double *scaled = bench_alloc(m * r * sizeof *scaled), *v = bench_alloc(r * n * sizeof *v);
  for (size_t i = 0; i < m; ++i) {
    for (size_t k = 0; k < r; ++k) scaled[i * r + k] = (double)u[i * r + k] * (double)gains[k];
  }
  for (size_t i = 0; i < r * n; ++i) v[i] = (double)vt[i];
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)r, 1, scaled, (int)r,
              v, (int)n, 0, w, (int)n);
  free(scaled);
  free(v);
}

void quant_product(size_t m, size_t n, size_t rows, const float *x, const double *w, double *y)
{
  double *wide = bench_alloc(rows * n * sizeof *wide);
  for (size_t i = 0; i < rows * n; ++i) wide[i] = (double)x[i];
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)m, (int)n, 1, wide, (int)n,
              w, (int)n, 0, y, (int)m);
  free(wide);
}

void quant_layer_fill(quant_layer *l, int spectrum, size_t rows)
{
  uint64_t state = 2;
  double outlier = 1;
  if (spectrum != QUANT_OWN) {
    l->spectrum = spectra[spectrum].name;
    outlier = spectra[spectrum].outlier;
    for (size_t k = 0; k < l->r; ++k) l->gains[0][k] = (float)spectra[spectrum].sigma(k);
  }
  for (size_t k = 0; k < l->r; ++k) {
    l->gains[1][k] = l->gains[0][k] * (float)(1 + 0.05 * next_normal(&state));
  }
  free(l->x);
  l->rows = rows;
  l->x = bench_alloc(rows * l->n * sizeof *l->x);
  for (size_t i = 0; i < rows * l->n; ++i) {
    const double scale = i % l->n % OUTLIER_EVERY == 0 ? outlier : 1;
    l->x[i] = (float)(scale * next_normal(&state));
  }
  for (int g = 0; g < GAINS; ++g) {
    free(l->y[g]);
    l->y[g] = bench_alloc(rows * l->m * sizeof(double));
    quant_dense(l->m, l->n, l->r, l->u, l->vt, l->gains[g], l->w[g]);
    quant_product(l->m, l->n, rows, l->x, l->w[g], l->y[g]);
  }
}

void quant_layer_free(quant_layer *l)
{
  for (int g = 0; g < GAINS; ++g) {
    free(l->gains[g]);
    free(l->w[g]);
    free(l->y[g]);
  }
  free(l->u);
  free(l->vt);
  free(l->x);
  *l = (quant_layer){0};
}
