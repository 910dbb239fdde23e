/* SPDX-License-Identifier: Apache-2.0
 *
 * Uniform: one scale per channel over all of the reduction, in T one per row; not a format of the
 * library, but computed here. Spectral scales: s8, w8 and w4, whose scales follow spans and groups
 * along r. Spectral bits: w84. Merged: W itself, in groups of 32 with an fp16 scale, on the grids
 * of q8_0 and q4_0. */
#include "bench/quant/ways.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "bench/memory.h"

static double relative(const double *want, const double *got, size_t count)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    const double d = got[i] - want[i];
    error += d * d;
    power += want[i] * want[i];
  }
  return power > 0 ? error / power : error;
}

/* expert - base, against what it is exactly. */
static double relative_delta(const quant_layer *l, double *const *y)
{
  const size_t count = l->rows * l->m;
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    const double want = l->y[1][i] - l->y[0][i], d = y[1][i] - y[0][i] - want;
    error += d * d;
    power += want * want;
  }
  return power > 0 ? error / power : error;
}

__attribute__((format(printf, 4, 5))) static quant_result begin(size_t bytes, size_t weights,
                                                                double planned, const char *name,
                                                                ...)
{
  quant_result r = {.bytes = bytes,
                    .bits = 8.0 * (double)bytes / (double)weights,
                    .planned = planned,
                    .run = NAN,
                    .run_delta = NAN};
  va_list list;
  va_start(list, name);
  vsnprintf(r.name, sizeof r.name, name, list);
  va_end(list);
  return r;
}

static void two(double **p, size_t count)
{
  for (int g = 0; g < GAINS; ++g) p[g] = bench_alloc(count * sizeof **p);
}

static void free_two(double **p)
{
  free(p[0]);
  free(p[1]);
}

/* The error of quantised weights; w[g] are the values that they stand for. */
static void measure_weights(const quant_layer *l, double *const *w, quant_result *r)
{
  double *y[GAINS];
  two(y, l->rows * l->m);
  for (int g = 0; g < GAINS; ++g) quant_product(l->m, l->n, l->rows, l->x, w[g], y[g]);
  r->frobenius = relative(l->w[0], w[0], l->m * l->n);
  r->y = relative(l->y[0], y[0], l->rows * l->m);
  r->y_delta = relative_delta(l, y);
  free_two(y);
}

static void measure_factors(const quant_layer *l, const float *u, const float *vt, quant_result *r)
{
  double *w[GAINS];
  two(w, l->m * l->n);
  for (int g = 0; g < GAINS; ++g) quant_dense(l->m, l->n, l->r, u, vt, l->gains[g], w[g]);
  measure_weights(l, w, r);
  free_two(w);
}

static size_t weights_of(const quant_layer *l) { return (l->m + l->n) * l->r; }

/* --- Grids ------------------------------------------------------------------------------------ */

/* Rounded to integers in [-most, most] with one scale, in place. */
static void uniform(float *w, size_t count, float most)
{
  float largest = 0;
  for (size_t i = 0; i < count; ++i) largest = fmaxf(largest, fabsf(w[i]));
  const float scale = largest / most;
  for (size_t i = 0; i < count && scale > 0; ++i) w[i] = rintf(w[i] / scale) * scale;
}

static void uniform_rows(float *w, size_t rows, size_t columns, float most)
{
  for (size_t i = 0; i < rows; ++i) uniform(w + i * columns, columns, most);
}

static float as_fp16(float x)
{
  uint16_t half;
  svf_f32_to_f16(&x, &half, 1);
  svf_f16_to_f32(&half, &x, 1);
  return x;
}

/* A group of W; int4 as -8..7 with the extreme weight at -8. */
static void merged_block(double *w, size_t count, int bits)
{
  double extreme = 0;
  for (size_t i = 0; i < count; ++i) {
    if (fabs(w[i]) > fabs(extreme)) extreme = w[i];
  }
  const double low = bits == 4 ? -8 : -127, high = bits == 4 ? 7 : 127;
  const double scale = (double)as_fp16((float)(bits == 4 ? extreme / -8 : fabs(extreme) / 127));
  for (size_t i = 0; i < count; ++i) {
    w[i] = scale != 0 ? fmin(fmax(rint(w[i] / scale), low), high) * scale : 0;
  }
}

/* --- Ways ------------------------------------------------------------------------------------- */

