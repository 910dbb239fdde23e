/* SPDX-License-Identifier: Apache-2.0
 *
 * Factors and gains multiplied out. */
#define _GNU_SOURCE
#include "src/convert/merge.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/convert/conversion.h"
#include "src/convert/split.h"
#include "src/io/file.h"
#include "src/transformer/weights.h"

enum { NAME = SVF_CONVERSION_NAME + 8, ROWS = 256 };

#define FILE_BYTES ((size_t)5000000000) /* what transformers' save_pretrained takes, too */

/* One layer in factors. */
typedef struct layer {
  svf_weights_source source;
  svf_linear_shape shape;
  const char *name;
  char weight[NAME]; /* "<name>.weight" */
  size_t gains;      /* where its gains begin */
} layer;

typedef struct job {
  svf_conversion c;
  const float *gains;
  svf_dtype dtype;
  layer *layers;
  size_t count;
  svf_safetensors_entry *entries; /* those layers, then what is kept */
} job;

static bool is_kept(const void *context, const svf_tensor *t)
{
  const job *j = context;
  const size_t linear = svf_conversion_linear_of(&j->c, t->name);
  if (linear == j->c.linears) return true;
  for (size_t i = 0; i < j->count; ++i) {
    if (j->layers[i].name == j->c.names[linear]) return false;
  }
  return true;
}

static svf_status list_layers(job *j)
{
  size_t gains = 0;
  j->layers = calloc(j->c.linears, sizeof *j->layers);
  if (!j->layers) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu layers", j->c.linears);
  for (size_t i = 0; i < j->c.linears; ++i) {
    const bool tied_head = j->c.config.tied && i + 1 == j->c.linears;
    layer *l = &j->layers[j->count];
    *l = (layer){.shape = svf_model_linear_shape(&j->c.config, i), .name = j->c.names[i]};
    const svf_status status = svf_weights_locate_linear(j->c.files, &j->c.config, i, &l->source);
    if (status != SVF_OK) return status;
    if (l->source.packed) {
      return svf_file_at_path(
          svf_fail(SVF_ERR_FILE, "'%s' is packed: merge the model that it was packed from",
                   l->name),
          j->c.dir);
    }
    if (l->source.r == 0) continue;
    if (tied_head) {
      return svf_fail(SVF_ERR_UNSUPPORTED,
                      "'%s' is in factors, but tied to the embedding: merged, it would be ignored",
                      l->name);
    }
    snprintf(l->weight, sizeof l->weight, "%s.weight", l->name);
    l->gains = gains;
    gains += l->source.r;
    ++j->count;
  }
  if (j->count > 0) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "no layer of the model is in factors: nothing is to be merged");
}

/* --- One layer -------------------------------------------------------------------------------- */

typedef struct room {
  float *u, *vt, *sigma; /* the factors in fp32 */
  float *rows;           /* [ROWS][n] of W' */
} room;

static bool take_room(const layer *l, room *r)
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

/* Rows of W', a block of them at a time. */
static svf_status multiply(const job *j, const layer *l, const room *r, svf_safetensors_writer *w)
{
  const size_t n = l->shape.n, rank = l->source.r;
  const float *gains = j->gains ? j->gains + l->gains : r->sigma;
  svf_status status = SVF_OK;
  for (size_t i = 0; i < l->shape.m * rank; ++i) r->u[i] *= gains[i % rank];
  for (size_t row = 0, rows; status == SVF_OK && row < l->shape.m; row += rows) {
    rows = svf_size_min(ROWS, l->shape.m - row);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)n, (int)rank, 1,
                r->u + row * rank, (int)rank, r->vt, (int)n, 0, r->rows, (int)n);
    status = svf_conversion_append_floats(w, r->rows, rows * n, j->dtype);
  }
  return status;
}

static svf_status append_layer(const job *j, size_t i, svf_safetensors_writer *w)
{
  const layer *l = &j->layers[i];
  const svf_weights_source *s = &l->source;
  room r = {0};
  svf_status status = svf_conversion_step(&j->c, i, j->count, l->name);
  if (status != SVF_OK) return status;
  if (!take_room(l, &r)) status = svf_fail(SVF_ERR_MEMORY, "no memory for '%s'", l->name);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->u, r.u, s->u->elements);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->v, r.vt, s->v->elements);
  if (status == SVF_OK) status = svf_tensor_to_f32(s->s, r.sigma, s->r);
  if (status == SVF_OK) status = multiply(j, l, &r, w);
  free_room(&r);
  return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static svf_status append(const void *context, size_t i, svf_safetensors_writer *w)
{
  const job *j = context;
  if (i < j->count) return append_layer(j, i, w);
  const svf_tensor *t = svf_checkpoint_find(j->c.files, j->entries[i].name);
  return svf_safetensors_append(w, t->data, t->bytes);
}

static svf_status write_all(job *j, size_t limit)
{
  size_t count = j->count;
  j->entries = calloc(count + svf_checkpoint_count(j->c.files), sizeof *j->entries);
  if (!j->entries) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of tensors");
  for (size_t i = 0; i < count; ++i) {
    const layer *l = &j->layers[i];
    j->entries[i] =
        (svf_safetensors_entry){sizeof *j->entries,
                                l->weight,
                                j->dtype == SVF_DTYPE_F32 ? SVF_TENSOR_F32 : SVF_TENSOR_BF16,
                                2,
                                {l->shape.m, l->shape.n}};
  }
  svf_conversion_add_kept(&j->c, is_kept, j, j->entries, &count);
  return svf_split_write(&j->c, j->entries, count, limit, append, j);
}

svf_status svf_merge(const char *dir, const char *out, const float *gains, svf_dtype dtype,
                     size_t limit, svf_progress_fn *progress, void *progress_context)
{
  job j = {.gains = gains, .dtype = dtype};
  if (svf_dtype_size(dtype) == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "dtype is %d, which is no element type", (int)dtype);
  }
  svf_status status = svf_conversion_open(&j.c, dir, out);
  j.c.progress = progress;
  j.c.progress_context = progress_context;
  if (status == SVF_OK) status = svf_conversion_refuse(&j.c);
  if (status == SVF_OK) status = list_layers(&j);
  if (status == SVF_OK) status = svf_conversion_copy_files(&j.c);
  if (status == SVF_OK) status = write_all(&j, limit);
  free(j.entries);
  free(j.layers);
  svf_conversion_close(&j.c);
  return status;
}

svf_status svf_model_merge(const char *dir, const char *out, const float *gains, svf_dtype dtype,
                           svf_progress_fn *progress, void *progress_context)
{
  return svf_merge(dir, out, gains, dtype, FILE_BYTES, progress, progress_context);
}
