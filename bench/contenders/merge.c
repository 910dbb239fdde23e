/* SPDX-License-Identifier: Apache-2.0
 *
 * Merge, then dense: what an engine without a fused kernel does when the expert changes. Forms
 * W' = U diag(d) V^T by sgemm, then multiplies X by it. Serves one expert at a time: a batch of E
 * experts pays E merges, and E dense products of their share of the rows. */
#include <cblas.h>
#include <stdlib.h>

#include "bench/contender.h"
#include "bench/contenders/merge.h"
#include "bench/memory.h"

typedef struct self {
  setup s;
  batch b;
  float *scaled, *merged; /* U diag(d), W' */
} self;

static const char *variant(svf_isa isa, svf_format format)
{
  return contender_openblas.variant(isa, format);
}

static void *create(const setup *s)
{
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  me->s = *s;
  me->scaled = bench_alloc(s->layer->m * s->layer->r * sizeof(float));
  me->merged = bench_alloc(s->layer->m * s->layer->n * sizeof(float));
  openblas_set_num_threads((int)s->threads);
  return me;
}

static bool prepare(void *p, const batch *b)
{
  self *me = p;
  me->b = *b;
  return true;
}

void merge_weights(const layer *l, const float *gains, float *scaled, float *merged)
{
  const int m = (int)l->m, n = (int)l->n, r = (int)l->r;
  for (size_t i = 0; i < l->m; ++i) {
    for (size_t k = 0; k < l->r; ++k) scaled[i * l->r + k] = l->u[i * l->r + k] * gains[k];
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, r, 1, scaled, r, l->vt, n, 0, merged,
              n);
}

static void run(void *p, size_t turn)
{
  self *me = p;
  const layer *l = me->s.layer;
  const int m = (int)l->m, n = (int)l->n;
  (void)turn;
  for (size_t e = 0; e < me->b.experts && e < me->b.rows; ++e) {
    const size_t step = me->b.experts, rows = batch_rows_of(&me->b, e);
    merge_weights(l, me->b.gains[e], me->scaled, me->merged);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, m, n, 1, me->b.x + e * l->n,
                (int)(step * l->n), me->merged, n, 0, me->b.y + e * l->m, (int)(step * l->m));
  }
}

static void destroy(void *p)
{
  self *me = p;
  free(me->scaled);
  free(me->merged);
  free(me);
}

const contender contender_merge = {.name = "merge",
                                   .title = "merge",
                                   .versus = "vs_merge",
                                   .computes = contender_f32,
                                   .variant = variant,
                                   .create = create,
                                   .prepare = prepare,
                                   .run = run,
                                   .destroy = destroy,
                                   .slow = true};
