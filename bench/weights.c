/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bench/weights.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/safetensors.h>
#include <svf/svd.h>

#include "bench/memory.h"

static bool failed(const char *path, const char *what)
{
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, what);
  return false;
}

/* The tensor as fp32 [m][n]. */
static bool read_matrix(weights *out, const char *path, const char *name)
{
  svf_safetensors *file;
  if (svf_safetensors_open(path, 0, &file) != SVF_OK) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, svf_last_message());
    return false;
  }
  bool ok = false;
  const svf_tensor *t = svf_safetensors_find(file, name);
  if (!t) {
    fprintf(stderr, "%s: %s has no tensor %s among its %zu\n", program_invocation_short_name, path,
            name, svf_safetensors_count(file));
  } else if (t->ndim != 2 || t->elements == 0) {
    fprintf(stderr, "%s: %s: tensor %s has %d dimensions and %zu elements, not a matrix\n",
            program_invocation_short_name, path, name, t->ndim, t->elements);
  } else {
    out->layer.m = t->shape[0];
    out->layer.n = t->shape[1];
    out->w = bench_alloc(t->elements * sizeof *out->w);
    ok = svf_tensor_to_f32(t, out->w, t->elements) == SVF_OK || failed(path, svf_last_message());
  }
  svf_safetensors_close(file);
  return ok;
}

static bool load(weights *out, const char *path, const char *name, size_t rank)
{
  layer *l = &out->layer;
  if (!read_matrix(out, path, name)) return false;
  const size_t full = l->m < l->n ? l->m : l->n;
  if (rank > full) {
    fprintf(stderr, "%s: --rank=%zu exceeds min(m, n) = %zu of %s\n", program_invocation_short_name,
            rank, full, name);
    return false;
  }
  l->r = rank ? rank : full;
  l->u = out->u = bench_alloc(l->m * l->r * sizeof *out->u);
  l->vt = out->vt = bench_alloc(l->r * l->n * sizeof *out->vt);
  l->sigma = out->sigma = bench_alloc(l->r * sizeof *out->sigma);
  svf_svd_report report = {.size = sizeof report};
  const svf_svd_args args = {.size = sizeof args,
                             .m = l->m,
                             .n = l->n,
                             .w = out->w,
                             .w_stride = l->n,
                             .rank = l->r,
                             .u = out->u,
                             .sigma = out->sigma,
                             .vt = out->vt,
                             .report = &report};
  fprintf(stderr, "factorising %s, %zu x %zu, rank %zu ...\n", name, l->m, l->n, l->r);
  if (svf_svd(&args) != SVF_OK) return failed(path, svf_last_message());
  fprintf(stderr, "residual %.2e (%.2e by rank), orthogonality of U %.2e, V %.2e\n",
          report.residual, report.dropped, report.orthogonality_u, report.orthogonality_v);
  return true;
}

bool weights_load(weights *out, const char *path, const char *name, size_t rank)
{
  *out = (weights){0};
  const bool ok = load(out, path, name, rank);
  if (!ok) weights_free(out);
  return ok;
}

void weights_free(weights *w)
{
  free(w->u);
  free(w->vt);
  free(w->sigma);
  free(w->w);
  *w = (weights){0};
}

/* --- Accuracy --------------------------------------------------------------------------------- */

static double *dense_product(const weights *w, const float *x, size_t rows)
{
  const size_t m = w->layer.m, n = w->layer.n;
  double *y = bench_alloc(rows * m * sizeof *y);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t c = 0; c < m; ++c) {
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += (double)x[i * n + k] * (double)w->w[c * n + k];
      y[i * m + c] = sum;
    }
  }
  return y;
}

static void print_error(FILE *to, svf_format format, svf_isa isa, const double *want,
                        const float *got, size_t count)
{
  double error = 0, power = 0, worst = 0;
  for (size_t i = 0; i < count; ++i) {
    const double d = fabs((double)got[i] - want[i]);
    error += d * d;
    power += want[i] * want[i];
    if (d > worst) worst = d;
  }
  const double rms = sqrt(power / (double)count);
  fprintf(to, "%-10s %-7s %12.3e %18.3e\n", svf_format_name(format), svf_isa_name(isa),
          power > 0 ? error / power : error, rms > 0 ? worst / rms : worst);
}

/* A packed copy of the factors; its owner frees it. */
static void *pack(const layer *l, svf_format format)
{
  size_t bytes;
  const svf_linear_source source = {.size = sizeof source,
                                    .m = l->m,
                                    .n = l->n,
                                    .r = l->r,
                                    .format = format,
                                    .u = l->u,
                                    .u_stride = l->r,
                                    .vt = l->vt,
                                    .vt_stride = l->n,
                                    .sigma = l->sigma};
  if (svf_linear_bytes(&source, &bytes) != SVF_OK) return NULL;
  void *block = bench_alloc(bytes);
  if (svf_linear_pack(&source, block, bytes) == SVF_OK) return block;
  free(block);
  return NULL;
}

/* One format on one instruction set, if that has a kernel for it. */
static void measure_accuracy(const layer *l, svf_format format, svf_isa isa, const float *x,
                             size_t rows, const double *want, FILE *to)
{
  size_t bytes;
  if (svf_isa_serving(isa, format) != isa) return;
  float *y = bench_alloc(rows * l->m * sizeof *y);
  void *block = pack(l, format), *workspace = NULL;
  const svf_matmul_args args = {.size = sizeof args,
                                .linear = block,
                                .rows = rows,
                                .x = x,
                                .x_stride = (ptrdiff_t)l->n,
                                .y = y,
                                .y_stride = (ptrdiff_t)l->m,
                                .isa = isa};
  svf_status status = svf_matmul_workspace(&args, 1, &bytes);
  if (status == SVF_OK) {
    workspace = bench_alloc(bytes);
    status = svf_matmul(&args, 1, workspace, bytes);
  }
  if (status == SVF_OK) {
    print_error(to, format, isa, want, y, rows * l->m);
  } else {
    fprintf(to, "%-10s %-7s %s\n", svf_format_name(format), svf_isa_name(isa), svf_last_message());
  }
  free(workspace);
  free(block);
  free(y);
}

void weights_accuracy(const weights *w, size_t rows, FILE *to)
{
  const layer *l = &w->layer;
  float *x = bench_random(rows * l->n, 6);
  double *want = dense_product(w, x, rows);
  fprintf(to, "%zu rows of X W^T, %zu x %zu at rank %zu, against double precision\n", rows, l->m,
          l->n, l->r);
  fprintf(to, "%-10s %-7s %12s %18s\n", "format", "isa", "NMSE", "largest error/rms");
  for (size_t f = 0; f < svf_format_count(); ++f) {
    for (size_t i = 0; i < svf_isa_count(); ++i) {
      measure_accuracy(l, svf_format_at(f), svf_isa_at(i), x, rows, want, to);
    }
  }
  fputc('\n', to);
  free(want);
  free(x);
}
