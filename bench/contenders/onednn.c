/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN: two matmul primitives in fp32 or bf16, weights reordered beforehand into the layout that
 * the primitive asks for (format_tag any), the gains as a binary_mul post-op of the first:
 * [rows][r], or [1][r] if all rows share one expert. In bf16 T is bf16 and X is converted in every
 * call, as svf does. API 2.x (operation descriptors) and 3.x. */
#include <oneapi/dnnl/dnnl.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/memory.h"

#define MUST(call) must(call, #call)

static void must(dnnl_status_t status, const char *call)
{
  if (status == dnnl_success) return;
  fprintf(stderr, "oneDNN: %s gives status %d\n", call, (int)status);
  exit(1);
}

/* --- What differs between the two APIs ---------------------------------------------------------
 */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc; /* a handle */
typedef const_dnnl_memory_desc_t desc_view;
static desc_view view(const desc *d) { return *d; }
static void desc_free(desc *d)
{
  if (*d) dnnl_memory_desc_destroy(*d);
  *d = NULL;
}
static desc desc_make(size_t rows, size_t columns, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  desc d;
  MUST(dnnl_memory_desc_create_with_tag(&d, 2, dims, type, tag));
  return d;
}
static desc desc_copy(desc_view v)
{
  desc d;
  MUST(dnnl_memory_desc_clone(&d, v));
  return d;
}
static dnnl_primitive_desc_t matmul_desc(dnnl_engine_t engine, const desc *src, const desc *weights,
                                         const desc *dst, dnnl_primitive_attr_t attr)
{
  dnnl_primitive_desc_t pd;
  MUST(dnnl_matmul_primitive_desc_create(&pd, engine, *src, *weights, NULL, *dst, attr));
  return pd;
}
#else
typedef dnnl_memory_desc_t desc; /* a struct */
typedef const dnnl_memory_desc_t *desc_view;
static desc_view view(const desc *d) { return d; }
static void desc_free(desc *d) { (void)d; }
static desc desc_make(size_t rows, size_t columns, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  desc d;
  MUST(dnnl_memory_desc_init_by_tag(&d, 2, dims, type, tag));
  return d;
}
static desc desc_copy(desc_view v) { return *v; }
static dnnl_primitive_desc_t matmul_desc(dnnl_engine_t engine, const desc *src, const desc *weights,
                                         const desc *dst, dnnl_primitive_attr_t attr)
{
  dnnl_matmul_desc_t op;
  dnnl_primitive_desc_t pd;
  MUST(dnnl_matmul_desc_init(&op, src, weights, NULL, dst));
  MUST(dnnl_primitive_desc_create(&pd, &op, attr, engine, NULL));
  return pd;
}
#endif

/* --- One product: [rows][k] times weights [channels][k], transposed -----------------------------
 */

typedef struct product {
  dnnl_primitive_t primitive;
  desc packed; /* layout of the weights in `data` */
  bool has_weights;
  char *data;             /* copies */
  dnnl_memory_t *weights; /* one per copy */
  dnnl_memory_t src, dst, gains;
} product;

typedef struct self {
  setup s;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  product stage[2];
  dnnl_data_type_t type;    /* of X, weights and T */
  dnnl_primitive_t convert; /* X to that type; NULL: none */
  dnnl_memory_t convert_from, convert_to;
  void *x, *t; /* buffers; x where it is converted */
} self;

static dnnl_memory_t memory_of(const self *me, const desc *d, const void *data)
{
  dnnl_memory_t memory;
  MUST(dnnl_memory_create(&memory, view(d), me->engine, (void *)(size_t)data));
  return memory;
}

static dnnl_primitive_t reorder_of(const self *me, desc_view from, desc_view to)
{
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t reorder;
  MUST(dnnl_reorder_primitive_desc_create(&pd, from, me->engine, to, me->engine, NULL));
  MUST(dnnl_primitive_create(&reorder, pd));
  dnnl_primitive_desc_destroy(pd);
  return reorder;
}

static void run_reorder(const self *me, dnnl_primitive_t reorder, dnnl_memory_t from,
                        dnnl_memory_t to)
{
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  MUST(dnnl_primitive_execute(reorder, me->stream, 2, args));
}

static void drop_weights(self *me, product *p)
{
  for (size_t i = 0; p->has_weights && i < me->s.copies; ++i) dnnl_memory_destroy(p->weights[i]);
  if (p->has_weights) desc_free(&p->packed);
  free(p->weights);
  free(p->data);
  p->weights = NULL;
  p->data = NULL;
  p->has_weights = false;
}

/* Copies of the weights in the layout that the primitive wants; kept while it stays the same. */
static void load_weights(self *me, product *p, desc_view wanted, const float *source, size_t k,
                         size_t channels)
{
  if (p->has_weights && dnnl_memory_desc_equal(wanted, view(&p->packed))) return;
  drop_weights(me, p);
  p->packed = desc_copy(wanted);
  p->has_weights = true;
  const size_t bytes = dnnl_memory_desc_get_size(wanted);
  const size_t stride = (bytes + 4095) / 4096 * 4096;
  p->data = bench_alloc(stride * me->s.copies);
  p->weights = calloc(me->s.copies, sizeof *p->weights);
  if (!p->weights) exit(1);
  for (size_t i = 0; i < me->s.copies; ++i) {
    p->weights[i] = memory_of(me, &p->packed, p->data + i * stride);
  }
  desc plain = desc_make(k, channels, dnnl_f32, dnnl_ba);
  dnnl_memory_t from = memory_of(me, &plain, source);
  dnnl_primitive_t reorder = reorder_of(me, view(&plain), wanted);
  run_reorder(me, reorder, from, p->weights[0]);
  MUST(dnnl_stream_wait(me->stream));
  for (size_t i = 1; i < me->s.copies; ++i) memcpy(p->data + i * stride, p->data, bytes);
  dnnl_primitive_destroy(reorder);
  dnnl_memory_destroy(from);
  desc_free(&plain);
}

