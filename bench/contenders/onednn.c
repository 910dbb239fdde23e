/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN: two matmul primitives, weights reordered beforehand into the layout that the primitive
 * asks for (format_tag any), the gains as a binary_mul post-op of the first: [rows][r], or [1][r]
 * if all rows share one expert. Y is fp32.
 *
 *   f32    X, weights and T in fp32
 *   bf16   X, weights and T in bf16; X is converted in every call, as svf does
 *   s8     weights with a scale per channel; X and T quantised by us, a scale per row, in the time.
 *          A row's scale of X is the same factor for all of its T, so it waits for the end: scales
 *          of V's channels go with the gains, those of U's channels are a post-op of the second
 *          product, those of rows are multiplied into Y by us: as a post-op they would make oneDNN
 *          (2.6 and 3.2) fall back on its reference code */
#include "bench/contenders/onednn_api.h"

#include <omp.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/contenders/quantise.h"
#include "bench/memory.h"

/* What is compared with svf's formats. */
typedef struct arithmetic {
  const char *name;
  dnnl_data_type_t type; /* of weights, X and T as the products read them */
  dnnl_data_type_t t;    /* of T as the first product leaves it */
  size_t size, t_size;   /* bytes of an element of either */
} arithmetic;

/* The nearest by what is kept of X: integers of more than 8 bits stand beside bf16. */
static const arithmetic *find_kind(svf_format format)
{
  static const arithmetic f32 = {"f32", dnnl_f32, dnnl_f32, 4, 4},
                          bf16 = {"bf16", dnnl_bf16, dnnl_bf16, 2, 2},
                          s8 = {"s8", dnnl_s8, dnnl_f32, 1, 4};
  const svf_format_traits t = format_traits(format);
  if (t.integer && t.x_precision <= 8) return &s8;
  return t.integer || t.x_precision <= 8 ? &bf16 : &f32;
}

/* --- One product: [rows][k] times weights [channels][k], transposed --------------------------- */

typedef struct product {
  size_t k, channels;
  dnnl_primitive_t primitive;
  char implementation[32]; /* as oneDNN calls it */
  desc packed;             /* layout of the weights in `data` */
  bool has_weights;
  char *data; /* copies */
  size_t copies;
  dnnl_memory_t *weights; /* one per copy */
  float *scale;           /* of the weights' channels, where they are quantised */
  dnnl_memory_t src, dst, factors;
} product;

typedef struct self {
  setup s;
  const arithmetic *kind;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  product stage[2];
  batch b;
  void *x, *t;              /* X, where it is not the caller's, and what stage 1 leaves */
  dnnl_primitive_t convert; /* X to bf16; NULL: none */
  dnnl_memory_t convert_from, convert_to;
  /* Quantised: T, the gains times the scales of V's channels, scales of X's and T's rows. */
  int8_t *t_quantised;
  float *gains, *x_scale, *t_scale;
} self;

static dnnl_memory_t memory_of(const self *me, const desc *d, const void *data)
{
  dnnl_memory_t memory;
  MUST(dnnl_memory_create(&memory, view(d), me->engine, (void *)(size_t)data));
  return memory;
}

/* From one type and layout to another. */
static dnnl_primitive_t reorder_of(const self *me, const desc *from, const desc *to)
{
  dnnl_primitive_desc_t pd;
  dnnl_primitive_t reorder;
  MUST(dnnl_reorder_primitive_desc_create(&pd, view(from), me->engine, view(to), me->engine, NULL));
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

/* --- Weights ---------------------------------------------------------------------------------- */

static void drop_weights(product *p)
{
  for (size_t i = 0; p->has_weights && i < p->copies; ++i) dnnl_memory_destroy(p->weights[i]);
  if (p->has_weights) desc_free(&p->packed);
  free(p->weights);
  free(p->data);
  p->weights = NULL;
  p->data = NULL;
  p->has_weights = false;
}

static size_t weight_bytes(const product *p) { return dnnl_memory_desc_get_size(view(&p->packed)); }

/* The first copy, from [channels][k] in fp32. */
static void pack_weights(self *me, product *p, const float *source)
{
  int8_t *quantised = NULL;
  if (me->kind->type == dnnl_s8) {
    quantised = bench_alloc(p->channels * p->k);
    quantise_rows(source, p->channels, p->k, quantised, p->scale);
  }
  desc plain = desc_make(p->k, p->channels, quantised ? dnnl_s8 : dnnl_f32, dnnl_ba);
  dnnl_memory_t from = memory_of(me, &plain, quantised ? (const void *)quantised : source);
  dnnl_primitive_t reorder = reorder_of(me, &plain, &p->packed);
  run_reorder(me, reorder, from, p->weights[0]);
  MUST(dnnl_stream_wait(me->stream));
  dnnl_primitive_destroy(reorder);
  dnnl_memory_destroy(from);
  desc_free(&plain);
  free(quantised);
}

/* Copies of the weights in the layout that the primitive wants; kept while it stays the same. */
static void load_weights(self *me, product *p, desc_view wanted, const float *source)
{
  if (p->has_weights && dnnl_memory_desc_equal(wanted, view(&p->packed))) return;
  drop_weights(p);
  p->packed = desc_copy(wanted);
  p->has_weights = true;
  const layer *l = me->s.layer;
  const size_t bytes = weight_bytes(p), stride = (bytes + 4095) / 4096 * 4096;
  p->copies = setup_copies(&me->s, l->r * (l->m + l->n) * me->kind->size);
  p->data = bench_alloc(stride * p->copies);
  p->weights = calloc(p->copies, sizeof *p->weights);
  if (!p->weights) exit(1);
  for (size_t i = 0; i < p->copies; ++i) {
    p->weights[i] = memory_of(me, &p->packed, p->data + i * stride);
  }
  pack_weights(me, p, source);
  for (size_t i = 1; i < p->copies; ++i) memcpy(p->data + i * stride, p->data, bytes);
}

/* --- The primitive ---------------------------------------------------------------------------- */

/* What the sums are multiplied by: [rows] or [1][channels], or nothing. */
typedef struct factors {
  const float *data;
  size_t rows;
} factors;

static void drop_primitive(product *p)
{
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->src) dnnl_memory_destroy(p->src);
  if (p->dst) dnnl_memory_destroy(p->dst);
  if (p->factors) dnnl_memory_destroy(p->factors);
  p->primitive = NULL;
  p->src = p->dst = p->factors = NULL;
}

