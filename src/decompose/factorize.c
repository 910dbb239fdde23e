/* SPDX-License-Identifier: Apache-2.0
 *
 * The SVD of one matrix by LAPACK, without a transpose: W row-major is W^T column-major, whose left
 * singular vectors, column by column, are V^T row by row, and whose right ones are U row by row. */
#include <svf/factorize.h>

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/decompose/svd.h"

typedef struct matrix {
  const float *w;
  size_t m, n, stride;
} matrix;

static double square(double x) { return x * x; }

/* --- Arguments -----------------------------------------------------------------------------------
 */

static svf_status check(const matrix *w, size_t rank, const float *u, const float *sigma,
                        const float *vt)
{
  const size_t k = w->m < w->n ? w->m : w->n;
  size_t elements;
  if (!w->w) return svf_fail(SVF_ERR_NULL, "w is NULL");
  if (!u) return svf_fail(SVF_ERR_NULL, "u is NULL");
  if (!sigma) return svf_fail(SVF_ERR_NULL, "sigma is NULL");
  if (!vt) return svf_fail(SVF_ERR_NULL, "vt is NULL");
  if (w->m == 0) return svf_fail(SVF_ERR_ARGUMENT, "m is 0");
  if (w->n == 0) return svf_fail(SVF_ERR_ARGUMENT, "n is 0");
  if (w->stride < w->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "w_stride is %zu, less than n = %zu", w->stride, w->n);
  }
  if (rank == 0 || rank > k) {
    return svf_fail(SVF_ERR_ARGUMENT, "rank is %zu, not in 1..min(m, n) = %zu", rank, k);
  }
  /* LAPACK counts in int; 4*k*k + 7*k is its workspace for jobz = S. */
  if (!svf_size_mul(w->m, w->stride, &elements) ||
      !svf_size_mul(elements, sizeof(double), &elements) || w->m > INT_MAX || w->n > INT_MAX ||
      k > 23000) {
    return svf_fail(SVF_ERR_OVERFLOW,
                    "m = %zu, n = %zu, w_stride = %zu is more than LAPACK can index", w->m, w->n,
                    w->stride);
  }
  return SVF_OK;
}

/* --- Decomposition -------------------------------------------------------------------------------
 */

/* A dense copy of W, which the SVD destroys, and the square of its norm. NUMERIC on NaN or Inf. */
static svf_status copy_of(const matrix *w, float *dense, double *power)
{
  double sum = 0;
  for (size_t i = 0; i < w->m; ++i) {
    for (size_t j = 0; j < w->n; ++j) {
      const float x = w->w[i * w->stride + j];
      if (!isfinite(x)) {
        return svf_fail(SVF_ERR_NUMERIC, "w[%zu][%zu] is %g, which has no decomposition", i, j,
                        (double)x);
      }
      dense[i * w->n + j] = x;
      sum += square((double)x);
    }
  }
  *power = sum;
  return SVF_OK;
}

static svf_status decompose(const matrix *w, float *dense, const svf_svd_factors *f)
{
  const size_t k = f->k;
  const lapack_int m = (lapack_int)w->m, n = (lapack_int)w->n;
  float wanted = 0;
  /* The query's answer is an fp32 that may have been rounded down; the documented least is exact.
   */
  if (LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', n, m, dense, n, f->sigma, f->vt, n, f->u,
                          (lapack_int)k, &wanted, -1, NULL) != 0) {
    return svf_fail(SVF_ERR_NUMERIC, "LAPACK refused the workspace query");
  }
  const size_t least = 4 * k * k + 7 * k;
  size_t count = (size_t)((double)wanted * (1 + 1e-6)) + 1;
  if (count < least) count = least;
  if (count > INT_MAX) count = INT_MAX;
  float *work = malloc(count * sizeof *work);
  lapack_int *integers = malloc(8 * k * sizeof *integers);
  svf_status status = SVF_OK;
  if (!work || !integers) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for LAPACK's workspace of %zu floats", count);
  } else {
    const lapack_int info =
        LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', n, m, dense, n, f->sigma, f->vt, n, f->u,
                            (lapack_int)k, work, (lapack_int)count, integers);
    if (info != 0) {
      status = svf_fail(SVF_ERR_NUMERIC, "sgesdd did not converge (info = %d)", (int)info);
    }
  }
  free(work);
  free(integers);
  return status;
}

/* The element of largest magnitude in a column of U, the first of equals, becomes positive. By
 * rows, as U is stored. */
static svf_status fix_signs(const matrix *w, const svf_svd_factors *f)
{
  float *largest = calloc(f->k, sizeof *largest);
  if (!largest) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu signs", f->k);
  for (size_t i = 0; i < w->m; ++i) {
    const float *row = f->u + i * f->k;
    for (size_t k = 0; k < f->k; ++k) {
      if (fabsf(row[k]) > fabsf(largest[k])) largest[k] = row[k];
    }
  }
  for (size_t i = 0; i < w->m; ++i) {
    float *row = f->u + i * f->k;
    for (size_t k = 0; k < f->k; ++k) row[k] = largest[k] < 0 ? -row[k] : row[k];
  }
  for (size_t k = 0; k < f->k; ++k) {
    for (size_t j = 0; largest[k] < 0 && j < w->n; ++j) f->vt[k * w->n + j] = -f->vt[k * w->n + j];
  }
  free(largest);
  return SVF_OK;
}

