/* SPDX-License-Identifier: Apache-2.0
 *
 * Residual and orthogonality of factors from a few random vectors. */
#include "src/convert/estimate.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/openmp.h"
#include "src/core/power.h"
#include "src/core/size.h"
#include "src/core/status.h"

enum {
  PROBES = 32,
  COLUMNS = 64,   /* taken at a time: with 32 sums each they fill 16 KiB, which stay in L1 */
  LARGE = 1 << 20 /* elements from which a matrix is worth several threads */
};

/* A matrix of floats, rows x k, contiguous. */
typedef struct matrix {
  const float *a;
  size_t rows, k;
} matrix;

/* --- Products, each sum in increasing order --------------------------------------------------- */

typedef struct product {
  const matrix *m;
  const double *x; /* [k][PROBES], or [rows][PROBES] for the transposed product */
  double *y;       /* [rows][PROBES], or [k][PROBES] for the transposed product */
} product;

/* sums += a x */
static void add(double *restrict sums, double a, const double *restrict x)
{
  for (int p = 0; p < PROBES; ++p) sums[p] += a * x[p];
}

/* A share of the rows of y = A x. */
static void multiply_rows(void *context, size_t ith, size_t nth)
{
  const product *t = context;
  const size_t k = t->m->k, end = svf_share(t->m->rows, nth, ith + 1);
  for (size_t row = svf_share(t->m->rows, nth, ith); row < end; ++row) {
    double sums[PROBES] = {0};
    for (size_t j = 0; j < k; ++j) add(sums, (double)t->m->a[row * k + j], t->x + j * PROBES);
    memcpy(t->y + row * PROBES, sums, sizeof sums);
  }
}

/* A share of the rows of y = A^T x, which are columns of A. */
static void multiply_columns(void *context, size_t ith, size_t nth)
{
  const product *t = context;
  const size_t k = t->m->k, end = svf_share(k, nth, ith + 1);
  for (size_t j = svf_share(k, nth, ith), count; j < end; j += count) {
    count = svf_size_min(COLUMNS, end - j);
    memset(t->y + j * PROBES, 0, count * PROBES * sizeof *t->y);
    for (size_t row = 0; row < t->m->rows; ++row) {
      const float *a = t->m->a + row * k + j;
      for (size_t c = 0; c < count; ++c) {
        add(t->y + (j + c) * PROBES, (double)a[c], t->x + row * PROBES);
      }
    }
  }
}

/* y = A x, or y = A^T x if transposed. A small product takes less time than waking threads, which
 * would then spin beside those of the SVD. */
static void multiply(const matrix *m, bool transposed, const double *x, double *y, size_t threads)
{
  product task = {m, x, y};
  if (m->rows * m->k < LARGE) threads = 1;
  svf_openmp_team(threads, transposed ? multiply_columns : multiply_rows, &task);
}

/* --- Estimates -------------------------------------------------------------------------------- */

static void random_signs(double *x, size_t count)
{
  uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
  for (size_t i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    x[i] = state >> 63 ? 1 : -1;
  }
}

static double distance(const double *x, const double *y, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += svf_square(x[i] - y[i]);
  return sqrt(sum / PROBES);
}

/* |Q Q^T - I|_F / sqrt(rows) of the rows of Q, or of its columns. */
static double orthogonality(const matrix *q, bool of_rows, const double *x, double *middle,
                            double *back, size_t threads)
{
  const size_t count = of_rows ? q->rows : q->k;
  multiply(q, of_rows, x, middle, threads);
  multiply(q, !of_rows, middle, back, threads);
  return distance(back, x, count * PROBES) / sqrt((double)count);
}

svf_status svf_estimate(const float *w, size_t m, size_t n, const svf_factors *f, size_t threads,
                        svf_svd_report *report)
{
  const size_t rank = f->rank, floats = svf_size_max(m, n) * PROBES;
  const matrix a = {w, m, n}, u = {f->u, m, rank}, vt = {f->vt, rank, n};
  double *x = malloc(4 * floats * sizeof *x);
  if (!x) return svf_fail(SVF_ERR_MEMORY, "no memory to measure the factors");
  double *t = x + floats, *y = t + floats, *z = y + floats;
  const double norm = sqrt(svf_power(w, m, n, n));
  random_signs(x, floats);
  multiply(&vt, false, x, t, threads);
  for (size_t i = 0; i < rank * PROBES; ++i) t[i] *= (double)f->sigma[i / PROBES];
  multiply(&u, false, t, y, threads);
  multiply(&a, false, x, z, threads);
  *report = (svf_svd_report){
      .size = sizeof *report,
      .residual = norm > 0 ? distance(y, z, m * PROBES) / norm : 0,
      .dropped = norm > 0 ? sqrt(svf_power(f->sigma + rank, 1, f->k - rank, 0)) / norm : 0,
  };
  report->orthogonality_u = orthogonality(&u, false, x, y, z, threads);
  report->orthogonality_v = orthogonality(&vt, true, x, y, z, threads);
  free(x);
  return SVF_OK;
}
