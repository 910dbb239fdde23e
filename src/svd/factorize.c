/* SPDX-License-Identifier: Apache-2.0
 *
 * The decomposition of one matrix of the caller's, and how good it is. */
#include <svf/factorize.h>

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/svd/svd.h"

typedef struct matrix {
  const float *w;
  size_t m, n, stride;
} matrix;

static double square(double x) { return x * x; }

/* --- Arguments -------------------------------------------------------------------------------- */

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
  if (!svf_size_mul(w->m, w->stride, &elements) ||
      !svf_size_mul(elements, sizeof(double), &elements)) {
    return svf_fail(SVF_ERR_OVERFLOW, "m = %zu, w_stride = %zu is more than there are bytes", w->m,
                    w->stride);
  }
  return svf_svd_check(w->m, w->n);
}

/* --- Report, in double precision -------------------------------------------------------------- */

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

/* --- Public ----------------------------------------------------------------------------------- */

static double power_of(const matrix *w)
{
  double sum = 0;
  for (size_t i = 0; i < w->m; ++i) {
    for (size_t j = 0; j < w->n; ++j) sum += square((double)w->w[i * w->stride + j]);
  }
  return sum;
}

static double share_dropped(const svf_svd_factors *f, size_t rank, double power)
{
  double dropped = 0;
  for (size_t k = rank; k < f->k; ++k) dropped += square((double)f->sigma[k]);
  return power > 0 ? sqrt(dropped / power) : 0;
}

svf_status svf_factorize(const float *w, size_t m, size_t n, size_t w_stride, size_t rank, float *u,
                         float *sigma, float *vt, svf_factor_report *report)
{
  const matrix in = {w, m, n, w_stride};
  svf_svd_factors f = {0};
  svf_status status = check(&in, rank, u, sigma, vt);
  if (status != SVF_OK) return status;
  float *dense = malloc(m * n * sizeof *dense);
  if (!dense) return svf_fail(SVF_ERR_MEMORY, "no memory to decompose %zu x %zu", m, n);
  for (size_t i = 0; i < m; ++i) memcpy(dense + i * n, w + i * w_stride, n * sizeof *dense);
  status = svf_svd(dense, m, n, &f);
  const double power = power_of(&in);
  if (status == SVF_OK) {
    for (size_t i = 0; i < m; ++i) memcpy(u + i * rank, f.u + i * f.k, rank * sizeof *u);
    memcpy(sigma, f.sigma, rank * sizeof *sigma);
    memcpy(vt, f.vt, rank * n * sizeof *vt);
    if (report) report->dropped = share_dropped(&f, rank, power);
  }
  svf_svd_free(&f);
  if (status != SVF_OK || !report) return status;
  return measure(&in, u, sigma, vt, rank, power, report);
}
