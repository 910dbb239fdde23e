/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>

#include "kernels/format.h"
#include "src/core/pages.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/team.h"
#include "src/io/tensor.h"

enum { NAME = 160 };

/* --- Tensors ---------------------------------------------------------------------------------- */

static void close_view(svf_view *view)
{
  free(view->owned);
  *view = (svf_view){0};
}

/* Errors: UNSUPPORTED (the tensor's type), MEMORY. */
static svf_status open_view(const svf_tensor *t, svf_view *view)
{
  *view = (svf_view){.type = t->dtype == SVF_TENSOR_BF16 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                     .data = t->data};
  const bool usable = t->dtype == SVF_TENSOR_BF16 || t->dtype == SVF_TENSOR_F32;
  if (usable && (uintptr_t)t->data % svf_dtype_size(view->type) == 0) return SVF_OK;
  float *copy = malloc((t->elements + !t->elements) * sizeof *copy);
  if (!copy) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for tensor '%.80s': %zu values", t->name,
                    t->elements);
  }
  *view = (svf_view){SVF_DTYPE_F32, copy, copy};
  const svf_status status = svf_tensor_to_f32(t, copy, t->elements);
  if (status != SVF_OK) close_view(view);
  return status;
}

static void print_shape(const svf_tensor *t, char *text, size_t bytes)
{
  size_t at = (size_t)snprintf(text, bytes, "[");
  for (int i = 0; i < t->ndim && at < bytes; ++i) {
    at += (size_t)snprintf(text + at, bytes - at, "%s%zu", i ? ", " : "", t->shape[i]);
  }
  if (at < bytes) snprintf(text + at, bytes - at, "]");
}

/* A shape of two dimensions or, with columns = 0, of one. */
static svf_tensor shape_of(size_t rows, size_t columns)
{
  return (svf_tensor){.ndim = columns > 0 ? 2 : 1, .shape = {rows, columns}};
}

static svf_status missing(const svf_checkpoint *files, const char *name, size_t rows,
                          size_t columns)
{
  char wants[64];
  const svf_tensor expected = shape_of(rows, columns);
  print_shape(&expected, wants, sizeof wants);
  return svf_fail(SVF_ERR_FILE, "tensor '%.80s' is missing: the model needs it, %s (%.200s)", name,
                  wants, svf_checkpoint_list(files));
}

static svf_status check_shape(const svf_checkpoint *files, const svf_tensor *t, size_t rows,
                              size_t columns)
{
  const svf_tensor expected = shape_of(rows, columns);
  if (t->ndim == expected.ndim && t->shape[0] == rows && (columns == 0 || t->shape[1] == columns))
    return SVF_OK;
  char has[128], wants[64];
  print_shape(t, has, sizeof has);
  print_shape(&expected, wants, sizeof wants);
  return svf_fail(SVF_ERR_FILE, "tensor '%.80s' has shape %s, the model needs %s (%.200s)", t->name,
                  has, wants, svf_checkpoint_file(files, t));
}

svf_status svf_weights_find(const svf_checkpoint *files, const char *name, size_t rows,
                            size_t columns, const svf_tensor **tensor)
{
  *tensor = svf_checkpoint_find(files, name);
  return *tensor ? check_shape(files, *tensor, rows, columns) : missing(files, name, rows, columns);
}

svf_status svf_weights_floats(const svf_checkpoint *files, const char *name, size_t rows,
                              float **out)
{
  const svf_tensor *t = NULL;
  const svf_status status = svf_weights_find(files, name, rows, 0, &t);
  if (status != SVF_OK) return status;
  *out = malloc(rows * sizeof **out);
  if (!*out) return svf_fail(SVF_ERR_MEMORY, "no memory for '%s': %zu values", name, rows);
  return svf_tensor_to_f32(t, *out, rows);
}

/* --- Where a layer's weights are -------------------------------------------------------------- */

static const svf_tensor *suffixed(const svf_checkpoint *files, const char *name, const char *suffix)
{
  char text[NAME];
  snprintf(text, sizeof text, "%s.%s", name, suffix);
  return svf_checkpoint_find(files, text);
}

