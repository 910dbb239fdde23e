/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/convert/shard.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/half.h>

#include "src/convert/estimate.h"
#include "src/core/clock.h"
#include "src/core/power.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/tensor.h"

/* The number of singular values that the options keep. */
static size_t rank_of(const svf_decompose_options *o, const svf_factors *f)
{
  size_t rank = o->rank > 0 ? svf_size_min(o->rank, f->k) : f->k;
  if (o->energy <= 0) return rank;
  const double all = svf_power(f->sigma, 1, f->k, 0);
  double sum = 0;
  size_t r = 0;
  while (r < f->k && sum < o->energy * all) sum += svf_square((double)f->sigma[r++]);
  return svf_size_min(rank, r > 0 ? r : 1);
}

static svf_tensor_type factor_dtype(const svf_decompose_options *o)
{
  return o->dtype == SVF_DTYPE_BF16 ? SVF_TENSOR_BF16 : SVF_TENSOR_F32;
}

/* Appends values as F32 or, rounded, as BF16. */
static svf_status append_floats(svf_safetensors_writer *writer, const float *x, size_t count,
                                svf_dtype dtype)
{
  if (dtype == SVF_DTYPE_F32) return svf_safetensors_append(writer, x, count * sizeof *x);
  enum { PIECE = 4096 };
  uint16_t narrow[PIECE];
  svf_status status = SVF_OK;
  for (size_t i = 0, n; status == SVF_OK && i < count; i += n) {
    n = svf_size_min(count - i, PIECE);
    svf_f32_to_bf16(x + i, narrow, n);
    status = svf_safetensors_append(writer, narrow, n * sizeof *narrow);
  }
  return status;
}

/* The report in a shard's metadata: key i, and the member that it names. */
enum { REPORTED = 4 };
static const char *const report_keys[REPORTED] = {"svf.residual", "svf.dropped",
                                                  "svf.orthogonality_u", "svf.orthogonality_v"};

static double *reported(svf_svd_report *r, size_t i)
{
  double *const members[REPORTED] = {&r->residual, &r->dropped, &r->orthogonality_u,
                                     &r->orthogonality_v};
  return members[i];
}

/* Makes the metadata, whose values are in `numbers` and in *it. */
static svf_status print_metadata(const svf_shard *it, svf_safetensors_pair pairs[1 + REPORTED],
                                 char numbers[REPORTED][SVF_JSON_NUMBER])
{
  enum { DIGITS = 6 };
  svf_svd_report report = it->report;
  svf_status status = SVF_OK;
  pairs[0] = (svf_safetensors_pair){"svf.source", it->digest};
  for (size_t i = 0; status == SVF_OK && i < REPORTED; ++i) {
    status = svf_json_print_number(*reported(&report, i), DIGITS, numbers[i]);
    pairs[1 + i] = (svf_safetensors_pair){report_keys[i], numbers[i]};
  }
  return status;
}

