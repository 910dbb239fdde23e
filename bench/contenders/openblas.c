/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenBLAS: two sgemm with the gains applied between them. Its weights stay as engines store them;
 * it packs them anew in every call, having no interface for weights packed beforehand. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/memory.h"

typedef struct self {
  setup s;
  batch b;
  float *weights; /* copies of [U][V^T] */
  size_t stride, copies;
  float *t;
} self;

static const char *variant(svf_isa isa, svf_format format)
{
  static char text[32];
  char name[32] = "?";
  (void)isa, (void)format;
  sscanf(openblas_get_config(), "OpenBLAS %31s", name);
  snprintf(text, sizeof text, "v%.28s", name);
  return text;
}

static void *create(const setup *s)
{
  self *me = calloc(1, sizeof *me);
  if (!me) exit(1);
  const layer *l = s->layer;
  const size_t u = l->m * l->r, vt = l->r * l->n;
  me->s = *s;
  me->stride = (u + vt + 1023) / 1024 * 1024;
  me->copies = setup_copies(s, (u + vt) * sizeof(float));
  me->weights = bench_alloc(me->stride * me->copies * sizeof(float));
  for (size_t i = 0; i < me->copies; ++i) {
    memcpy(me->weights + i * me->stride, l->u, u * sizeof(float));
    memcpy(me->weights + i * me->stride + u, l->vt, vt * sizeof(float));
  }
  openblas_set_num_threads((int)s->threads);
  return me;
}

static bool prepare(void *p, const batch *b)
{
  self *me = p;
  me->b = *b;
  free(me->t);
  me->t = bench_alloc(b->rows * me->s.layer->r * sizeof(float));
  return true;
}

static void run(void *p, size_t turn)
{
  self *me = p;
  const layer *l = me->s.layer;
  const int rows = (int)me->b.rows, m = (int)l->m, n = (int)l->n, r = (int)l->r;
  const float *u = me->weights + turn % me->copies * me->stride, *vt = u + l->m * l->r;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, r, n, 1, me->b.x, n, vt, n, 0, me->t,
              r);
  for (size_t i = 0; i < me->b.rows; ++i) {
    const float *d = me->b.gains[i];
    float *t = me->t + i * l->r;
    for (size_t k = 0; k < l->r; ++k) t[k] *= d[k];
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, m, r, 1, me->t, r, u, r, 0, me->b.y,
              m);
}

static size_t bytes(const void *p)
{
  const layer *l = ((const self *)p)->s.layer;
  return l->r * (l->m + l->n) * sizeof(float);
}

static void destroy(void *p)
{
  self *me = p;
  free(me->weights);
  free(me->t);
  free(me);
}

const contender contender_openblas = {.name = "openblas",
                                      .title = "OpenBLAS",
                                      .versus = "vs_openblas",
                                      .computes = contender_f32,
                                      .variant = variant,
                                      .create = create,
                                      .prepare = prepare,
                                      .run = run,
                                      .destroy = destroy,
                                      .bytes = bytes};
