/* SPDX-License-Identifier: Apache-2.0
 *
 * svf_matmul on oneDNN: two matmul primitives, and everything around them (gathering X, gains,
 * bias, rounding) in plain C.
 *
 * One of our panels is a column of oneDNN's layout BA16a16b (bf16: BA16a16b2a), for fp32 only if k
 * is a multiple of 16. So the weights are read where they are. Where that would lead oneDNN to its
 * slow reference code, they are reordered into the layout that it prefers. */
#include "src/backend/onednn.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <svf/half.h>
#include <svf/linear.h>

#include "kernels/bf16.h"
#include "kernels/kernel.h"
#include "src/backend/onednn_api.h"
#include "src/core/status.h"

typedef struct call {
  const svf_matmul_args *args;
  const svf_linear_header *h;
  dnnl_data_type_t type; /* of X, the weights and T, as the products read them */
  dnnl_engine_t engine;
  dnnl_stream_t stream;
} call;

static svf_status failed(dnnl_status_t status, const char *what)
{
  if (status == dnnl_success) return SVF_OK;
  if (status == dnnl_out_of_memory)
    return svf_fail(SVF_ERR_MEMORY, "oneDNN: no memory for %s", what);
  return svf_fail(status == dnnl_unimplemented ? SVF_ERR_UNSUPPORTED : SVF_ERR_FAILED,
                  "oneDNN: %s gives status %d", what, (int)status);
}

static void *allocate(size_t rows, size_t columns, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(rows, columns, &bytes)) return NULL;
  if (__builtin_mul_overflow(bytes, size, &bytes)) return NULL;
  if (bytes > SIZE_MAX - SVF_LINE) return NULL;
  return aligned_alloc(SVF_LINE, (bytes + SVF_LINE - 1) / SVF_LINE * SVF_LINE);
}

/* --- One product: [rows][k] times weights [channels][k], transposed --------------------------- */

typedef struct product {
  size_t k, channels;
  const char *panels;
  desc src, weights, dst;
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t primitive;
  void *packed; /* weights as the primitive prefers them; NULL: the panels themselves */
} product;

/* False for oneDNN's reference code, which is unusably slow. */
static bool is_fast(dnnl_primitive_desc_t pd)
{
  const char *name = "";
  dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name);
  return strstr(name, "ref") == NULL;
}

static dnnl_status_t describe(const call *c, product *p, const desc *weights)
{
  dnnl_primitive_attr_t attr;
  dnnl_status_t status = dnnl_primitive_attr_create(&attr);
  if (status != dnnl_success) return status;
  status = matmul_desc(&p->pd, c->engine, &p->src, weights, &p->dst, attr);
  dnnl_primitive_attr_destroy(attr);
  return status;
}

static dnnl_status_t run_pair(const call *c, dnnl_primitive_t primitive, dnnl_memory_t src,
                              dnnl_memory_t weights, dnnl_memory_t dst)
{
  const dnnl_exec_arg_t product_args[] = {
      {DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, dst}};
  const dnnl_exec_arg_t copy_args[] = {{DNNL_ARG_FROM, src}, {DNNL_ARG_TO, dst}};
  const dnnl_status_t status = dnnl_primitive_execute(primitive, c->stream, weights ? 3 : 2,
                                                      weights ? product_args : copy_args);
  return status == dnnl_success ? dnnl_stream_wait(c->stream) : status;
}

/* Executes a primitive on memory: src, weights and dst of a matmul (count = 3), or the two sides of
 * a reorder (count = 2). */
static dnnl_status_t execute(const call *c, dnnl_primitive_t primitive, const desc *d,
                             const void *const *data, int count)
{
  dnnl_memory_t m[3] = {NULL, NULL, NULL};
  dnnl_status_t status = dnnl_success;
  for (int i = 0; i < count && status == dnnl_success; ++i) {
    status = dnnl_memory_create(&m[i], view(&d[i]), c->engine, (void *)(uintptr_t)data[i]);
  }
  if (status == dnnl_success) {
    status = run_pair(c, primitive, m[0], count == 3 ? m[1] : NULL, m[count - 1]);
  }
  for (int i = 0; i < count; ++i) {
    if (m[i]) dnnl_memory_destroy(m[i]);
  }
  return status;
}

static dnnl_status_t reorder(const call *c, const desc *from, const void *from_data, const desc *to,
                             void *to_data)
{
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&pd, view(from), c->engine, view(to), c->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, pd);
  if (status == dnnl_success) {
    const desc d[] = {*from, *to};
    const void *const data[] = {from_data, to_data};
    status = execute(c, primitive, d, data, 2);
  }
  if (primitive) dnnl_primitive_destroy(primitive);
  if (pd) dnnl_primitive_desc_destroy(pd);
  return status;
}

/* Reorders weights, which are panels or [channels][k], into the layout that the primitive
 * chooses. */
