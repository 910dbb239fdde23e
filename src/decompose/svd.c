/* SPDX-License-Identifier: Apache-2.0
 *
 * W row-major is W^T column-major, whose left singular vectors, column by column, are V^T row by
 * row, and whose right ones are U row by row: nothing is transposed. "Matrix", "rows" and "left"
 * here are those of LAPACK.
 *
 * The steps are those of sgesdd: a matrix that is far from square becomes triangular, that one
 * bidiagonal, and the orthogonal factors of each step are multiplied to the singular vectors of the
 * last. But sgesdd keeps six matrices of min(m, n)^2 for the bidiagonal one alone. */
#include "src/decompose/svd.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/decompose/bidiagonal.h"

/* Column-major, contiguous. */
typedef struct matrix {
  float *a;
  size_t rows, columns;
} matrix;

typedef struct factors {
  float *left;  /* rows x k */
  float *sigma; /* [k] */
  float *right; /* k x columns */
} factors;

static svf_status check_info(lapack_int info, const char *what)
{
  if (info == 0) return SVF_OK;
  if (info == LAPACK_WORK_MEMORY_ERROR) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for the workspace of %s", what);
  }
  return svf_fail(SVF_ERR_NUMERIC, "%s failed (info = %d)", what, (int)info);
}

static float *new_matrix(size_t rows, size_t columns)
{
  float *a = malloc(rows * columns * sizeof *a);
  if (!a) (void)svf_fail(SVF_ERR_MEMORY, "no memory for a matrix of %zu x %zu", rows, columns);
  return a;
}

/* --- By way of a bidiagonal matrix ---------------------------------------------------------------
 */

/* What sgebrd says apart from its matrix, each [k]. */
typedef struct bidiagonal {
  float *e, *tau_q, *tau_p;
} bidiagonal;

/* Singular vectors of the bidiagonal matrix, a corner of the result, times Q and P. */
static svf_status expand(const matrix *a, const bidiagonal *b, const factors *f)
{
  const size_t k = svf_size_min(a->rows, a->columns);
  const lapack_int rows = (lapack_int)a->rows, columns = (lapack_int)a->columns, n = (lapack_int)k;
  for (size_t j = 0; j < k; ++j) {
    memset(f->left + j * a->rows + k, 0, (a->rows - k) * sizeof *f->left);
  }
  memset(f->right + k * k, 0, k * (a->columns - k) * sizeof *f->right);
  svf_status status = check_info(LAPACKE_sormbr(LAPACK_COL_MAJOR, 'Q', 'L', 'N', rows, n, columns,
                                                a->a, rows, b->tau_q, f->left, rows),
                                 "sormbr");
  if (status != SVF_OK) return status;
  return check_info(LAPACKE_sormbr(LAPACK_COL_MAJOR, 'P', 'R', 'T', n, columns, rows, a->a, rows,
                                   b->tau_p, f->right, n),
                    "sormbr");
}

/* Destroys a. */
static svf_status decompose_directly(const matrix *a, const factors *f)
{
  const size_t k = svf_size_min(a->rows, a->columns);
  const lapack_int rows = (lapack_int)a->rows, columns = (lapack_int)a->columns;
  float *room = new_matrix(k, 3);
  if (!room) return SVF_ERR_MEMORY;
  const bidiagonal b = {room, room + k, room + 2 * k};
  svf_status status = check_info(
      LAPACKE_sgebrd(LAPACK_COL_MAJOR, rows, columns, a->a, rows, f->sigma, b.e, b.tau_q, b.tau_p),
      "sgebrd");
  if (status == SVF_OK) {
    status =
        svf_bidiagonal_svd(k, a->rows < a->columns, f->sigma, b.e, f->left, a->rows, f->right, k);
  }
  if (status == SVF_OK) status = expand(a, &b, f);
  free(room);
  return status;
}

/* --- By way of a triangular matrix ---------------------------------------------------------------
 */

enum { CHUNK = 256 }; /* rows or columns of the larger factor at a time */

/* Q, in a, becomes the larger factor: Q times the left vectors of R, or the right ones of L times
 * Q. */
static svf_status multiply(const matrix *a, const float *small)
{
  const bool tall = a->rows > a->columns;
  const size_t k = svf_size_min(a->rows, a->columns), long_side = tall ? a->rows : a->columns;
  const int n = (int)k;
  float *room = new_matrix(k, CHUNK);
  if (!room) return SVF_ERR_MEMORY;
  for (size_t at = 0, count; at < long_side; at += count) {
    count = svf_size_min(CHUNK, long_side - at);
    if (tall) {
      const int rows = (int)a->rows, some = (int)count;
      for (size_t j = 0; j < k; ++j) {
        memcpy(room + j * count, a->a + j * a->rows + at, count * sizeof *room);
      }
      cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, some, n, n, 1, room, some, small, n, 0,
                  a->a + at, rows);
    } else {
      memcpy(room, a->a + at * k, k * count * sizeof *room);
      cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, (int)count, n, 1, small, n, room, n,
                  0, a->a + at * k, n);
    }
  }
  free(room);
  return SVF_OK;
}

/* a = Q R or L Q: R or L, and what Q is made from. */
static svf_status make_triangular(const matrix *a, float *tau, float *triangle)
{
  const bool tall = a->rows > a->columns;
  const size_t k = svf_size_min(a->rows, a->columns);
  const lapack_int rows = (lapack_int)a->rows, columns = (lapack_int)a->columns;
  const svf_status status =
      tall ? check_info(LAPACKE_sgeqrf(LAPACK_COL_MAJOR, rows, columns, a->a, rows, tau), "sgeqrf")
           : check_info(LAPACKE_sgelqf(LAPACK_COL_MAJOR, rows, columns, a->a, rows, tau), "sgelqf");
  if (status != SVF_OK) return status;
  memset(triangle, 0, k * k * sizeof *triangle);
  for (size_t j = 0; j < k; ++j) {
    const size_t first = tall ? 0 : j, end = tall ? j + 1 : k;
    memcpy(triangle + j * k + first, a->a + j * a->rows + first, (end - first) * sizeof *triangle);
  }
  return SVF_OK;
}

