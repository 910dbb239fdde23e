/* SPDX-License-Identifier: Apache-2.0
 *
 * Residual and orthogonality of factors from a few random vectors. */
#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/svd/svd.h"

enum { PROBES = 32, ROWS = 64 };

/* A matrix of floats, rows x k, contiguous. */
typedef struct matrix {
  const float *a;
  size_t rows, k;
} matrix;

/* Rows of a matrix in double precision at a time. */
static void widen(const matrix *m, size_t row, size_t rows, double *out)
{
  for (size_t i = 0; i < rows * m->k; ++i) out[i] = (double)m->a[row * m->k + i];
}

/* y = A x, or y = A^T x if transposed; x and y have PROBES columns. room: [ROWS][k]. */
static void multiply(const matrix *m, bool transposed, const double *x, double *y, double *room)
{
  const int k = (int)m->k;
  for (size_t row = 0, rows; row < m->rows; row += rows) {
    rows = svf_size_min(ROWS, m->rows - row);
    widen(m, row, rows, room);
    if (transposed) {
      cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, PROBES, (int)rows, 1, room, k,
                  x + row * PROBES, PROBES, row > 0, y, PROBES);
    } else {
      cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, PROBES, k, 1, room, k, x,
                  PROBES, 0, y + row * PROBES, PROBES);
    }
  }
}

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
  for (size_t i = 0; i < count; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return sqrt(sum / PROBES);
}

/* |Q Q^T - I|_F / sqrt(rows) of the rows of Q, or of its columns. */
static double orthogonality(const matrix *q, bool of_rows, const double *x, double *middle,
                            double *back, double *room)
{
  const size_t count = of_rows ? q->rows : q->k;
  multiply(q, of_rows, x, middle, room);
  multiply(q, !of_rows, middle, back, room);
  return distance(back, x, count * PROBES) / sqrt((double)count);
}

static double power(const float *x, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += (double)x[i] * (double)x[i];
  return sum;
}

svf_status svf_svd_measure(const float *w, size_t m, size_t n, const svf_svd_factors *f,
                           size_t rank, svf_factor_report *report)
{
  const matrix a = {w, m, n}, u = {f->u, m, rank}, vt = {f->vt, rank, n};
  const size_t most = m > n ? m : n, block = most * PROBES;
  double *x = malloc(4 * block * sizeof *x), *room = malloc(ROWS * most * sizeof *room);
  svf_status status = SVF_OK;
  if (!x || !room) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to measure the factors");
  } else {
    double *t = x + block, *y = t + block, *z = y + block;
    const double norm = sqrt(power(w, m * n));
    random_signs(x, block);
    multiply(&vt, false, x, t, room);
    for (size_t i = 0; i < rank * PROBES; ++i) t[i] *= (double)f->sigma[i / PROBES];
    multiply(&u, false, t, y, room);
    multiply(&a, false, x, z, room);
    report->residual = norm > 0 ? distance(y, z, m * PROBES) / norm : 0;
    report->dropped = norm > 0 ? sqrt(power(f->sigma + rank, f->k - rank)) / norm : 0;
    report->orthogonality_u = orthogonality(&u, false, x, y, z, room);
    report->orthogonality_v = orthogonality(&vt, true, x, y, z, room);
  }
  free(x);
  free(room);
  return status;
}