static svf_status prefer(const call *c, product *p, const desc *given, const void *weights)
{
  desc any;
  dnnl_status_t status = desc_init(&any, p->k, p->channels, c->type, dnnl_format_tag_any);
  if (status != dnnl_success) return failed(status, "the description of weights");
  status = describe(c, p, &any);
  desc_free(&any);
  if (status != dnnl_success) return failed(status, "the creation of a matmul");
  status = desc_clone(&p->weights, dnnl_primitive_desc_query_md(p->pd, dnnl_query_weights_md, 0));
  if (status != dnnl_success) return failed(status, "the description of weights");
  p->packed = allocate(1, 1, dnnl_memory_desc_get_size(view(&p->weights)));
  if (!p->packed) return svf_fail(SVF_ERR_MEMORY, "oneDNN: no memory for its layout of weights");
  return failed(reorder(c, given, weights, &p->weights, p->packed), "a reorder of weights");
}

/* fp32 panels whose k is not a multiple of 16 have no layout of oneDNN's: the factor is unpacked,
 * and that is reordered. */
static svf_status prefer_unpacked(const call *c, product *p)
{
  const bool is_u = p->channels == c->h->m && p->panels == (const char *)c->h + c->h->u_offset;
  float *plain = allocate(p->channels, p->k, sizeof *plain);
  if (!plain) return svf_fail(SVF_ERR_MEMORY, "oneDNN: no memory for unpacked weights");
  desc d;
  svf_status status = svf_linear_unpack(c->h, (size_t)c->h->bytes, is_u ? plain : NULL, p->k,
                                        is_u ? NULL : plain, p->k);
  if (status == SVF_OK) {
    status = failed(desc_init(&d, p->k, p->channels, dnnl_f32, dnnl_ba),
                    "the description of unpacked weights");
  }
  if (status == SVF_OK) {
    status = prefer(c, p, &d, plain);
    desc_free(&d);
  }
  free(plain);
  return status;
}

static svf_status make_product(const call *c, product *p)
{
  const size_t rows = c->args->rows;
  dnnl_status_t status = desc_init(&p->src, rows, p->k, c->type, dnnl_ab);
  if (status == dnnl_success) status = desc_init(&p->dst, rows, p->channels, dnnl_f32, dnnl_ab);
  if (status != dnnl_success) return failed(status, "the description of a matrix");
  svf_status made;
  if (c->type == dnnl_f32 && p->k % SVF_PANEL != 0) {
    made = prefer_unpacked(c, p);
  } else {
    desc panels;
    status = desc_init(&panels, p->k, p->channels, c->type,
                       c->type == dnnl_f32 ? dnnl_BA16a16b : dnnl_BA16a16b2a);
    if (status != dnnl_success) return failed(status, "the description of panels");
    if (describe(c, p, &panels) == dnnl_success && is_fast(p->pd)) {
      p->weights = panels;
      made = SVF_OK;
    } else {
      if (p->pd) dnnl_primitive_desc_destroy(p->pd);
      p->pd = NULL;
      made = prefer(c, p, &panels, p->panels);
      desc_free(&panels);
    }
  }
  if (made != SVF_OK) return made;
  return failed(dnnl_primitive_create(&p->primitive, p->pd), "the creation of a primitive");
}

static svf_status onednn_multiply(const call *c, product *p, const void *src, float *dst)
{
  const svf_status status = make_product(c, p);
  if (status != SVF_OK) return status;
  const desc d[] = {p->src, p->weights, p->dst};
  const void *const data[] = {src, p->packed ? p->packed : p->panels, dst};
  return failed(execute(c, p->primitive, d, data, 3), "a matmul");
}

static void free_product(product *p)
{
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->pd) dnnl_primitive_desc_destroy(p->pd);
  desc_free(&p->src);
  desc_free(&p->weights);
  desc_free(&p->dst);
  free(p->packed);
}

/* --- Around the products ---------------------------------------------------------------------- */

static const char *row_of(const void *data, svf_dtype type, ptrdiff_t stride, size_t row)
{
  const ptrdiff_t size = type == SVF_DTYPE_F32 ? 4 : 2;
  return (const char *)data + (row > 0 ? (ptrdiff_t)row * stride * size : 0);
}

/* Writes a row of fp32 as the products read it. */
static void put_row(const call *c, void *to, size_t row, size_t k, const float *x)
{
  if (c->type == dnnl_f32) {
    memcpy((float *)to + row * k, x, k * sizeof *x);
  } else {
    svf_f32_to_bf16(x, (uint16_t *)to + row * k, k);
  }
}

static void gather_x(const call *c, void *to, float *x_row)
{
  const svf_matmul_args *a = c->args;
  const size_t n = (size_t)c->h->n;
  for (size_t i = 0; i < a->rows; ++i) {
    const void *from = row_of(a->x, a->x_type, a->x_stride, i);
    if (a->x_type == SVF_DTYPE_F32) {
      memcpy(x_row, from, n * sizeof *x_row);
    } else {
      svf_bf16_to_f32(from, x_row, n);
    }
    put_row(c, to, i, n, x_row);
  }
}