/* X, then T, as int8 with one scale per row. */
static void run_uniform(const quant_layer *l, const float *u, const float *vt, quant_result *r)
{
  double *y[GAINS], *t = bench_alloc(l->rows * l->r * sizeof *t);
  double *wide = bench_alloc(l->r * l->n * sizeof *wide),
         *wide_u = bench_alloc(l->m * l->r * sizeof *wide_u);
  float *x = bench_alloc(l->rows * l->n * sizeof *x),
        *narrow = bench_alloc(l->rows * l->r * sizeof *narrow);
  two(y, l->rows * l->m);
  memcpy(x, l->x, l->rows * l->n * sizeof *x);
  uniform_rows(x, l->rows, l->n, 127);
  for (size_t i = 0; i < l->r * l->n; ++i) wide[i] = (double)vt[i];
  for (size_t i = 0; i < l->m * l->r; ++i) wide_u[i] = (double)u[i];
  quant_product(l->r, l->n, l->rows, x, wide, t);
  for (int g = 0; g < GAINS; ++g) {
    for (size_t i = 0; i < l->rows * l->r; ++i) {
      narrow[i] = (float)(t[i] * (double)l->gains[g][i % l->r]);
    }
    uniform_rows(narrow, l->rows, l->r, 127);
    quant_product(l->m, l->r, l->rows, narrow, wide_u, y[g]);
  }
  r->run = relative(l->y[0], y[0], l->rows * l->m);
  r->run_delta = relative_delta(l, y);
  free_two(y);
  free(t);
  free(wide);
  free(wide_u);
  free(x);
  free(narrow);
}

static quant_result way_uniform(const quant_layer *l, int bits)
{
  const size_t bytes = weights_of(l) * (size_t)bits / 8 + (l->m + l->r) * sizeof(float);
  quant_result r = begin(bytes, weights_of(l), NAN, "int%d, a scale per channel", bits);
  float *u = bench_alloc(l->m * l->r * sizeof *u), *vt = bench_alloc(l->r * l->n * sizeof *vt);
  memcpy(u, l->u, l->m * l->r * sizeof *u);
  memcpy(vt, l->vt, l->r * l->n * sizeof *vt);
  uniform_rows(u, l->m, l->r, bits == 4 ? 7 : 127);
  uniform_rows(vt, l->r, l->n, bits == 4 ? 7 : 127);
  measure_factors(l, u, vt, &r);
  if (bits == 8) run_uniform(l, u, vt, &r);
  free(u);
  free(vt);
  return r;
}

static svf_linear_source source_of(const quant_layer *l, svf_format format, svf_quant quant)
{
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = l->m,
                             .n = l->n,
                             .r = l->r,
                             .format = format,
                             .u = l->u,
                             .u_stride = l->r,
                             .vt = l->vt,
                             .vt_stride = l->n,
                             .sigma = l->gains[0],
                             .quant = quant};
}

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "svf_quant: %s\n", svf_last_message());
  exit(1);
}

/* The library's own product, base and expert. */
static void run_kernel(const quant_layer *l, const void *block, quant_result *r)
{
  double *y[GAINS];
  float *out = bench_alloc(l->rows * l->m * sizeof *out);
  const float **rows = bench_alloc(l->rows * sizeof *rows);
  two(y, l->rows * l->m);
  for (int g = 0; g < GAINS; ++g) {
    for (size_t i = 0; i < l->rows; ++i) rows[i] = l->gains[g];
    const svf_matmul_args args = {.size = sizeof args,
                                  .linear = block,
                                  .rows = l->rows,
                                  .x = l->x,
                                  .x_stride = (ptrdiff_t)l->n,
                                  .gains = rows,
                                  .y = out,
                                  .y_stride = (ptrdiff_t)l->m};
    size_t bytes;
    must(svf_matmul_workspace(&args, 1, &bytes));
    void *workspace = bench_alloc(bytes);
    must(svf_matmul(&args, 1, workspace, bytes));
    free(workspace);
    for (size_t i = 0; i < l->rows * l->m; ++i) y[g][i] = (double)out[i];
  }
  r->run = relative(l->y[0], y[0], l->rows * l->m);
  r->run_delta = relative_delta(l, y);
  free_two(y);
  free(rows);
  free(out);
}

static svf_format_traits traits_of(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  must(svf_format_get_traits(format, &t));
  return t;
}

