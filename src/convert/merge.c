/* SPDX-License-Identifier: Apache-2.0
 *
 * Factors and gains multiplied out. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <stdlib.h>

#include <svf/merge.h>

#include "src/convert/driver.h"
#include "src/core/pages.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/file.h"

enum { ROWS = 256 };

#define FILE_BYTES ((size_t)5000000000) /* as in transformers' save_pretrained */

typedef struct job {
  const char *dir;
  const float *gains;
  svf_merge_options o;
} job;

/* --- What is to be done ----------------------------------------------------------------------- */

static svf_status plan(void *context, svf_converted *l)
{
  const job *j = context;
  if (l->tensors.packed) {
    return svf_file_at_path(
        svf_fail(SVF_ERR_FILE, "'%s' is packed: merge the model that it was packed from", l->name),
        j->dir);
  }
  if (l->tensors.r == 0) return SVF_OK;
  if (l->tied) {
    return svf_fail(
        SVF_ERR_UNSUPPORTED,
        "'%s' is in factors, but tied to the embedding: once merged, it would be ignored", l->name);
  }
  l->entry.dtype = j->o.dtype == SVF_DTYPE_F32 ? SVF_TENSOR_F32 : SVF_TENSOR_BF16;
  l->entry.ndim = 2;
  l->entry.shape[0] = l->shape.m;
  l->entry.shape[1] = l->shape.n;
  return SVF_OK;
}

/* --- One layer -------------------------------------------------------------------------------- */

/* Appends all rows of W', ROWS of them at a time by way of args->out. */
static svf_status append_rows(const job *j, const svf_converted *l, svf_merge_args *args,
                              void *workspace, size_t bytes, svf_safetensors_writer *w)
{
  const size_t row_bytes = l->shape.n * svf_dtype_size(j->o.dtype);
  svf_status status = SVF_OK;
  for (size_t row = 0; status == SVF_OK && row < l->shape.m; row += args->rows) {
    args->first_row = row;
    args->rows = svf_size_min(ROWS, l->shape.m - row);
    status = svf_merge_rows(args, j->o.threads, workspace, bytes);
    if (status == SVF_OK) status = svf_safetensors_append(w, args->out, args->rows * row_bytes);
    args->flags = SVF_MERGE_CONTINUE;
  }
  return status;
}

static svf_status multiply(const job *j, const svf_converted *l, const svf_linear_source *factors,
                           svf_safetensors_writer *w)
{
  size_t bytes = 0;
  svf_merge_args args = {.size = sizeof args,
                         .factors = factors,
                         .gains = j->gains ? j->gains + l->gains : NULL,
                         .rows = svf_size_min(ROWS, l->shape.m),
                         .out_type = j->o.dtype,
                         .out_stride = l->shape.n};
  svf_status status = svf_merge_workspace(&args, j->o.threads, &bytes);
  if (status != SVF_OK) return status;
  void *workspace = svf_pages_alloc(bytes);
  args.out = malloc(args.rows * l->shape.n * svf_dtype_size(j->o.dtype));
  status = workspace && args.out ? append_rows(j, l, &args, workspace, bytes, w)
                                 : svf_fail(SVF_ERR_MEMORY, "no memory for '%s'", l->name);
  free(workspace);
  free(args.out);
  return status;
}

static svf_status append(const void *context, const svf_converted *l, svf_safetensors_writer *w)
{
  svf_linear_source factors = {.size = sizeof factors, .m = l->shape.m, .n = l->shape.n};
  svf_weights_views views;
  svf_status status = svf_weights_open(&l->tensors, &views, &factors);
  if (status == SVF_OK) status = multiply(context, l, &factors, w);
  svf_weights_close(&views);
  return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static svf_status write_all(const job *j, const svf_drive *d)
{
  static const char mark[] = "svf.made_by";
  static const svf_safetensors_pair pairs[] = {{"format", "pt"}, /* transformers requires it */
                                               {mark, "svf_model_merge"}};
  const svf_files_options how = {.limit = j->o.file_bytes ? j->o.file_bytes : FILE_BYTES,
                                 .pairs = pairs,
                                 .count = sizeof pairs / sizeof *pairs,
                                 .mark = mark};
  if (d->count > 0) return svf_drive_write(d, &how, j->o.threads);
  return svf_fail(SVF_ERR_ARGUMENT, "the model has no layer in factors: nothing to merge");
}

static svf_status read_options(const svf_merge_options *options, svf_merge_options *o)
{
  enum { FIRST = SVF_SIZE_TO(svf_merge_options, progress_context) };
  const svf_status status = svf_struct_read_options("options", options, FIRST, o, sizeof *o);
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