static svf_status write_shard(const svf_conversion *c, const svf_decompose_options *o,
                              const svf_shard *it, const svf_factors *f)
{
  char path[PATH_MAX], names[3][SVF_LINEAR_NAME + 4], numbers[REPORTED][SVF_JSON_NUMBER];
  const svf_tensor_type type = factor_dtype(o);
  svf_safetensors_pair pairs[1 + REPORTED];
  for (int i = 0; i < 3; ++i) snprintf(names[i], sizeof names[i], "%s.%c", it->name, "USV"[i]);
  const svf_safetensors_entry entries[] = {{sizeof *entries, names[0], type, 2, {it->m, it->r}},
                                           {sizeof *entries, names[1], SVF_TENSOR_F32, 1, {it->r}},
                                           {sizeof *entries, names[2], type, 2, {it->r, it->n}}};
  svf_safetensors_writer *w = NULL;
  svf_status status = svf_conversion_path(c, it->file, path, sizeof path);
  if (status == SVF_OK) status = print_metadata(it, pairs, numbers);
  if (status == SVF_OK) status = svf_safetensors_create(path, entries, 3, pairs, 1 + REPORTED, &w);
  if (status == SVF_OK) status = append_floats(w, f->u, it->m * it->r, o->dtype);
  if (status == SVF_OK) status = append_floats(w, f->sigma, it->r, SVF_DTYPE_F32);
  if (status == SVF_OK) status = append_floats(w, f->vt, it->r * it->n, o->dtype);
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

/* W in fp32, or NULL. */
static float *values_of(const svf_shard *it, svf_status *status)
{
  float *w = malloc(it->m * it->n * sizeof *w);
  *status = w ? svf_tensor_to_f32(it->w, w, it->m * it->n)
              : svf_fail(SVF_ERR_MEMORY, "no memory for %zu x %zu", it->m, it->n);
  if (*status == SVF_OK) return w;
  free(w);
  return NULL;
}

static void free_factors(svf_factors *f)
{
  free(f->u);
  free(f->sigma);
  free(f->vt);
}

/* Allocates the factors. W is copied into the larger one, where the SVD replaces it. */
static svf_status take_factors(const svf_shard *it, svf_factors *f)
{
  const size_t k = svf_size_min(it->m, it->n);
  svf_status status;
  float *w = values_of(it, &status), *small = malloc(k * k * sizeof *small);
  *f = (svf_factors){.u = it->m > it->n ? w : small,
                     .sigma = malloc(k * sizeof *f->sigma),
                     .vt = it->m > it->n ? small : w,
                     .k = k};
  if (status != SVF_OK || (small && f->sigma)) return status;
  return svf_fail(SVF_ERR_MEMORY, "no memory for the factors of %zu x %zu", it->m, it->n);
}

/* NUMERIC unless all that the SVD made is finite: it may be one of the caller's. */
static svf_status check_factors(const svf_shard *it, const svf_factors *f)
{
  const size_t size = sizeof *f->u;
  if (svf_tensor_data_is_finite(SVF_TENSOR_F32, f->u, it->m * f->k * size) &&
      svf_tensor_data_is_finite(SVF_TENSOR_F32, f->sigma, f->k * size) &&
      svf_tensor_data_is_finite(SVF_TENSOR_F32, f->vt, f->k * it->n * size)) {
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_NUMERIC, "the SVD gave factors with NaN or Inf");
}

static svf_status decompose(const svf_decompose_options *o, svf_svd_fn *svd, svf_shard *it,
                            svf_factors *f)
{
  svf_status status = take_factors(it, f);
  if (status != SVF_OK) return status;
  const svf_svd_args args = {.size = sizeof args,
                             .m = it->m,
                             .n = it->n,
                             .w = it->m > it->n ? f->u : f->vt,
                             .w_stride = it->n,
                             .rank = f->k,
                             .threads = 1,
                             .u = f->u,
                             .sigma = f->sigma,
                             .vt = f->vt};
  const double start = svf_now();
  status = svd(&args);
  it->svd_seconds = svf_now() - start;
  if (status == SVF_OK) status = check_factors(it, f);
  if (status != SVF_OK) return status;
  it->r = f->rank = rank_of(o, f);
  for (size_t i = 1; i < it->m && it->r < f->k; ++i) {
    memmove(f->u + i * it->r, f->u + i * f->k, it->r * sizeof *f->u);
  }
  return SVF_OK;
}

/* Measures the factors against W, which is read once more, since the SVD has overwritten it. */
static svf_status measure(svf_shard *it, const svf_factors *f)
{
  svf_status status;
  float *w = values_of(it, &status);
  if (status == SVF_OK) status = svf_estimate(w, it->m, it->n, f, &it->report);
  free(w);
  return status;
}

svf_status svf_shard_make(const svf_conversion *c, const svf_decompose_options *o, svf_svd_fn *svd,
                          svf_shard *it)
{
  const double start = svf_now();
  svf_factors f = {0};
  svf_status status = decompose(o, svd, it, &f);
  if (status == SVF_OK) status = measure(it, &f);
  if (status == SVF_OK) status = write_shard(c, o, it, &f);
  free_factors(&f);
  it->seconds = svf_now() - start;
  return status == SVF_ERR_IO ? status : svf_fail_at(status, "'%s'", it->name);
}

/* What is missing or is no number stays 0. */
static void read_report(const svf_safetensors *file, svf_svd_report *report)
{
  *report = (svf_svd_report){0};
  for (size_t i = 0; i < REPORTED; ++i) {
    const char *text = svf_safetensors_metadata(file, report_keys[i]);
    if (text) (void)svf_json_read_number(text, reported(report, i));
  }
}

/* True if a shard has the factor of that letter in this shape; columns = 0: one dimension. */
static bool has_factor(const svf_safetensors *file, const svf_shard *it, char letter,
                       svf_tensor_type dtype, size_t rows, size_t columns)
{
  char name[SVF_LINEAR_NAME + 4];
  snprintf(name, sizeof name, "%s.%c", it->name, letter);
  const svf_tensor *t = svf_safetensors_find(file, name);
  return t && t->dtype == dtype && t->ndim == (columns > 0 ? 2 : 1) && t->shape[0] == rows &&
         (columns == 0 || t->shape[1] == columns);
}

bool svf_shard_is_finished(const svf_conversion *c, const svf_decompose_options *o, svf_shard *it)
{
  char path[PATH_MAX], name[SVF_LINEAR_NAME + 4];
  svf_safetensors *file = NULL;
  if (svf_conversion_path(c, it->file, path, sizeof path) != SVF_OK ||
      svf_safetensors_open(path, 0, &file) != SVF_OK) {
    return false;
  }
  const char *digest = svf_safetensors_metadata(file, "svf.source");
  snprintf(name, sizeof name, "%s.S", it->name);
  const svf_tensor *sigma = svf_safetensors_find(file, name);
  const size_t r = sigma ? sigma->elements : 0;
  const bool same = digest && strcmp(digest, it->digest) == 0 && r > 0 &&
                    has_factor(file, it, 'U', factor_dtype(o), it->m, r) &&
                    has_factor(file, it, 'S', SVF_TENSOR_F32, r, 0) &&
                    has_factor(file, it, 'V', factor_dtype(o), r, it->n);
  if (same) {
    it->r = r;
    read_report(file, &it->report);
  }
  svf_safetensors_close(file);
  return same;
}
