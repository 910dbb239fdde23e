/* SPDX-License-Identifier: Apache-2.0
 *
 * Residual and orthogonality of factors from a few random vectors. */
#include "src/convert/estimate.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/power.h"
#include "src/core/size.h"
#include "src/core/status.h"

enum {
  PROBES = 32,
  COLUMNS = 64 /* taken at a time: with 32 sums each they fill 16 KiB, which stay in L1 */
};

/* A matrix of floats, rows x k, contiguous. */
typedef struct matrix {
  const float *a;
  size_t rows, k;
} matrix;

/* --- Products, each sum in increasing order --------------------------------------------------- */

/* sums += a x */
static void add(double *restrict sums, double a, const double *restrict x)
{
  for (int p = 0; p < PROBES; ++p) sums[p] += a * x[p];
}

/* y = A x */
static void multiply_rows(const matrix *m, const double *x, double *y)
{
  for (size_t row = 0; row < m->rows; ++row) {
    double sums[PROBES] = {0};
    for (size_t j = 0; j < m->k; ++j) add(sums, (double)m->a[row * m->k + j], x + j * PROBES);
    memcpy(y + row * PROBES, sums, sizeof sums);
  }
}

/* y = A^T x, whose rows are columns of A. */
static void multiply_columns(const matrix *m, const double *x, double *y)
{
  for (size_t j = 0, count; j < m->k; j += count) {
    count = svf_size_min(COLUMNS, m->k - j);
    memset(y + j * PROBES, 0, count * PROBES * sizeof *y);
    for (size_t row = 0; row < m->rows; ++row) {
      const float *a = m->a + row * m->k + j;
      for (size_t c = 0; c < count; ++c) add(y + (j + c) * PROBES, (double)a[c], x + row * PROBES);
    }
  }
}

/* y = A x [rows][PROBES] of x [k][PROBES], or y = A^T x [k][PROBES] of x [rows][PROBES]. */
static void multiply(const matrix *m, bool transposed, const double *x, double *y)
{
  (transposed ? multiply_columns : multiply_rows)(m, x, y);
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
                            double *back)
{
  const size_t count = of_rows ? q->rows : q->k;
  multiply(q, of_rows, x, middle);
  multiply(q, !of_rows, middle, back);
  return distance(back, x, count * PROBES) / sqrt((double)count);
}

/* Four vectors for each probe. */
size_t svf_estimate_bytes(size_t m, size_t n)
{
  return 4 * svf_size_max(m, n) * PROBES * sizeof(double);
}

svf_status svf_estimate(const float *w, size_t m, size_t n, const svf_factors *f,
                        svf_svd_report *report)
{
  const size_t rank = f->rank, doubles = svf_size_max(m, n) * PROBES;
  const matrix a = {w, m, n}, u = {f->u, m, rank}, vt = {f->vt, rank, n};
  double *x = malloc(svf_estimate_bytes(m, n));
  if (!x) return svf_fail(SVF_ERR_MEMORY, "no memory to measure the factors");
  double *t = x + doubles, *y = t + doubles, *z = y + doubles;
  const double norm = sqrt(svf_power(w, m, n, n));
  random_signs(x, doubles);
  multiply(&vt, false, x, t);
  for (size_t i = 0; i < rank * PROBES; ++i) t[i] *= (double)f->sigma[i / PROBES];
  multiply(&u, false, t, y);
  multiply(&a, false, x, z);
  *report = (svf_svd_report){
      .size = sizeof *report,
      .residual = norm > 0 ? distance(y, z, m * PROBES) / norm : 0,
      .dropped = norm > 0 ? sqrt(svf_power(f->sigma + rank, 1, f->k - rank, 0)) / norm : 0,
  };
  report->orthogonality_u = orthogonality(&u, false, x, y, z);
  report->orthogonality_v = orthogonality(&vt, true, x, y, z);
  free(x);
  return SVF_OK;
}
