/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's linear layers as packed blocks in one file. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/format.h"
#include "src/convert/driver.h"
#include "src/core/pages.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/file.h"

typedef struct job {
  const char *dir;
  svf_model_options model;
  double bits;
  const char *lacking; /* the first layer for which `bits` are too few; NULL: none */
  double least;        /* the fewest bits that are enough for those layers */
} job;

/* --- What is to be done ----------------------------------------------------------------------- */

static double weights_of(const svf_converted *l)
{
  return (double)l->tensors.r * (double)(l->shape.m + l->shape.n);
}

/* Bytes of a block that do not count as bits of its weights: header and sigma. */
static size_t other_bytes(const svf_converted *l)
{
  return sizeof(svf_linear_header) + 4 * (l->tensors.r + 16);
}

static size_t budget_of(const svf_converted *l, double bits)
{
  return (size_t)(weights_of(l) * bits / 8) + other_bytes(l);
}

/* The least bits, in hundredths, of which a layer without a head takes no more; also if they are
 * rounded to fp32, as the bits of a command line are. */
static svf_status least_bits(const job *j, const svf_converted *l, double *bits)
{
  svf_model_options tail = j->model;
  size_t bytes = 0, hundredths = 0;
  tail.format = svf_format_of(j->model.format)->traits.dense;
  const svf_status status = svf_weights_bytes(&l->tensors, l->shape.m, l->shape.n, &tail, &bytes);
  if (status == SVF_OK && bytes > other_bytes(l)) {
    hundredths = (size_t)(100 * 8 * (double)(bytes - other_bytes(l)) / weights_of(l));
  }
  while (budget_of(l, (double)((float)hundredths / 100)) < bytes) ++hundredths;
  *bits = (double)hundredths / 100;
  return status;
}

/* The bits are too few for this layer. */
static svf_status note_least(job *j, const svf_converted *l)
{
  double least;
  const svf_status status = least_bits(j, l, &least);
  if (!j->lacking) j->lacking = l->name;
  if (least > j->least) j->least = least;
  return status;
}

/* Chooses the head of a layer in two bands for j->bits bits per weight on average. */
static svf_status plan_bits(job *j, svf_converted *l)
{
  const size_t budget = budget_of(l, j->bits);
  svf_linear_source factors = {.size = sizeof factors,
                               .m = l->shape.m,
                               .n = l->shape.n,
                               .quant = {.group = j->model.quant.group}};
  svf_weights_views views;
  svf_status status = svf_weights_open(&l->tensors, &views, &factors);
  if (status == SVF_OK) status = svf_quant_plan(&factors, budget, &l->options.quant, NULL);
  svf_weights_close(&views);
  if (status == SVF_ERR_SPACE) return note_least(j, l);
  /* A head of 0 would mean the default. */
  if (status == SVF_OK && l->options.quant.head == 0)
    l->options.format = svf_format_of(j->model.format)->traits.dense;
  return status;
}

static svf_status plan(void *context, svf_converted *l)
{
  job *j = context;
  svf_status status = SVF_OK;
  if (l->tensors.packed) {
    return svf_file_at_path(svf_fail(SVF_ERR_FILE,
                                     "'%s' is packed already: pack the model that this one was "
                                     "made from",
                                     l->name),
                            j->dir);
  }
  l->options = j->model;
  if (l->tensors.r > 0 && j->bits > 0) status = plan_bits(j, l);
  if (status != SVF_OK) return status;
  l->entry.dtype = SVF_TENSOR_U8;
  l->entry.ndim = 1;
  return svf_weights_bytes(&l->tensors, l->shape.m, l->shape.n, &l->options, &l->entry.shape[0]);
}

/* The fingerprint of all factors; "" for a dense model. */
static svf_status fingerprint(const char *dir, char *text, size_t bytes)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_model *model = NULL;
  text[0] = 0;
  const svf_status status = svf_model_open(dir, &outline, &model);
  if (status != SVF_OK) return status;
  const svf_modules *modules = svf_model_modules(model);
  if (modules->count > 0) snprintf(text, bytes, "%016" PRIx64, modules->fingerprint);
  svf_model_close(model);
  return SVF_OK;
}

/* --- Doing it --------------------------------------------------------------------------------- */

static svf_status append(const void *context, const svf_converted *l, svf_safetensors_writer *w)
{
  (void)context;
  const size_t bytes = l->entry.shape[0];
  void *block = svf_pages_alloc(bytes);
  if (!block)
    return svf_fail(SVF_ERR_MEMORY, "no memory for '%s': %zu bytes", l->new_tensor, bytes);
  svf_status status =
      svf_weights_pack(&l->tensors, l->shape.m, l->shape.n, &l->options, block, bytes);
  if (status == SVF_OK) status = svf_safetensors_append(w, block, bytes);
  free(block);
  return status;
}

/* Groups that are larger take fewer bits. */
static svf_status check_bits(const job *j)
{
  const svf_format_traits *t = &svf_format_of(j->model.format)->traits;
  if (!j->lacking) return SVF_OK;
  const size_t group = j->model.quant.group > 0 ? j->model.quant.group : t->groups[0];
  size_t most = group;
  for (size_t i = 0; i < t->group_count; ++i) most = t->groups[i] > most ? t->groups[i] : most;
  return svf_fail(SVF_ERR_ARGUMENT,
                  "'%s': %g bits are too few; this model takes at least %g in "
                  "groups of %zu%s",
                  j->lacking, j->bits, j->least, group,
                  most > group ? ", fewer in larger groups" : "");
}

static svf_status write_all(const job *j, const svf_drive *d)
{
  char digest[32];
  const svf_safetensors_pair pairs[] = {{"svf.weights", svf_format_name(j->model.format)},
                                        {"svf.factors", digest}};
  const svf_files_options one_file = {.limit = SIZE_MAX, .pairs = pairs, .count = 2};
  svf_status status = check_bits(j);
  if (status == SVF_OK) status = fingerprint(j->dir, digest, sizeof digest);
  return status == SVF_OK ? svf_drive_write(d, &one_file, j->model.threads) : status;
}

static svf_status read_options(const svf_pack_options *options, job *j)
{
  svf_pack_options o;
  svf_status status = svf_struct_read_options("options", options,
                                              SVF_SIZE_TO(svf_pack_options, bits), &o, sizeof o);
  if (status == SVF_OK) {
    status = svf_struct_read_options("options->model", o.model,
                                     SVF_SIZE_TO(svf_model_options, progress_context), &j->model,
                                     sizeof j->model);
  }
  if (status != SVF_OK) return status;
  j->bits = o.bits;
  const svf_format_row *row = svf_format_of(j->model.format);
  if (!row) {
    return svf_fail(SVF_ERR_ARGUMENT, "options->model->format is %d, which is no format",
                    (int)j->model.format);
  }
  if ((j->bits >= 0 && j->bits <= 64) && (j->bits <= 0 || row->traits.bands)) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "bits is %g; %s takes 0", j->bits,
                  svf_format_name(j->model.format));
}

svf_status svf_model_pack(const char *dir, const char *out, const svf_pack_options *options)
{
  static const svf_driver driver = {".packed", plan, append};
  job j = {.dir = dir};
  svf_drive d = {0};
  svf_status status = read_options(options, &j);
  if (status == SVF_OK) {
    status = svf_drive_open(&d, &driver, &j, dir, out, j.model.progress, j.model.progress_context);
  }
  if (status == SVF_OK) status = write_all(&j, &d);
  svf_drive_close(&d);
  return status;
}
