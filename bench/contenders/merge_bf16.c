/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging as in merge.c, but in bf16 and on oneDNN: U and V^T are kept in bf16, U diag(d) is
 * rounded to bf16, W' comes out of the product in bf16 and X is rounded before it is multiplied.
 * oneDNN reads W' where it was written: there is no time to lay it out in between. */
#include "bench/contenders/onednn_api.h"

#include <stdlib.h>

#include "bench/contender.h"
#include "bench/memory.h"

/* A product without post-ops and with both operands where the caller has them. */
typedef struct product {
  dnnl_primitive_t primitive;
  dnnl_memory_t src, weights, dst;
} product;

typedef struct self {
  setup s;
  batch b;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  uint16_t *vt, *scaled, *merged; /* [r][n], [m][r], [m][n] */
  uint16_t *x;                    /* the rows of one expert */
  float *y;                       /* what becomes of them */
  product merge, apply[2]; /* apply: for the first experts' numbers of rows, and the last ones' */
} self;

static const char *computes(svf_format format)
{
  return format == SVF_FORMAT_BF16 || format == SVF_FORMAT_BF16_SPLIT ? "bf16" : NULL;
}

static const char *variant(svf_isa isa, svf_format format)
{
  return contender_onednn.variant(isa, format);
}

static void *create(const setup *s)
{
  const layer *l = s->layer;
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  me->s = *s;
  me->vt = bench_alloc(l->r * l->n * sizeof *me->vt);
  me->scaled = bench_alloc(l->m * l->r * sizeof *me->scaled);
  me->merged = bench_alloc(l->m * l->n * sizeof *me->merged);
  svf_f32_to_bf16(l->vt, me->vt, l->r * l->n);
  MUST(dnnl_engine_create(&me->engine, dnnl_cpu, 0));
  MUST(dnnl_stream_create(&me->stream, me->engine, dnnl_stream_default_flags));
  return me;
}

static void drop(product *p)
{
  if (!p->primitive) return;
  dnnl_primitive_destroy(p->primitive);
  dnnl_memory_destroy(p->src);
  dnnl_memory_destroy(p->weights);
  dnnl_memory_destroy(p->dst);
  *p = (product){0};
}

static dnnl_memory_t memory_of(const self *me, const desc *d, void *data)
{
  dnnl_memory_t memory;
  MUST(dnnl_memory_create(&memory, view(d), me->engine, data));
  return memory;
}

/* dst [rows][columns] = src [rows][k] times weights, [k][columns] with dnnl_ab or [columns][k] with
 * dnnl_ba. False where oneDNN has no such product for this CPU. */
static bool make(self *me, product *p, size_t rows, size_t k, size_t columns,
                 dnnl_format_tag_t order, void *src, void *weights, void *dst,
                 dnnl_data_type_t dst_type)
{
  desc a = desc_make(rows, k, dnnl_bf16, dnnl_ab), b = desc_make(k, columns, dnnl_bf16, order);
  desc c = desc_make(rows, columns, dst_type, dnnl_ab);
  dnnl_primitive_desc_t pd;
  const dnnl_status_t status = matmul_desc(&pd, me->engine, &a, &b, &c, NULL);
  if (status == dnnl_success) {
    MUST(dnnl_primitive_create(&p->primitive, pd));
    dnnl_primitive_desc_destroy(pd);
    p->src = memory_of(me, &a, src);
    p->weights = memory_of(me, &b, weights);
    p->dst = memory_of(me, &c, dst);
  }
  desc_free(&a);
  desc_free(&b);
  desc_free(&c);
  return status == dnnl_success;
}

static void drop_batch(self *me)
{
  drop(&me->merge);
  for (int i = 0; i < 2; ++i) drop(&me->apply[i]);
  free(me->x);
  free(me->y);
}

static bool prepare(void *p, const batch *b)
{
  self *me = p;
  const layer *l = me->s.layer;
  drop_batch(me);
  me->b = *b;
  const size_t most = batch_rows_of(b, 0);
  me->x = bench_alloc(most * l->n * sizeof *me->x);
  me->y = bench_alloc(most * l->m * sizeof *me->y);
  return make(me, &me->merge, l->m, l->r, l->n, dnnl_ab, me->scaled, me->vt, me->merged,
              dnnl_bf16) &&
         make(me, &me->apply[0], most, l->n, l->m, dnnl_ba, me->x, me->merged, me->y, dnnl_f32) &&
         (most == 1 || make(me, &me->apply[1], most - 1, l->n, l->m, dnnl_ba, me->x, me->merged,
                            me->y, dnnl_f32));
}

static void execute(const self *me, const product *p)
{
  const dnnl_exec_arg_t args[] = {
      {DNNL_ARG_SRC, p->src}, {DNNL_ARG_WEIGHTS, p->weights}, {DNNL_ARG_DST, p->dst}};
  MUST(dnnl_primitive_execute(p->primitive, me->stream, 3, args));
  MUST(dnnl_stream_wait(me->stream));
}

/* U diag(gains), rounded, a row at a time. */
static void scale(const self *me, const float *gains)
{
  enum { RUN = 256 };
  const layer *l = me->s.layer;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < l->m; ++i) {
    for (size_t k0 = 0; k0 < l->r; k0 += RUN) {
      float run[RUN];
      const size_t at = i * l->r + k0, count = l->r - k0 < RUN ? l->r - k0 : RUN;
      for (size_t k = 0; k < count; ++k) run[k] = l->u[at + k] * gains[k0 + k];
      svf_f32_to_bf16(run, me->scaled + at, count);
    }
  }
}

static void run(void *p, size_t turn)
{
  self *me = p;
  const layer *l = me->s.layer;
  const batch *b = &me->b;
  const size_t most = batch_rows_of(b, 0);
  (void)turn;
  for (size_t e = 0; e < b->experts && e < b->rows; ++e) {
    const size_t rows = batch_rows_of(b, e);
    scale(me, b->gains[e]);
    execute(me, &me->merge);
    for (size_t i = 0; i < rows; ++i) {
      svf_f32_to_bf16(b->x + (e + i * b->experts) * l->n, me->x + i * l->n, l->n);
    }
    execute(me, &me->apply[rows < most]);
    for (size_t i = 0; i < rows; ++i) {
      float *y = b->y + (e + i * b->experts) * l->m;
      for (size_t j = 0; j < l->m; ++j) y[j] = me->y[i * l->m + j];
    }
  }
}

static void destroy(void *p)
{
  self *me = p;
  drop_batch(me);
  dnnl_stream_destroy(me->stream);
  dnnl_engine_destroy(me->engine);
  free(me->vt);
  free(me->scaled);
  free(me->merged);
  free(me);
}

const contender contender_merge_bf16 = {.name = "merge_bf16",
                                        .title = "merge bf16",
                                        .versus = "vs_merge_bf16",
                                        .computes = computes,
                                        .variant = variant,
                                        .create = create,
                                        .prepare = prepare,
                                        .run = run,
                                        .destroy = destroy,
                                        .slow = true,
                                        .alternative = true};
