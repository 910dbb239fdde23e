/* SPDX-License-Identifier: Apache-2.0
 *
 * A row-major W is a column-major W^T. Its left singular vectors, column by column, are V^T row by
 * row, and its right ones are U row by row, so nothing needs to be transposed. */
#include "src/svd/svd.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "src/core/size.h"
#include "src/core/status.h"

/* The floats that sgesdd is documented to need for jobz = O. They are computed here because its
 * workspace query answers with an fp32, which may have been rounded down. */
static size_t workspace_of(size_t m, size_t n)
{
  const size_t k = svf_size_min(m, n), long_side = m > n ? m : n, inner = 5 * k * k + 4 * k;
  return 3 * k + (long_side > inner ? long_side : inner);
}

svf_status svf_lapack_check(size_t m, size_t n)
{
  /* LAPACK counts in int, also its workspace of 5*k*k + 7*k floats for k = min(m, n). */
  if (m <= INT_MAX && n <= INT_MAX && svf_size_min(m, n) <= 20700 &&
      workspace_of(m, n) <= INT_MAX) {
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_OVERFLOW, "m = %zu, n = %zu is more than LAPACK can index", m, n);
}

static svf_status check_finite(const float *w, size_t m, size_t n)
{
  for (size_t i = 0; i < m * n; ++i) {
    if (!isfinite(w[i])) {
      return svf_fail(SVF_ERR_NUMERIC, "w[%zu][%zu] is %g, which has no decomposition", i / n,
                      i % n, (double)w[i]);
    }
  }
  return SVF_OK;
}

/* The larger factor (V^T if they are equal) takes the place of W, which is there already. Of its
 * two matrices for factors LAPACK then touches only the one for the smaller factor. */
static svf_status run_sgesdd(size_t m, size_t n, float *u, float *sigma, float *vt)
{
  const size_t count = workspace_of(m, n), k = svf_size_min(m, n);
  const lapack_int rows = (lapack_int)n, columns = (lapack_int)m, rank = (lapack_int)k;
  float *w = n >= m ? vt : u, *small = n >= m ? u : vt;
  float *work = malloc(count * sizeof *work);
  lapack_int *integers = malloc(8 * k * sizeof *integers);
  svf_status status = SVF_OK;
  if (!work || !integers) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for LAPACK's workspace of %zu floats", count);
  } else {
    const lapack_int info =
        LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'O', rows, columns, w, rows, sigma, small, rank,
                            small, rank, work, (lapack_int)count, integers);
    if (info != 0) {
      status = svf_fail(SVF_ERR_NUMERIC, "sgesdd did not converge (info = %d)", (int)info);
    }
  }
  free(work);
  free(integers);
  return status;
}

/* Makes the element of largest magnitude in each column of U, the first of equals, positive. Goes
 * by rows, as U is stored. */
static svf_status fix_signs(size_t m, size_t n, float *u, float *vt)
{
  const size_t rank = svf_size_min(m, n);
  float *largest = calloc(rank, sizeof *largest);
  if (!largest) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu signs", rank);
  for (size_t i = 0; i < m; ++i) {
    const float *row = u + i * rank;
    for (size_t k = 0; k < rank; ++k) {
      if (fabsf(row[k]) > fabsf(largest[k])) largest[k] = row[k];
    }
  }
  for (size_t i = 0; i < m; ++i) {
    float *row = u + i * rank;
    for (size_t k = 0; k < rank; ++k) row[k] = largest[k] < 0 ? -row[k] : row[k];
  }
  for (size_t k = 0; k < rank; ++k) {
    for (size_t j = 0; largest[k] < 0 && j < n; ++j) vt[k * n + j] = -vt[k * n + j];
  }
  free(largest);
  return SVF_OK;
}

svf_status svf_lapack_svd(size_t m, size_t n, float *u, float *sigma, float *vt)
{
  svf_status status = check_finite(n >= m ? vt : u, m, n);
  if (status == SVF_OK) status = run_sgesdd(m, n, u, sigma, vt);
  if (status == SVF_OK && !isfinite(sigma[0])) {
    return svf_fail(SVF_ERR_NUMERIC, "the largest singular value is beyond what an fp32 holds");
  }
  return status == SVF_OK ? fix_signs(m, n, u, vt) : status;
}
