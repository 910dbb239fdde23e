/* SPDX-License-Identifier: Apache-2.0
 *
 * The library itself, through its public API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/memory.h"

typedef struct self {
  setup s;
  size_t copies;
  char *blocks;
  size_t bytes, stride;
  svf_matmul_args args;
  void *workspace;
  size_t workspace_bytes;
} self;

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "svf: %s: %s\n", svf_status_name(status), svf_last_message());
  exit(1);
}

static const char *variant(svf_isa isa, svf_format format)
{
  return svf_isa_name(svf_isa_serving(isa, format));
}

static void *create(const setup *s)
{
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  const layer *l = s->layer;
  const svf_linear_source source = {.size = sizeof source,
                                    .m = l->m,
                                    .n = l->n,
                                    .r = l->r,
                                    .format = s->format,
                                    .u = l->u,
                                    .u_stride = l->r,
                                    .vt = l->vt,
                                    .vt_stride = l->n,
                                    .sigma = l->sigma,
                                    .quant = setup_quant(s->format, s->group, l->r)};
  me->s = *s;
  must(svf_linear_bytes(&source, &me->bytes));
  me->stride = (me->bytes + 4095) / 4096 * 4096;
  me->copies = setup_copies(s, me->bytes);
  me->blocks = bench_alloc(me->stride * me->copies);
  must(svf_linear_pack(&source, me->blocks, me->bytes));
  for (size_t i = 1; i < me->copies; ++i) {
    memcpy(me->blocks + i * me->stride, me->blocks, me->bytes);
  }
  return me;
}

static bool prepare_gains(self *me, const batch *b, const float *const *gains)
{
  const layer *l = me->s.layer;
  me->args = (svf_matmul_args){.size = sizeof me->args,
                               .linear = me->blocks,
                               .rows = b->rows,
                               .x = b->x,
                               .x_stride = (ptrdiff_t)l->n,
                               .gains = gains,
                               .y = b->y,
                               .y_stride = (ptrdiff_t)l->m,
                               .isa = me->s.isa};
  free(me->workspace);
  must(svf_matmul_workspace(&me->args, me->s.threads, &me->workspace_bytes));
  me->workspace = bench_alloc(me->workspace_bytes);
  return true;
}

static bool prepare(void *p, const batch *b) { return prepare_gains(p, b, b->gains); }
static bool prepare_one(void *p, const batch *b) { return prepare_gains(p, b, b->first); }

static void run(void *p, size_t turn)
{
  self *me = p;
  me->args.linear = me->blocks + turn % me->copies * me->stride;
  must(svf_matmul(&me->args, me->s.threads, me->workspace, me->workspace_bytes));
}

static size_t bytes(const void *p) { return ((const self *)p)->bytes; }

static void destroy(void *p)
{
  self *me = p;
  free(me->blocks);
  free(me->workspace);
  free(me);
}

const contender contender_svf = {.name = "svf",
                                 .title = "svf",
                                 .computes = svf_format_name,
                                 .variant = variant,
                                 .create = create,
                                 .prepare = prepare,
                                 .run = run,
                                 .destroy = destroy,
                                 .bytes = bytes};

const contender contender_svf_one = {.name = "one",
                                     .title = "one expert",
                                     .versus = "vs_one_expert",
                                     .computes = svf_format_name,
                                     .variant = variant,
                                     .create = create,
                                     .prepare = prepare_one,
                                     .run = run,
                                     .destroy = destroy,
                                     .bytes = bytes,
                                     .other_work = true};
