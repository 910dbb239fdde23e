/* SPDX-License-Identifier: Apache-2.0
 *
 * How good a decomposition is: the factors are multiplied out in double precision. */
#include "src/svd/svd.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "src/core/power.h"
#include "src/core/size.h"
#include "src/core/status.h"

/* ||gram - I||_F / sqrt(rank) for a Gram matrix of which dsyrk filled the upper triangle. */
static double distance_from_identity(const double *gram, size_t rank)
{
  double sum = 0;
  for (size_t i = 0; i < rank; ++i) {
    sum += svf_square(gram[i * rank + i] - 1);
    for (size_t j = i + 1; j < rank; ++j) sum += 2 * svf_square(gram[i * rank + j]);
  }
  return sqrt(sum / (double)rank);
}

enum { REPORT_ROWS = 64 };

/* Adds `rows` rows of U to the Gram matrix, and returns their share of
 * ||W - U diag(sigma) V^T||_F^2. u_rows [rows][rank] and product [rows][n] are scratch memory. */
static double add_rows(const svf_svd_args *a, const double *vt, size_t row, size_t rows,
                       double *u_rows, double *product, double *gram)
{
  const size_t rank = a->rank;
  const int r = (int)rank, n = (int)a->n;
  for (size_t i = 0; i < rows * rank; ++i) u_rows[i] = (double)a->u[row * rank + i];
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, r, (int)rows, 1, u_rows, r, 1, gram, r);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < rank; ++k) u_rows[i * rank + k] *= (double)a->sigma[k];
  }
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, n, r, 1, u_rows, r, vt, n, 0,
              product, n);
  double error = 0;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < a->n; ++j) {
      error += svf_square((double)a->w[(row + i) * a->w_stride + j] - product[i * a->n + j]);
    }
  }
  return error;
}

svf_status svf_svd_measure(const svf_svd_args *a, double power, svf_svd_report *report)
{
  const size_t rank = a->rank;
  double *wide = malloc(rank * a->n * sizeof *wide);
  double *gram = calloc(rank * rank, sizeof *gram);
  double *u_rows = malloc(REPORT_ROWS * rank * sizeof *u_rows);
  double *product = malloc(REPORT_ROWS * a->n * sizeof *product);
  svf_status status = SVF_OK;
  if (!wide || !gram || !u_rows || !product) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to measure the factors");
  } else {
    double error = 0;
    for (size_t i = 0; i < rank * a->n; ++i) wide[i] = (double)a->vt[i];
    for (size_t row = 0; row < a->m; row += REPORT_ROWS) {
      const size_t rows = svf_size_min(REPORT_ROWS, a->m - row);
      error += add_rows(a, wide, row, rows, u_rows, product, gram);
    }
    report->residual = power > 0 ? sqrt(error / power) : 0;
    report->orthogonality_u = distance_from_identity(gram, rank);
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (int)rank, (int)a->n, 1, wide, (int)a->n,
                0, gram, (int)rank);
    report->orthogonality_v = distance_from_identity(gram, rank);
  }
  free(wide);
  free(gram);
  free(u_rows);
  free(product);
  return status;
}