static svf_status check_factors(const svf_checkpoint *files, const char *name, size_t m, size_t n,
                                svf_layer_tensors *s)
{
  if (!s->u || !s->s || !s->v) {
    return svf_fail(SVF_ERR_FILE, "'%s' has no %s: factors are .U, .S and .V (%.200s)", name,
                    !s->u   ? ".U"
                    : !s->s ? ".S"
                            : ".V",
                    svf_checkpoint_list(files));
  }
  s->r = s->s->elements;
  if (s->r == 0 || s->r > svf_size_min(m, n)) {
    return svf_fail(SVF_ERR_FILE, "'%s.S' has %zu singular values, a %zu x %zu matrix has 1 to %zu",
                    name, s->r, m, n, svf_size_min(m, n));
  }
  if (s->s->dtype != SVF_TENSOR_F32) {
    return svf_fail(SVF_ERR_FILE, "'%s.S' is %s, singular values are F32", name,
                    svf_tensor_type_name(s->s->dtype));
  }
  svf_status status = check_shape(files, s->s, s->r, 0);
  if (status == SVF_OK) status = check_shape(files, s->u, m, s->r);
  return status == SVF_OK ? check_shape(files, s->v, s->r, n) : status;
}

/* The block must be that of an m x n layer. Its bytes are not verified, since that would read them
 * all. */
static svf_status check_packed(const svf_checkpoint *files, const char *name, size_t m, size_t n,
                               svf_layer_tensors *s)
{
  svf_linear_header h;
  if (s->packed->dtype != SVF_TENSOR_U8 || s->packed->bytes < sizeof h) {
    return svf_fail(SVF_ERR_FILE, "'%s.packed' is %zu bytes of %s, not a packed layer (%.200s)",
                    name, s->packed->bytes, svf_tensor_type_name(s->packed->dtype),
                    svf_checkpoint_file(files, s->packed));
  }
  memcpy(&h, s->packed->data, sizeof h);
  if (h.m != m || h.n != n) {
    return svf_fail(SVF_ERR_FILE,
                    "'%s.packed' is a %llu x %llu layer, the model needs %zu x %zu (%.200s)", name,
                    (unsigned long long)h.m, (unsigned long long)h.n, m, n,
                    svf_checkpoint_file(files, s->packed));
  }
  if (h.r > svf_size_min(m, n)) { /* a pass takes memory in proportion to r */
    return svf_fail(SVF_ERR_FILE,
                    "'%s.packed' has rank %llu, a %zu x %zu matrix has at most %zu (%.200s)", name,
                    (unsigned long long)h.r, m, n, svf_size_min(m, n),
                    svf_checkpoint_file(files, s->packed));
  }
  s->r = (size_t)h.r;
  return SVF_OK;
}

svf_status svf_weights_locate(const svf_checkpoint *files, const char *name, const char *alias,
                              size_t m, size_t n, svf_layer_tensors *tensors)
{
  svf_layer_tensors s = {.packed = suffixed(files, name, "packed"),
                         .u = suffixed(files, name, "U"),
                         .s = suffixed(files, name, "S"),
                         .v = suffixed(files, name, "V")};
  char dense[NAME];
  *tensors = s;
  if (s.packed) return check_packed(files, name, m, n, tensors);
  if (s.u || s.s || s.v) return check_factors(files, name, m, n, tensors);
  snprintf(dense, sizeof dense, "%s%s", alias ? alias : name, alias ? "" : ".weight");
  return svf_weights_find(files, dense, m, n, &tensors->dense);
}

svf_status svf_weights_locate_linear(const svf_checkpoint *files, const svf_config *config,
                                     size_t i, svf_layer_tensors *tensors)
{
  char name[NAME];
  const svf_linear_shape shape = svf_model_linear_shape(config, i);
  svf_model_linear_name(config, i, name);
  return svf_weights_locate(files, name, svf_model_linear_alias(config, i), shape.m, shape.n,
                            tensors);
}

/* --- What can be packed ----------------------------------------------------------------------- */

static svf_status open_weights(const svf_tensor *t, svf_view *view)
{
  const svf_status status = svf_tensor_check_finite(t);
  return status == SVF_OK ? open_view(t, view) : status;
}

svf_status svf_weights_open(const svf_layer_tensors *s, svf_weights_views *views,
                            svf_linear_source *to)
{
  *views = (svf_weights_views){0};
  svf_status status = open_weights(s->r > 0 ? s->u : s->dense, &views->u);
  if (s->r > 0) {
    if (status == SVF_OK) status = open_weights(s->v, &views->vt);
    if (status == SVF_OK) status = open_weights(s->s, &views->sigma);
  }
  to->r = s->r;
  to->u_type = views->u.type;
  to->u = views->u.data;
  to->u_stride = s->r > 0 ? s->r : to->n;
  to->vt_type = views->vt.type;
  to->vt = views->vt.data;
  to->vt_stride = s->r > 0 ? to->n : 0;
  to->sigma = views->sigma.data;
  return status;
}

void svf_weights_close(svf_weights_views *views)
{
  close_view(&views->u);
  close_view(&views->vt);
  close_view(&views->sigma);
}

/* --- Packing ---------------------------------------------------------------------------------- */