static void drop_product(product *p)
{
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->src) dnnl_memory_destroy(p->src);
  if (p->dst) dnnl_memory_destroy(p->dst);
  if (p->gains) dnnl_memory_destroy(p->gains);
  p->primitive = NULL;
  p->src = p->dst = p->gains = NULL;
}

static void make_product(self *me, product *p, size_t rows, size_t k, size_t channels,
                         const float *weights, const void *src, void *dst,
                         dnnl_data_type_t dst_type, const float *gains, size_t gain_rows)
{
  drop_product(p);
  desc a = desc_make(rows, k, me->type, dnnl_ab);
  desc b = desc_make(k, channels, me->type, dnnl_format_tag_any);
  desc c = desc_make(rows, channels, dst_type, dnnl_ab);
  dnnl_primitive_attr_t attr;
  MUST(dnnl_primitive_attr_create(&attr));
  if (gains) {
    desc g = desc_make(gain_rows, channels, dnnl_f32, dnnl_ab);
    dnnl_post_ops_t ops;
    MUST(dnnl_post_ops_create(&ops));
    MUST(dnnl_post_ops_append_binary(ops, dnnl_binary_mul, view(&g)));
    MUST(dnnl_primitive_attr_set_post_ops(attr, ops));
    dnnl_post_ops_destroy(ops);
    p->gains = memory_of(me, &g, gains);
    desc_free(&g);
  }
  dnnl_primitive_desc_t pd = matmul_desc(me->engine, &a, &b, &c, attr);
  MUST(dnnl_primitive_create(&p->primitive, pd));
  load_weights(me, p, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), weights, k,
               channels);
  p->src = memory_of(me, &a, src);
  p->dst = memory_of(me, &c, dst);
  dnnl_primitive_desc_destroy(pd);
  dnnl_primitive_attr_destroy(attr);
  desc_free(&a);
  desc_free(&b);
  desc_free(&c);
}

static void execute(const self *me, const product *p, size_t copy)
{
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->src},
                                  {DNNL_ARG_WEIGHTS, p->weights[copy]},
                                  {DNNL_ARG_DST, p->dst},
                                  {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, p->gains}};
  MUST(dnnl_primitive_execute(p->primitive, me->stream, p->gains ? 4 : 3, args));
}

/* --- The contender ------------------------------------------------------------------------------
 */

static const char *computes(svf_format format)
{
  return svf_format_name(format == SVF_FORMAT_F32 ? format : SVF_FORMAT_BF16);
}

static const char *variant(svf_isa isa, svf_format format)
{
  static char text[32];
  const dnnl_version_t *v = dnnl_version();
  (void)isa, (void)format;
  snprintf(text, sizeof text, "v%d.%d.%d", v->major, v->minor, v->patch);
  return text;
}

static void *create(const setup *s)
{
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  me->s = *s;
  me->type = s->format == SVF_FORMAT_F32 ? dnnl_f32 : dnnl_bf16;
  omp_set_num_threads((int)s->threads);
  MUST(dnnl_engine_create(&me->engine, dnnl_cpu, 0));
  MUST(dnnl_stream_create(&me->stream, me->engine, dnnl_stream_default_flags));
  return me;
}

static void drop_convert(self *me)
{
  if (!me->convert) return;
  dnnl_primitive_destroy(me->convert);
  dnnl_memory_destroy(me->convert_from);
  dnnl_memory_destroy(me->convert_to);
  free(me->x);
  me->convert = NULL;
}

/* Where X will be in the type of the product, once `convert` has run. */
static void *convert_x(self *me, const float *x, size_t rows, size_t n)
{
  drop_convert(me);
  desc from = desc_make(rows, n, dnnl_f32, dnnl_ab), to = desc_make(rows, n, me->type, dnnl_ab);
  me->x = bench_alloc(rows * n * sizeof(float));
  me->convert = reorder_of(me, view(&from), view(&to));
  me->convert_from = memory_of(me, &from, x);
  me->convert_to = memory_of(me, &to, me->x);
  desc_free(&from);
  desc_free(&to);
  return me->x;
}

static bool prepare(void *p, const batch *b)
{
  self *me = p;
  const layer *l = me->s.layer;
  free(me->t);
  me->t = bench_alloc(b->rows * l->r * sizeof(float));
  const void *x = me->type == dnnl_f32 ? b->x : convert_x(me, b->x, b->rows, l->n);
  make_product(me, &me->stage[0], b->rows, l->n, l->r, l->vt, x, me->t, me->type, b->dense_gains,
               b->experts == 1 ? 1 : b->rows);
  make_product(me, &me->stage[1], b->rows, l->r, l->m, l->u, me->t, b->y, dnnl_f32, NULL, 0);
  return true;
}

static void run(void *p, size_t copy)
{
  const self *me = p;
  if (me->convert) run_reorder(me, me->convert, me->convert_from, me->convert_to);
  execute(me, &me->stage[0], copy);
  execute(me, &me->stage[1], copy);
  MUST(dnnl_stream_wait(me->stream));
}

static void destroy(void *p)
{
  self *me = p;
  for (int i = 0; i < 2; ++i) {
    drop_product(&me->stage[i]);
    drop_weights(me, &me->stage[i]);
  }
  drop_convert(me);
  dnnl_stream_destroy(me->stream);
  dnnl_engine_destroy(me->engine);
  free(me->t);
  free(me);
}

const contender contender_onednn = {"onednn", variant, computes, create,
                                    prepare,  run,     destroy,  false};