static dnnl_primitive_attr_t make_attributes(self *me, product *p, factors f)
{
  dnnl_primitive_attr_t attr;
  dnnl_post_ops_t ops;
  MUST(dnnl_primitive_attr_create(&attr));
  if (!f.data) return attr;
  desc d = desc_make(f.rows, p->channels, dnnl_f32, dnnl_ab);
  MUST(dnnl_post_ops_create(&ops));
  MUST(dnnl_post_ops_append_binary(ops, dnnl_binary_mul, view(&d)));
  MUST(dnnl_primitive_attr_set_post_ops(attr, ops));
  dnnl_post_ops_destroy(ops);
  p->factors = memory_of(me, &d, f.data);
  desc_free(&d);
  return attr;
}

/* False where oneDNN has no such product for this CPU. */
static bool make_product(self *me, product *p, const float *weights, const void *src, void *dst,
                         dnnl_data_type_t dst_type, factors f)
{
  const size_t rows = me->b.rows;
  drop_primitive(p);
  desc a = desc_make(rows, p->k, me->kind->type, dnnl_ab);
  desc b = desc_make(p->k, p->channels, me->kind->type, dnnl_format_tag_any);
  desc c = desc_make(rows, p->channels, dst_type, dnnl_ab);
  dnnl_primitive_attr_t attr = make_attributes(me, p, f);
  dnnl_primitive_desc_t pd;
  const dnnl_status_t status = matmul_desc(&pd, me->engine, &a, &b, &c, attr);
  if (status == dnnl_success) {
    const char *name = "?";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name);
    snprintf(p->implementation, sizeof p->implementation, "%s", name);
    MUST(dnnl_primitive_create(&p->primitive, pd));
    load_weights(me, p, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), weights);
    p->src = memory_of(me, &a, src);
    p->dst = memory_of(me, &c, dst);
    dnnl_primitive_desc_destroy(pd);
  } else if (status != dnnl_unimplemented) {
    must(status, "creation of a matmul");
  }
  dnnl_primitive_attr_destroy(attr);
  desc_free(&a);
  desc_free(&b);
  desc_free(&c);
  return status == dnnl_success;
}

static void execute(const self *me, const product *p, size_t turn)
{
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->src},
                                  {DNNL_ARG_WEIGHTS, p->weights[turn % p->copies]},
                                  {DNNL_ARG_DST, p->dst},
                                  {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, p->factors}};
  MUST(dnnl_primitive_execute(p->primitive, me->stream, p->factors ? 4 : 3, args));
}

/* --- The contender ---------------------------------------------------------------------------- */

static const char *computes(svf_format format) { return find_kind(format)->name; }

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
  const layer *l = s->layer;
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  me->s = *s;
  me->kind = find_kind(s->format);
  me->stage[0] = (product){.k = l->n, .channels = l->r};
  me->stage[1] = (product){.k = l->r, .channels = l->m};
  for (int i = 0; i < 2; ++i) {
    me->stage[i].scale = bench_alloc(me->stage[i].channels * sizeof(float));
  }
  omp_set_num_threads((int)s->threads);
  MUST(dnnl_engine_create(&me->engine, dnnl_cpu, 0));
  MUST(dnnl_stream_create(&me->stream, me->engine, dnnl_stream_default_flags));
  return me;
}

static void drop_batch(self *me)
{
  if (me->convert) {
    dnnl_primitive_destroy(me->convert);
    dnnl_memory_destroy(me->convert_from);
    dnnl_memory_destroy(me->convert_to);
    me->convert = NULL;
  }
  free(me->x);
  free(me->t);
  free(me->t_quantised);
  free(me->gains);
  free(me->x_scale);
  free(me->t_scale);
  me->x = me->t = NULL;
  me->t_quantised = NULL;
  me->gains = me->x_scale = me->t_scale = NULL;
}