/* --- Report, in double precision -----------------------------------------------------------------
 */

/* ||gram - I||_F / sqrt(rank) of the upper triangle that dsyrk filled. */
static double distance_from_identity(const double *gram, size_t rank)
{
  double sum = 0;
  for (size_t i = 0; i < rank; ++i) {
    sum += square(gram[i * rank + i] - 1);
    for (size_t j = i + 1; j < rank; ++j) sum += 2 * square(gram[i * rank + j]);
  }
  return sqrt(sum / (double)rank);
}

enum { REPORT_ROWS = 64 };

/* Rows of U at a time: their part of the Gram matrix, and of W - U diag(sigma) V^T. */
static double add_rows(const matrix *w, const float *u, const float *sigma, const double *vt,
                       size_t rank, size_t row, size_t rows, double *part, double *product,
                       double *gram)
{
  const int r = (int)rank, n = (int)w->n;
  for (size_t i = 0; i < rows * rank; ++i) part[i] = (double)u[row * rank + i];
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, r, (int)rows, 1, part, r, 1, gram, r);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < rank; ++k) part[i * rank + k] *= (double)sigma[k];
  }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, n, r, 1, part, r, vt, n, 0,
              product, n);
  double error = 0;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < w->n; ++j) {
      error += square((double)w->w[(row + i) * w->stride + j] - product[i * w->n + j]);
    }
  }
  return error;
}

static svf_status measure(const matrix *w, const float *u, const float *sigma, const float *vt,
                          size_t rank, double power, svf_factor_report *report)
{
  double *wide = malloc(rank * w->n * sizeof *wide);
  double *gram = calloc(rank * rank, sizeof *gram);
  double *part = malloc(REPORT_ROWS * rank * sizeof *part);
  double *product = malloc(REPORT_ROWS * w->n * sizeof *product);
  svf_status status = SVF_OK;
  if (!wide || !gram || !part || !product) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to measure the factors");
  } else {
    double error = 0;
    for (size_t i = 0; i < rank * w->n; ++i) wide[i] = (double)vt[i];
    for (size_t row = 0; row < w->m; row += REPORT_ROWS) {
      const size_t rows = w->m - row < REPORT_ROWS ? w->m - row : REPORT_ROWS;
      error += add_rows(w, u, sigma, wide, rank, row, rows, part, product, gram);
    }
    report->residual = power > 0 ? sqrt(error / power) : 0;
    report->orthogonality_u = distance_from_identity(gram, rank);
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)rank, (int)w->n, 1, wide, (int)w->n,
                0, gram, (int)rank);
    report->orthogonality_v = distance_from_identity(gram, rank);
  }
  free(wide);
  free(gram);
  free(part);
  free(product);
  return status;
}

/* --- Public --------------------------------------------------------------------------------------
 */

static double share_dropped(const svf_svd_factors *f, size_t rank, double power)
{
  double dropped = 0;
  for (size_t k = rank; k < f->k; ++k) dropped += square((double)f->sigma[k]);
  return power > 0 ? sqrt(dropped / power) : 0;
}

svf_status svf_svd(float *w, size_t m, size_t n, const svf_svd_factors *f)
{
  const matrix in = {w, m, n, n};
  double power;
  svf_status status = check(&in, f->k, f->u, f->sigma, f->vt);
  if (status == SVF_OK) status = copy_of(&in, w, &power);
  if (status == SVF_OK) status = decompose(&in, w, f);
  return status == SVF_OK ? fix_signs(&in, f) : status;
}

svf_status svf_factorize(const float *w, size_t m, size_t n, size_t w_stride, size_t rank, float *u,
                         float *sigma, float *vt, svf_factor_report *report)
{
  const matrix in = {w, m, n, w_stride};
  svf_status status = check(&in, rank, u, sigma, vt);
  if (status != SVF_OK) return status;

  const size_t k = m < n ? m : n;
  float *dense = malloc(m * n * sizeof *dense);
  svf_svd_factors f = {malloc(m * k * sizeof(float)), malloc(k * sizeof(float)),
                       malloc(k * n * sizeof(float)), k};
  double power = 0;
  if (!dense || !f.u || !f.sigma || !f.vt) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to decompose %zu x %zu", m, n);
  }
  if (status == SVF_OK) status = copy_of(&in, dense, &power);
  if (status == SVF_OK) status = decompose(&in, dense, &f);
  free(dense);
  if (status == SVF_OK) status = fix_signs(&in, &f);
  if (status == SVF_OK) {
    for (size_t i = 0; i < m; ++i) memcpy(u + i * rank, f.u + i * k, rank * sizeof *u);
    memcpy(sigma, f.sigma, rank * sizeof *sigma);
    memcpy(vt, f.vt, rank * n * sizeof *vt);
    if (report) {
      report->dropped = share_dropped(&f, rank, power);
      status = measure(&in, u, sigma, vt, rank, power, report);
    }
  }
  free(f.u);
  free(f.sigma);
  free(f.vt);
  return status;
}
