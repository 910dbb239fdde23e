/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's linear layers as packed blocks in one file. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/core/status.h"
#include "src/convert/conversion.h"
#include "src/io/file.h"
#include "src/core/pages.h"
#include "src/transformer/weights.h"

enum { NAME = SVF_CONVERSION_NAME + 8 };

/* One linear layer: where it comes from, and the choices for its block. */
typedef struct layer {
  svf_weights_source source;
  svf_linear_shape shape;
  svf_model_options options;
  size_t bytes;
  char name[NAME]; /* "<name>.packed" */
} layer;

typedef struct job {
  svf_conversion c;
  const svf_model_options *o;
  double bits;
  layer *layers; /* [c.linears] */
} job;

static bool is_kept(const void *context, const svf_tensor *t)
{
  const job *j = context;
  return svf_conversion_linear_of(&j->c, t->name) == j->c.linears;
}

/* The head of a w84 layer of so many bits a weight. */
static svf_status plan_bits(const job *j, layer *l)
{
  svf_view u = {0}, v = {0}, sigma = {0};
  svf_status status = svf_view_open(l->source.u, &u);
  if (status == SVF_OK) status = svf_view_open(l->source.v, &v);
  if (status == SVF_OK) status = svf_view_open(l->source.s, &sigma);
  if (status == SVF_OK) {
    const size_t r = l->source.r;
    const double weights = (double)r * (double)(l->shape.m + l->shape.n);
    const svf_linear_source source = {.m = l->shape.m,
                                      .n = l->shape.n,
                                      .r = r,
                                      .u_type = u.type,
                                      .u = u.data,
                                      .u_stride = r,
                                      .vt_type = v.type,
                                      .vt = v.data,
                                      .vt_stride = l->shape.n,
                                      .sigma = sigma.data,
                                      .quant = {.group = j->o->quant.group}};
    const size_t budget =
        (size_t)(weights * j->bits / 8) + sizeof(svf_linear_header) + 4 * (r + 16);
    status = svf_quant_plan(&source, budget, &l->options.quant, NULL);
    if (status == SVF_ERR_SPACE) {
      status = svf_fail_at(SVF_ERR_ARGUMENT, "'%s': %g bits are too few", l->name, j->bits);
    }
  }
  svf_view_close(&u);
  svf_view_close(&v);
  svf_view_close(&sigma);
  return status;
}

static svf_status plan_layer(const job *j, size_t i)
{
  layer *l = &j->layers[i];
  l->shape = svf_model_linear_shape(&j->c.config, i);
  l->options = *j->o;
  snprintf(l->name, sizeof l->name, "%s.packed", j->c.names[i]);
  svf_status status = svf_weights_locate_linear(j->c.files, &j->c.config, i, &l->source);
  if (status != SVF_OK) return status;
  if (l->source.packed)
    return svf_file_at_path(svf_fail(SVF_ERR_FILE, "'%s' is packed already", j->c.names[i]),
                            j->c.dir);
  if (l->source.r > 0 && j->bits > 0) {
    status = plan_bits(j, l);
    if (l->options.quant.head == 0) l->options.format = SVF_FORMAT_W4; /* 0 means "by default" */
  }
  if (status != SVF_OK) return status;
  return svf_weights_bytes(&l->source, l->shape.m, l->shape.n, &l->options, &l->bytes);
}

/* The fingerprint of all factors; "" of a dense model. */
static svf_status fingerprint(const job *j, char *text, size_t bytes)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_model *model = NULL;
  text[0] = 0;
  const svf_status status = svf_model_open(j->c.dir, &outline, &model);
  if (status != SVF_OK) return status;
  const svf_modules *modules = svf_model_modules(model);
  if (modules->count > 0) snprintf(text, bytes, "%016" PRIx64, modules->fingerprint);
  svf_model_close(model);
  return SVF_OK;
}

static svf_status append_layer(const job *j, size_t i, svf_safetensors_writer *w)
{
  const layer *l = &j->layers[i];
  svf_status status = svf_conversion_step(&j->c, i, j->c.linears, j->c.names[i]);
  if (status != SVF_OK) return status;
  void *block = svf_pages_alloc(l->bytes);
  if (!block) return svf_fail(SVF_ERR_MEMORY, "no memory for '%s': %zu bytes", l->name, l->bytes);
  status = svf_weights_pack(&l->source, l->shape.m, l->shape.n, &l->options, block, l->bytes);
  if (status == SVF_OK) status = svf_safetensors_append(w, block, l->bytes);
  free(block);
  return status;
}

static svf_status write_all(const job *j)
{
  char path[PATH_MAX], digest[32];
  size_t count = j->c.linears;
  svf_safetensors_writer *w = NULL;
  svf_safetensors_entry *entries =
      calloc(count + svf_checkpoint_count(j->c.files), sizeof *entries);
  if (!entries) return svf_fail(SVF_ERR_MEMORY, "no memory for a list of tensors");
  for (size_t i = 0; i < count; ++i) {
    entries[i] = (svf_safetensors_entry){j->layers[i].name, SVF_TENSOR_U8, 1, {j->layers[i].bytes}};
  }
  svf_conversion_add_kept(&j->c, is_kept, j, entries, &count);
  svf_status status = fingerprint(j, digest, sizeof digest);
  const svf_safetensors_pair pairs[] = {{"svf.weights", svf_format_name(j->o->format)},
                                        {"svf.factors", digest}};
  if (status == SVF_OK) status = svf_conversion_path(&j->c, "model.safetensors", path, sizeof path);
  if (status == SVF_OK) status = svf_safetensors_create(path, entries, count, pairs, 2, &w);
  for (size_t i = 0; status == SVF_OK && i < j->c.linears; ++i) status = append_layer(j, i, w);
  if (status == SVF_OK) status = svf_conversion_append_kept(&j->c, is_kept, j, w);
  free(entries);
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

static svf_status check_options(const svf_model_options *o, double bits)
{
  if (!o) return svf_fail(SVF_ERR_NULL, "options is NULL");
  if (o->size != sizeof *o) {
    return svf_fail(SVF_ERR_VERSION, "options->size is %zu, this library expects %zu", o->size,
                    sizeof *o);
  }
  if (!(bits >= 0 && bits <= 64) || (bits > 0 && o->format != SVF_FORMAT_W84)) {
    return svf_fail(SVF_ERR_ARGUMENT, "bits is %g; w84 takes some, other formats 0", bits);
  }
  return SVF_OK;
}

static svf_status run(job *j, const char *dir, const char *out)
{
  svf_status status = svf_conversion_open(&j->c, dir, out);
  j->c.progress = j->o->progress;
  j->c.progress_context = j->o->progress_context;
  if (status == SVF_OK) status = svf_conversion_refuse(&j->c);
  if (status != SVF_OK) return status;
  j->layers = calloc(j->c.linears, sizeof *j->layers);
  if (!j->layers) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu layers", j->c.linears);
  for (size_t i = 0; status == SVF_OK && i < j->c.linears; ++i) status = plan_layer(j, i);
  if (status == SVF_OK) status = svf_conversion_copy_files(&j->c);
  return status == SVF_OK ? write_all(j) : status;
}

svf_status svf_model_pack(const char *dir, const char *out, const svf_model_options *options,
                          double bits)
{
  job j = {.o = options, .bits = bits};
  svf_status status = check_options(options, bits);
  if (status == SVF_OK) status = run(&j, dir, out);
  free(j.layers);
  svf_conversion_close(&j.c);
  return status;
}
