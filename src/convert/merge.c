/* SPDX-License-Identifier: Apache-2.0
 *
 * Factors and gains multiplied out. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <stdlib.h>

#include <svf/matmul.h>

#include "src/convert/driver.h"
#include "src/core/openmp.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/file.h"

enum { ROWS = 256 };

#define FILE_BYTES ((size_t)5000000000) /* what transformers' save_pretrained takes, too */

typedef struct job {
  const char *dir;
  const float *gains;
  svf_merge_options o;
} job;

/* --- What is to be done ----------------------------------------------------------------------- */

static svf_status plan(void *context, svf_converted *l)
{
  const job *j = context;
  if (l->source.packed) {
    return svf_file_at_path(
        svf_fail(SVF_ERR_FILE, "'%s' is packed: merge the model that it was packed from", l->name),
        j->dir);
  }
  if (l->source.r == 0) return SVF_OK;
  if (l->tied) {
    return svf_fail(SVF_ERR_UNSUPPORTED,
                    "'%s' is in factors, but tied to the embedding: merged, it would be ignored",
                    l->name);
  }
  l->entry.dtype = j->o.dtype == SVF_DTYPE_F32 ? SVF_TENSOR_F32 : SVF_TENSOR_BF16;
  l->entry.ndim = 2;
  l->entry.shape[0] = l->shape.m;
  l->entry.shape[1] = l->shape.n;
  return SVF_OK;
}

/* --- One layer -------------------------------------------------------------------------------- */

typedef struct room {
  float *u, *vt, *sigma; /* the factors in fp32 */
  float *rows;           /* [ROWS][n] of W' */
} room;

static bool take_room(const svf_converted *l, room *r)
{
  const size_t rank = l->source.r;
  r->u = malloc(l->shape.m * rank * sizeof *r->u);
  r->vt = malloc(rank * l->shape.n * sizeof *r->vt);
  r->sigma = malloc(rank * sizeof *r->sigma);
  r->rows = malloc(ROWS * l->shape.n * sizeof *r->rows);
  return r->u && r->vt && r->sigma && r->rows;
}

static void free_room(room *r)
{
  free(r->u);
  free(r->vt);
  free(r->sigma);
  free(r->rows);
}

typedef struct product {
  const float *u, *vt, *gains;
  size_t rows, n, rank;
  float *w;
} product;

static void multiply_rows(void *context, size_t ith, size_t nth)
{
  const product *t = context;
  const size_t end = svf_share(t->rows, nth, ith + 1);
  for (size_t i = svf_share(t->rows, nth, ith); i < end; ++i) {
    float *w = t->w + i * t->n;
    for (size_t j = 0; j < t->n; ++j) w[j] = 0;
    for (size_t k = 0; k < t->rank; ++k) {
      const float u = t->u[i * t->rank + k] * t->gains[k];
      for (size_t j = 0; j < t->n; ++j) w[j] += u * t->vt[k * t->n + j];
    }
  }
}

/* Rows of W', ROWS of them at a time. */
static svf_status multiply(const job *j, const svf_converted *l, const room *r,
                           svf_safetensors_writer *w)
{
  const size_t n = l->shape.n, rank = l->source.r;
  const float *gains = j->gains ? j->gains + l->gains : r->sigma;
  svf_status status = SVF_OK;
  for (size_t row = 0, rows; status == SVF_OK && row < l->shape.m; row += rows) {
    rows = svf_size_min(ROWS, l->shape.m - row);
    product task = {r->u + row * rank, r->vt, gains, rows, n, rank, r->rows};
    svf_openmp_team(j->o.threads ? j->o.threads : svf_max_threads(), multiply_rows, &task);
    status = svf_conversion_append_floats(w, r->rows, rows * n, j->o.dtype);
  }
  return status;
}

static svf_status append(const void *context, const svf_converted *l, svf_safetensors_writer *w)
{
  const svf_weights_source *s = &l->source;
  room r = {0};
  svf_status status = SVF_OK;
  if (!take_room(l, &r)) status = svf_fail(SVF_ERR_MEMORY, "no memory for '%s'", l->name);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->u, r.u, s->u->elements);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->v, r.vt, s->v->elements);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->s, r.sigma, s->r);
  if (status == SVF_OK) status = multiply(context, l, &r, w);
  free_room(&r);
  return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static svf_status write_all(const job *j, const svf_drive *d)
{
  static const char mark[] = "svf.made_by";
  static const svf_safetensors_pair pairs[] = {{"format", "pt"}, /* transformers insists on it */
                                               {mark, "svf_model_merge"}};
  const svf_split how = {.limit = j->o.file_bytes ? j->o.file_bytes : FILE_BYTES,
                         .pairs = pairs,
                         .count = sizeof pairs / sizeof *pairs,
                         .mark = mark};
  if (d->count > 0) return svf_drive_write(d, &how);
  return svf_fail(SVF_ERR_ARGUMENT, "no layer of the model is in factors: nothing to merge");
}

static svf_status read_options(const svf_merge_options *options, svf_merge_options *o)
{
  const svf_merge_options defaults = {.size = sizeof defaults};
  const svf_status status =
      svf_struct_read("options", options ? options : &defaults,
                      SVF_SIZE_TO(svf_merge_options, progress_context), o, sizeof *o);
  if (status != SVF_OK || svf_dtype_size(o->dtype) > 0) return status;
  return svf_fail(SVF_ERR_ARGUMENT, "options->dtype is %d, which is no element type",
                  (int)o->dtype);
}

svf_status svf_model_merge(const char *dir, const char *out, const float *gains,
                           const svf_merge_options *options)
{
  static const svf_driver driver = {".weight", plan, append};
  job j = {.dir = dir, .gains = gains};
  svf_drive d = {0};
  svf_status status = read_options(options, &j.o);
  if (status == SVF_OK) {
    status = svf_drive_open(&d, &driver, &j, dir, out, j.o.progress, j.o.progress_context);
  }
  if (status == SVF_OK) status = write_all(&j, &d);
  svf_drive_close(&d);
  return status;
}