static svf_status make_orthogonal(const matrix *a, const float *tau)
{
  const lapack_int rows = (lapack_int)a->rows, columns = (lapack_int)a->columns;
  if (rows > columns) {
    return check_info(LAPACKE_sorgqr(LAPACK_COL_MAJOR, rows, columns, columns, a->a, rows, tau),
                      "sorgqr");
  }
  return check_info(LAPACKE_sorglq(LAPACK_COL_MAJOR, rows, columns, rows, a->a, rows, tau),
                    "sorglq");
}

/* a becomes the larger factor; f is k x k on both sides, and so remains the smaller one. */
static svf_status decompose_by_triangle(const matrix *a, const factors *f)
{
  const size_t k = svf_size_min(a->rows, a->columns);
  matrix triangle = {new_matrix(k, k), k, k};
  float *tau = new_matrix(k, 1);
  svf_status status = triangle.a && tau ? SVF_OK : SVF_ERR_MEMORY;
  if (status == SVF_OK) status = make_triangular(a, tau, triangle.a);
  if (status == SVF_OK) status = decompose_directly(&triangle, f);
  free(triangle.a);
  if (status == SVF_OK) status = make_orthogonal(a, tau);
  if (status == SVF_OK) status = multiply(a, a->rows > a->columns ? f->left : f->right);
  free(tau);
  return status;
}

/* --- Before and after ----------------------------------------------------------------------------
 */

/* The power of 2 that W was divided by, which is not 1 where squares would leave fp32. */
static svf_status scale(float *w, size_t m, size_t n, int *exponent)
{
  float largest = 0;
  for (size_t i = 0; i < m * n; ++i) {
    if (!isfinite(w[i])) {
      return svf_fail(SVF_ERR_NUMERIC, "w[%zu][%zu] is %g, which has no decomposition", i / n,
                      i % n, (double)w[i]);
    }
    largest = fmaxf(largest, fabsf(w[i]));
  }
  *exponent = 0;
  if (largest == 0 || (largest > 1e-12f && largest < 1e12f)) return SVF_OK;
  (void)frexpf(largest, exponent);
  for (size_t i = 0; i < m * n; ++i) w[i] = ldexpf(w[i], -*exponent);
  return SVF_OK;
}

/* The element of largest magnitude in a column of U, the first of equals, becomes positive. By
 * rows, as U is stored. */
static svf_status fix_signs(size_t m, size_t n, const svf_svd_factors *f)
{
  float *largest = calloc(f->k, sizeof *largest);
  if (!largest) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu signs", f->k);
  for (size_t i = 0; i < m; ++i) {
    const float *row = f->u + i * f->k;
    for (size_t k = 0; k < f->k; ++k) {
      if (fabsf(row[k]) > fabsf(largest[k])) largest[k] = row[k];
    }
  }
  for (size_t i = 0; i < m; ++i) {
    float *row = f->u + i * f->k;
    for (size_t k = 0; k < f->k; ++k) row[k] = largest[k] < 0 ? -row[k] : row[k];
  }
  for (size_t k = 0; k < f->k; ++k) {
    for (size_t j = 0; largest[k] < 0 && j < n; ++j) f->vt[k * n + j] = -f->vt[k * n + j];
  }
  free(largest);
  return SVF_OK;
}

svf_status svf_svd_check(size_t m, size_t n)
{
  /* slasd0 counts the floats of its workspace, 3 (k/2 + 1)^2 and a little, in int. */
  if (m <= INT_MAX && n <= INT_MAX && svf_size_min(m, n) <= 50000) return SVF_OK;
  return svf_fail(SVF_ERR_OVERFLOW, "m = %zu, n = %zu is more than LAPACK can index", m, n);
}

void svf_svd_free(svf_svd_factors *f)
{
  free(f->u);
  free(f->sigma);
  free(f->vt);
  *f = (svf_svd_factors){0};
}

svf_status svf_svd(float *w, size_t m, size_t n, svf_svd_factors *f)
{
  const size_t k = svf_size_min(m, n), long_side = m > n ? m : n;
  const bool direct = 6 * long_side < 11 * k; /* sgesdd's rule */
  int exponent = 0;
  *f = (svf_svd_factors){new_matrix(k, direct ? m : k), new_matrix(k, 1),
                         new_matrix(k, direct ? n : k), k};
  const matrix a = {w, n, m};
  const factors made = {f->vt, f->sigma, f->u};
  svf_status status = f->u && f->sigma && f->vt ? svf_svd_check(m, n) : SVF_ERR_MEMORY;
  if (status == SVF_OK) status = scale(w, m, n, &exponent);
  if (status == SVF_OK)
    status = direct ? decompose_directly(&a, &made) : decompose_by_triangle(&a, &made);
  if (status == SVF_OK && !direct) {
    float **larger = m > n ? &f->u : &f->vt, *small = *larger;
    *larger = w;
    w = small;
  }
  free(w);
  for (size_t i = 0; status == SVF_OK && exponent != 0 && i < k; ++i) {
    f->sigma[i] = ldexpf(f->sigma[i], exponent);
  }
  return status == SVF_OK ? fix_signs(m, n, f) : status;
}
