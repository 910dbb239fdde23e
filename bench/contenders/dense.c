/* SPDX-License-Identifier: Apache-2.0
 *
 * Dense layers in place of experts: what an engine does that holds merged weights. They run on
 * svf's own dense kernels, which are as fast as any that stand beside it.
 *
 *   dense    one merged layer, that of the first expert, for all rows: no choice of an expert
 *   models   a merged layer for each expert, all of them in memory, each called with its rows */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/contenders/merge.h"
#include "bench/memory.h"

typedef struct self {
  setup s;
  batch b;
  size_t models;        /* layers that are loaded; 0: none yet */
  size_t bytes, stride; /* of one layer, and from one to the next */
  size_t copies;        /* of all layers */
  char *blocks;         /* [copies][models] */
  void *workspace;
  size_t workspace_bytes;
} self;

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "dense: %s: %s\n", svf_status_name(status), svf_last_message());
  exit(1);
}

static const char *variant(svf_isa isa, svf_format format)
{
  return svf_isa_name(svf_isa_serving(isa, format));
}

/* W' in integers loses something else than its factors do, so results could not be compared. */
static const char *computes(svf_format format)
{
  return format_traits(format).integer ? NULL : svf_format_name(format);
}

static void *create(const setup *s)
{
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  me->s = *s;
  const svf_linear_source source = {
      .size = sizeof source, .m = s->layer->m, .n = s->layer->n, .format = s->format};
  must(svf_linear_bytes(&source, &me->bytes));
  me->stride = (me->bytes + 4095) / 4096 * 4096;
  return me;
}

static void pack_model(self *me, size_t model, float *scaled, float *merged)
{
  const layer *l = me->s.layer;
  merge_weights(l, me->b.gains[model], scaled, merged);
  const svf_linear_source source = {.size = sizeof source,
                                    .m = l->m,
                                    .n = l->n,
                                    .format = me->s.format,
                                    .u = merged,
                                    .u_stride = l->n};
  must(svf_linear_pack(&source, me->blocks + model * me->stride, me->bytes));
}

static void load(self *me, size_t models)
{
  const layer *l = me->s.layer;
  float *scaled = bench_alloc(l->m * l->r * sizeof *scaled);
  float *merged = bench_alloc(l->m * l->n * sizeof *merged);
  const size_t set = models * me->stride;
  free(me->blocks);
  me->models = models;
  me->copies = setup_copies(&me->s, models * me->bytes);
  me->blocks = bench_alloc(set * me->copies);
  for (size_t e = 0; e < models; ++e) pack_model(me, e, scaled, merged);
  for (size_t i = 1; i < me->copies; ++i) memcpy(me->blocks + i * set, me->blocks, set);
  free(scaled);
  free(merged);
}

/* The rows that carry expert e, on its own layer. */
static svf_matmul_args call_of(const self *me, size_t turn, size_t e)
{
  const layer *l = me->s.layer;
  const size_t copy = turn % me->copies;
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = me->blocks + (copy * me->models + e) * me->stride,
                           .rows = batch_rows_of(&me->b, e),
                           .x = me->b.x + e * l->n,
                           .x_stride = (ptrdiff_t)(me->b.experts * l->n),
                           .y = me->b.y + e * l->m,
                           .y_stride = (ptrdiff_t)(me->b.experts * l->m),
                           .isa = me->s.isa};
}

static bool prepare_models(void *p, const batch *b)
{
  self *me = p;
  me->b = *b;
  if (b->experts > b->rows) me->b.experts = b->rows;
  if (me->models != me->b.experts) load(me, me->b.experts);
  free(me->workspace);
  const svf_matmul_args largest = call_of(me, 0, 0);
  must(svf_matmul_workspace(&largest, me->s.threads, &me->workspace_bytes));
  me->workspace = bench_alloc(me->workspace_bytes);
  return true;
}

static bool prepare_dense(void *p, const batch *b)
{
  batch one = *b;
  one.experts = 1;
  return prepare_models(p, &one);
}

static void run(void *p, size_t turn)
{
  const self *me = p;
  for (size_t e = 0; e < me->models; ++e) {
    const svf_matmul_args call = call_of(me, turn, e);
    must(svf_matmul(&call, me->s.threads, me->workspace, me->workspace_bytes));
  }
}

static size_t bytes(const void *p)
{
  const self *me = p;
  return me->models * me->bytes;
}

static void destroy(void *p)
{
  self *me = p;
  free(me->blocks);
  free(me->workspace);
  free(me);
}

const contender contender_dense = {.name = "dense",
                                   .title = "dense",
                                   .versus = "vs_dense",
                                   .computes = computes,
                                   .variant = variant,
                                   .create = create,
                                   .prepare = prepare_dense,
                                   .run = run,
                                   .destroy = destroy,
                                   .bytes = bytes,
                                   .other_work = true,
                                   .alternative = true};

const contender contender_models = {.name = "models",
                                    .title = "models",
                                    .versus = "vs_models",
                                    .computes = computes,
                                    .variant = variant,
                                    .create = create,
                                    .prepare = prepare_models,
                                    .run = run,
                                    .destroy = destroy,
                                    .bytes = bytes,
                                    .alternative = true};