static void apply_gains(const call *c, float *t, void *to)
{
  const size_t r = (size_t)c->h->r;
  for (size_t i = 0; i < c->args->rows; ++i) {
    const float *gains = c->args->gains ? c->args->gains[i] : NULL;
    if (!gains) gains = svf_linear_sigma(c->h);
    for (size_t k = 0; k < r; ++k) t[i * r + k] *= gains[k];
    put_row(c, to, i, r, t + i * r);
  }
}

static void scatter_y(const call *c, const float *sums)
{
  const svf_matmul_args *a = c->args;
  const size_t m = (size_t)c->h->m;
  for (size_t i = 0; i < a->rows; ++i) {
    char *row = (char *)(uintptr_t)row_of(a->y, a->y_type, a->y_stride, i);
    for (size_t j = 0; j < m; ++j) {
      float *wide = (float *)(void *)row + j;
      uint16_t *narrow = (uint16_t *)(void *)row + j;
      float y = sums[i * m + j];
      if (a->bias) y += a->bias[j];
      if (a->flags & SVF_MATMUL_ACCUMULATE)
        y += a->y_type == SVF_DTYPE_F32 ? *wide : svf_widen_bf16(*narrow);
      if (a->y_type == SVF_DTYPE_F32) {
        *wide = y;
      } else {
        *narrow = svf_round_bf16(y);
      }
    }
  }
}

/* --- The call --------------------------------------------------------------------------------- */

static svf_status onednn_run(const call *c)
{
  const size_t rows = c->args->rows, m = (size_t)c->h->m, n = (size_t)c->h->n;
  const size_t r = (size_t)c->h->r;
  const char *base = (const char *)c->h;
  product first = {.k = n, .channels = r, .panels = base + c->h->v_offset};
  product second = {.k = r > 0 ? r : n, .channels = m, .panels = base + c->h->u_offset};
  void *x = allocate(rows, n, sizeof(float)), *a = allocate(rows, r + 1, sizeof(float));
  float *t = allocate(rows, r + 1, sizeof *t), *y = allocate(rows, m, sizeof *y);
  float *x_row = allocate(1, n, sizeof *x_row);
  svf_status status = SVF_OK;
  if (!x || !a || !t || !y || !x_row) {
    status = svf_fail(SVF_ERR_MEMORY, "oneDNN: no memory for %zu rows", rows);
  } else {
    gather_x(c, x, x_row);
    if (r > 0) status = onednn_multiply(c, &first, x, t);
    if (r > 0 && status == SVF_OK) apply_gains(c, t, a);
    if (status == SVF_OK) status = onednn_multiply(c, &second, r > 0 ? a : x, y);
    if (status == SVF_OK) scatter_y(c, y);
  }
  free_product(&first);
  free_product(&second);
  free(x);
  free(a);
  free(t);
  free(y);
  free(x_row);
  return status;
}

static svf_status run_on_engine(call *c)
{
  svf_status status =
      failed(dnnl_engine_create(&c->engine, dnnl_cpu, 0), "the creation of an engine");
  if (status != SVF_OK) return status;
  status = failed(dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags),
                  "the creation of a stream");
  if (status == SVF_OK) {
    status = onednn_run(c);
    dnnl_stream_destroy(c->stream);
  }
  dnnl_engine_destroy(c->engine);
  return status;
}

svf_status svf_onednn_check(const svf_matmul_args *args)
{
  if ((uintptr_t)args->linear % SVF_LINEAR_ALIGNMENT != 0) {
    return svf_fail(
        SVF_ERR_UNSUPPORTED,
        "args->linear is at %p; the back end onednn reads blocks on multiples of %d bytes",
        args->linear, SVF_LINEAR_ALIGNMENT);
  }
  const svf_format format = (svf_format)svf_linear_info(args->linear)->format;
  if (args->t0) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "args->t0 is given, but oneDNN does not keep T");
  }
  if (format != SVF_FORMAT_F32 && format != SVF_FORMAT_BF16) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "the back end onednn has f32 and bf16, not %s",
                    svf_format_name(format));
  }
  return SVF_OK;
}

svf_status svf_onednn_matmul(const svf_matmul_args *args, size_t threads)
{
  const svf_linear_header *h = svf_linear_info(args->linear);
  const bool f32 = (svf_format)h->format == SVF_FORMAT_F32;
  call c = {.args = args, .h = h, .type = f32 ? dnnl_f32 : dnnl_bf16};
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  if (threads > 0) omp_set_num_threads((int)(threads < 1024 ? threads : 1024));
  const svf_status status = run_on_engine(&c);
  omp_set_num_threads(before);
  return status;
#else
  (void)threads;
  return run_on_engine(&c);
#endif
}