/* Where X will be in the type of the products, once `convert` has run. */
static void prepare_conversion(self *me)
{
  const size_t rows = me->b.rows, n = me->s.layer->n;
  desc from = desc_make(rows, n, dnnl_f32, dnnl_ab),
       to = desc_make(rows, n, me->kind->type, dnnl_ab);
  me->x = bench_alloc(rows * n * me->kind->size);
  me->convert = reorder_of(me, &from, &to);
  me->convert_from = memory_of(me, &from, me->b.x);
  me->convert_to = memory_of(me, &to, me->x);
  desc_free(&from);
  desc_free(&to);
}

static bool prepare_float(self *me, size_t gain_rows)
{
  const layer *l = me->s.layer;
  const batch *b = &me->b;
  const factors gains = {b->dense_gains, gain_rows}, none = {NULL, 0};
  if (me->kind->type != dnnl_f32) prepare_conversion(me);
  return make_product(me, &me->stage[0], l->vt, me->x ? me->x : b->x, me->t, me->kind->t, gains) &&
         make_product(me, &me->stage[1], l->u, me->t, b->y, dnnl_f32, none);
}

static bool prepare_quantised(self *me, size_t gain_rows)
{
  const layer *l = me->s.layer;
  const batch *b = &me->b;
  me->x = bench_alloc(b->rows * l->n);
  me->t_quantised = bench_alloc(b->rows * l->r);
  me->x_scale = bench_alloc(b->rows * sizeof(float));
  me->t_scale = bench_alloc(b->rows * sizeof(float));
  me->gains = bench_alloc(gain_rows * l->r * sizeof(float));
  const factors gains = {me->gains, gain_rows}, scales = {me->stage[1].scale, 1};
  if (!make_product(me, &me->stage[0], l->vt, me->x, me->t, me->kind->t, gains) ||
      !make_product(me, &me->stage[1], l->u, me->t_quantised, b->y, dnnl_f32, scales)) {
    return false;
  }
  for (size_t i = 0; i < gain_rows * l->r; ++i) {
    me->gains[i] = b->dense_gains[i] * me->stage[0].scale[i % l->r];
  }
  return true;
}

static bool prepare(void *p, const batch *b)
{
  self *me = p;
  const size_t gain_rows = b->experts == 1 ? 1 : b->rows;
  drop_batch(me);
  me->b = *b;
  me->t = bench_alloc(b->rows * me->s.layer->r * me->kind->t_size);
  return me->kind->type == dnnl_s8 ? prepare_quantised(me, gain_rows)
                                   : prepare_float(me, gain_rows);
}

static void run_float(const self *me, size_t turn)
{
  if (me->convert) run_reorder(me, me->convert, me->convert_from, me->convert_to);
  execute(me, &me->stage[0], turn);
  execute(me, &me->stage[1], turn);
  MUST(dnnl_stream_wait(me->stream));
}

static void run_quantised(const self *me, size_t turn)
{
  const layer *l = me->s.layer;
  const size_t rows = me->b.rows;
  quantise_rows(me->b.x, rows, l->n, me->x, me->x_scale);
  execute(me, &me->stage[0], turn);
  MUST(dnnl_stream_wait(me->stream));
  quantise_rows(me->t, rows, l->r, me->t_quantised, me->t_scale);
  execute(me, &me->stage[1], turn);
  MUST(dnnl_stream_wait(me->stream));
  for (size_t i = 0; i < rows; ++i) me->t_scale[i] *= me->x_scale[i];
  scale_rows(me->b.y, rows, l->m, me->t_scale);
}

static void run(void *p, size_t turn)
{
  const self *me = p;
  (me->kind->type == dnnl_s8 ? run_quantised : run_float)(me, turn);
}

static void destroy(void *p)
{
  self *me = p;
  for (int i = 0; i < 2; ++i) {
    drop_primitive(&me->stage[i]);
    drop_weights(&me->stage[i]);
    free(me->stage[i].scale);
  }
  dnnl_stream_destroy(me->stream);
  dnnl_engine_destroy(me->engine);
  drop_batch(me);
  free(me);
}

static size_t bytes(const void *p)
{
  const self *me = p;
  return weight_bytes(&me->stage[0]) + weight_bytes(&me->stage[1]);
}

static void detail(const void *p, char *text, size_t size)
{
  const self *me = p;
  const char *first = me->stage[0].implementation, *second = me->stage[1].implementation;
  if (strcmp(first, second) == 0) {
    snprintf(text, size, "%s", first);
  } else {
    snprintf(text, size, "%s, %s", first, second);
  }
}

const contender contender_onednn = {.name = "onednn",
                                    .title = "oneDNN",
                                    .versus = "vs_onednn",
                                    .computes = computes,
                                    .variant = variant,
                                    .create = create,
                                    .prepare = prepare,
                                    .run = run,
                                    .destroy = destroy,
                                    .bytes = bytes,
                                    .detail = detail};