static quant_result way_format(const quant_layer *l, svf_format format, svf_quant quant,
                               double planned)
{
  size_t bytes;
  const svf_linear_source source = source_of(l, format, quant);
  must(svf_linear_bytes(&source, &bytes));
  void *block = bench_alloc(bytes);
  must(svf_linear_pack(&source, block, bytes));
  quant_result r = begin(bytes, weights_of(l), planned, "%s", svf_format_name(format));
  const size_t at = strlen(r.name);
  if (traits_of(format).bands) {
    snprintf(r.name + at, sizeof r.name - at, " group %zu, head %zu", quant.group, quant.head);
  } else if (quant.group) {
    snprintf(r.name + at, sizeof r.name - at, " group %zu", quant.group);
  }
  float *u = bench_alloc(l->m * l->r * sizeof *u), *vt = bench_alloc(l->r * l->n * sizeof *vt);
  must(svf_linear_unpack(block, bytes, u, l->r, vt, l->n));
  measure_factors(l, u, vt, &r);
  run_kernel(l, block, &r);
  free(u);
  free(vt);
  free(block);
  return r;
}

/* The best group for a budget, which is at least that of w4 in groups of 128. */
static quant_result way_spectral(const quant_layer *l, size_t budget)
{
  const svf_format_traits t = traits_of(SVF_FORMAT_W84);
  svf_quant best = {0};
  double least = HUGE_VAL;
  for (size_t i = 0; i < t.group_count; ++i) {
    const svf_linear_source source =
        source_of(l, SVF_FORMAT_W84, (svf_quant){.group = t.groups[i]});
    svf_quant quant;
    double error;
    if (svf_quant_plan(&source, budget, &quant, &error) != SVF_OK || error >= least) continue;
    least = error;
    best = quant;
  }
  return way_format(l, SVF_FORMAT_W84, best, least * least);
}

static quant_result way_merged(const quant_layer *l, int bits)
{
  enum { BLOCK = 32 };
  const size_t blocks = l->m * ((l->n + BLOCK - 1) / BLOCK);
  const size_t bytes = blocks * (size_t)(BLOCK * bits / 8 + 2);
  quant_result r = begin(bytes, l->m * l->n, NAN, "merged, q%d_0 grid", bits);
  double *w[GAINS];
  two(w, l->m * l->n);
  for (int g = 0; g < GAINS; ++g) {
    memcpy(w[g], l->w[g], l->m * l->n * sizeof *w[g]);
    for (size_t i = 0; i < l->m; ++i) {
      for (size_t j = 0; j < l->n; j += BLOCK) {
        merged_block(w[g] + i * l->n + j, l->n - j < BLOCK ? l->n - j : BLOCK, bits);
      }
    }
  }
  measure_weights(l, w, &r);
  free_two(w);
  return r;
}

/* Adds a result, unless it is one of those that are there. */
static size_t add(quant_result *results, size_t n, quant_result r)
{
  for (size_t i = 0; i < n; ++i) {
    if (strcmp(results[i].name, r.name) == 0) return n;
  }
  results[n] = r;
  return n + 1;
}

/* The formats of integers of `bits` bits that have one band, in every group. */
static size_t add_formats(const quant_layer *l, int bits, quant_result *results, size_t n)
{
  for (size_t f = 0; f < svf_format_count(); ++f) {
    const svf_format_traits t = traits_of(svf_format_at(f));
    if (!t.integer || t.bands || t.weight_bits != bits) continue;
    for (size_t i = 0; i < t.group_count && n < QUANT_WAYS_MAX; ++i) {
      const svf_quant quant = {.group = t.group_count > 1 ? t.groups[i] : 0};
      n = add(results, n, way_format(l, svf_format_at(f), quant, NAN));
    }
  }
  return n;
}

size_t quant_compare(const quant_layer *l, quant_result *results)
{
  static const double budgets[] = {5, 5.5, 6}; /* bits per weight */
  size_t n = add(results, 0, way_uniform(l, 8));
  n = add_formats(l, 8, results, n);
  n = add(results, n, way_uniform(l, 4));
  const size_t int4 = n; /* group 32: what the others are compared with */
  n = add_formats(l, 4, results, n);
  n = add(results, n, way_spectral(l, results[int4].bytes));
  for (size_t i = 0; i < sizeof budgets / sizeof *budgets; ++i) {
    n = add(results, n, way_spectral(l, (size_t)(budgets[i] / 8 * (double)weights_of(l))));
  }
  n = add(results, n, way_merged(l, 8));
  return add(results, n, way_merged(l, 4));
}