/* What svf_linear_pack takes, with the format and the quantisation that suit the layer. */
static void choose(const svf_layer_tensors *s, size_t m, size_t n, const svf_model_options *o,
                   svf_linear_source *out)
{
  *out = (svf_linear_source){
      .size = sizeof *out, .m = m, .n = n, .r = s->r, .format = o->format, .quant = o->quant};
  const svf_format_row *row = svf_format_of(o->format);
  if (!row || !row->traits.bands) return;
  if (s->r == 0) {
    out->format = row->traits.dense;
    out->quant.head = 0;
  } else if (out->quant.head == 0) {
    out->quant.head = s->r / 4 / SVF_HEAD_UNIT * SVF_HEAD_UNIT;
  } else {
    out->quant.head = svf_size_min(out->quant.head, s->r / SVF_HEAD_UNIT * SVF_HEAD_UNIT);
  }
}

svf_status svf_weights_bytes(const svf_layer_tensors *tensors, size_t m, size_t n,
                             const svf_model_options *o, size_t *bytes)
{
  svf_linear_source to;
  if (tensors->packed) {
    *bytes = tensors->packed->bytes;
    return SVF_OK;
  }
  choose(tensors, m, n, o, &to);
  return svf_linear_bytes(&to, bytes);
}

typedef struct pack_task {
  const svf_linear_source *source;
  void *block;
  size_t bytes;
  svf_status status;
} pack_task;

/* svf_team_work. All shares fail alike, before they write. */
static void pack_shares(void *context, svf_member *m)
{
  pack_task *t = context;
  for (size_t share; svf_member_next(m, &share);) {
    const svf_status status = svf_linear_pack_part(t->source, t->block, t->bytes, share, m->shares);
    if (share == 0) t->status = status;
  }
}

/* What failed is repeated here, since error messages belong to the thread that made them. */
static svf_status pack(const svf_linear_source *from, size_t threads, void *block, size_t bytes)
{
  pack_task task = {from, block, bytes, SVF_OK};
  svf_team_run(threads ? threads : svf_max_threads(), pack_shares, &task);
  if (task.status != SVF_OK) return svf_linear_pack_part(from, block, bytes, 0, 1);
  return svf_linear_seal(block, bytes);
}

svf_status svf_weights_pack(const svf_layer_tensors *tensors, size_t m, size_t n,
                            const svf_model_options *o, void *block, size_t bytes)
{
  svf_linear_source to;
  svf_weights_views views;
  choose(tensors, m, n, o, &to);
  svf_status status = svf_weights_open(tensors, &views, &to);
  if (status == SVF_OK) status = pack(&to, o->threads, block, bytes);
  svf_weights_close(&views);
  return status;
}

static svf_status load_sigma(const svf_layer_tensors *s, svf_model_linear *layer)
{
  if (s->r == 0) return SVF_OK;
  layer->sigma = malloc(s->r * sizeof *layer->sigma);
  if (!layer->sigma) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for '%s.S': %zu values", layer->name, s->r);
  }
  return svf_tensor_to_f32(s->s, layer->sigma, s->r);
}

svf_status svf_weights_fail_packed(const svf_checkpoint *files, const char *name, svf_status status)
{
  svf_fail_at(status, "'%s.packed'", name);
  return svf_fail_at(status, "%s", svf_checkpoint_file(files, suffixed(files, name, "packed")));
}

svf_status svf_weights_load(const svf_checkpoint *files, const char *alias,
                            const svf_model_options *o, svf_model_linear *layer)
{
  svf_layer_tensors s;
  svf_status status = svf_weights_locate(files, layer->name, alias, layer->m, layer->n, &s);
  if (status == SVF_OK) status = svf_weights_bytes(&s, layer->m, layer->n, o, &layer->bytes);
  if (status != SVF_OK) return status;
  layer->r = s.r;
  layer->packed = s.packed != NULL;
  if (!s.packed && o->flags & SVF_MODEL_OUTLINE) return load_sigma(&s, layer);
  layer->block = s.packed ? s.packed->data : NULL;
  if (!s.packed || (uintptr_t)layer->block % SVF_LINEAR_ALIGNMENT != 0) {
    if (!(layer->owned = svf_pages_alloc(layer->bytes))) {
      return svf_fail(SVF_ERR_MEMORY, "no memory for '%s': %zu bytes", layer->name, layer->bytes);
    }
    layer->block = layer->owned;
    if (!s.packed) return svf_weights_pack(&s, layer->m, layer->n, o, layer->owned, layer->bytes);
    memcpy(layer->owned, s.packed->data, layer->bytes);
  }
  status = svf_linear_check(layer->block, layer->bytes, false);
  return status == SVF_OK ? status : svf_weights_fail_packed(files, layer->name, SVF_ERR_FILE);
}
