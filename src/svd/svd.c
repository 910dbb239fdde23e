/* SPDX-License-Identifier: Apache-2.0
 *
 * svf_svd: its arguments and memory. */
#include "src/svd/svd.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/power.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"

/* --- Arguments -------------------------------------------------------------------------------- */

static svf_status check_pointers(const svf_svd_args *a)
{
  const char *missing = !a->w ? "w" : !a->u ? "u" : !a->sigma ? "sigma" : !a->vt ? "vt" : NULL;
  return missing ? svf_fail(SVF_ERR_NULL, "%s is NULL", missing) : SVF_OK;
}

static svf_status check_shape(const svf_svd_args *a)
{
  const size_t k = svf_size_min(a->m, a->n);
  size_t elements;
  if (a->m == 0) return svf_fail(SVF_ERR_ARGUMENT, "m is 0");
  if (a->n == 0) return svf_fail(SVF_ERR_ARGUMENT, "n is 0");
  if (a->w_stride < a->n) {
    return svf_fail(SVF_ERR_ARGUMENT, "w_stride is %zu, less than n = %zu", a->w_stride, a->n);
  }
  if (a->rank == 0 || a->rank > k) {
    return svf_fail(SVF_ERR_ARGUMENT, "rank is %zu, not in 1..min(m, n) = %zu", a->rank, k);
  }
  if (!svf_size_mul(a->m, a->w_stride, &elements) ||
      !svf_size_mul(elements, sizeof(double), &elements)) {
    return svf_fail(SVF_ERR_OVERFLOW, "m = %zu times w_stride = %zu doubles exceed SIZE_MAX bytes",
                    a->m, a->w_stride);
  }
  return svf_lapack_check(a->m, a->n);
}

static bool in_place(const svf_svd_args *a) { return a->w == (a->m > a->n ? a->u : a->vt); }

static svf_status check_in_place(const svf_svd_args *a)
{
  const size_t k = svf_size_min(a->m, a->n);
  if (!in_place(a) || (a->rank == k && a->w_stride == a->n && !a->report)) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT,
                  "w is %s: in place, rank must be %zu, not %zu, w_stride %zu, not %zu, and report "
                  "NULL",
                  a->m > a->n ? "u" : "vt", k, a->rank, a->n, a->w_stride);
}

/* read_args calls this too, so that a report of another version is refused before the work. */
static svf_status write_report(const svf_svd_args *a, const svf_svd_report *report)
{
  if (!a->report) return SVF_OK;
  return svf_struct_write("args->report", report, sizeof *report, a->report,
                          SVF_SIZE_TO(svf_svd_report, orthogonality_v));
}

static svf_status read_args(const svf_svd_args *args, svf_svd_args *a)
{
  if (!args) return svf_fail(SVF_ERR_NULL, "args is NULL");
  svf_status status =
      svf_struct_read("args", args, SVF_SIZE_TO(svf_svd_args, report), a, sizeof *a);
  if (status == SVF_OK) status = check_pointers(a);
  if (status == SVF_OK) status = check_shape(a);
  if (status == SVF_OK) status = check_in_place(a);
  return status == SVF_OK ? write_report(a, &(svf_svd_report){.size = sizeof *a->report}) : status;
}

/* --- Decomposing ------------------------------------------------------------------------------ */

static void copy_w(const svf_svd_args *a, float *to)
{
  for (size_t i = 0; i < a->m; ++i) {
    memcpy(to + i * a->n, a->w + i * a->w_stride, a->n * sizeof *to);
  }
}

/* Keeps the leading a->rank of all k singular values; *dropped becomes the sum of the squares of
 * the others. */
static svf_status truncate_factors(const svf_svd_args *a, double *dropped)
{
  const size_t k = svf_size_min(a->m, a->n), rank = a->rank;
  float *large = malloc(a->m * a->n * sizeof *large), *small = malloc(k * k * sizeof *small);
  float *sigma = malloc(k * sizeof *sigma);
  float *u = a->m > a->n ? large : small, *vt = a->m > a->n ? small : large;
  svf_status status = SVF_OK;
  if (!large || !small || !sigma) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to decompose %zu x %zu", a->m, a->n);
  } else {
    copy_w(a, large);
    status = svf_lapack_svd(a->m, a->n, u, sigma, vt);
  }
  if (status == SVF_OK) {
    for (size_t i = 0; i < a->m; ++i) memcpy(a->u + i * rank, u + i * k, rank * sizeof *u);
    memcpy(a->sigma, sigma, rank * sizeof *sigma);
    memcpy(a->vt, vt, rank * a->n * sizeof *vt);
    *dropped = svf_power(sigma + rank, 1, k - rank, 0);
  }
  free(large);
  free(small);
  free(sigma);
  return status;
}

/* Where all singular values are kept, the factors are made in the caller's memory. */
static svf_status decompose(const svf_svd_args *a, double *dropped)
{
  *dropped = 0;
  if (a->rank < svf_size_min(a->m, a->n)) return truncate_factors(a, dropped);
  if (!in_place(a)) copy_w(a, a->m > a->n ? a->u : a->vt);
  return svf_lapack_svd(a->m, a->n, a->u, a->sigma, a->vt);
}

static svf_status decompose_and_measure(const svf_svd_args *a)
{
  double dropped;
  svf_status status = decompose(a, &dropped);
  if (status != SVF_OK || !a->report) return status;
  const double power = svf_power(a->w, a->m, a->n, a->w_stride);
  svf_svd_report report = {.size = sizeof report, .dropped = power > 0 ? sqrt(dropped / power) : 0};
  status = svf_svd_measure(a, power, &report);
  return status == SVF_OK ? write_report(a, &report) : status;
}

svf_status svf_svd(const svf_svd_args *args)
{
  svf_svd_args a;
  svf_status status = read_args(args, &a);
  if (status != SVF_OK) return status;
  svf_openblas_call call;
  status = svf_openblas_begin(a.threads, &call);
  if (status != SVF_OK) return status;
  status = decompose_and_measure(&a);
  svf_openblas_end(&call);
  return status;
}
