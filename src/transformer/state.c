/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/state.h"

#include <math.h>
#include <stdlib.h>

#include <svf/matmul.h>

#include "src/core/dispatch.h"
#include "src/core/pages.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/transformer/rope.h"

static float *floats(size_t rows, size_t width)
{
  return svf_pages_array(rows, width, sizeof(float));
}

/* How many linear layers, from linear layer i on, are carried out together. */
static size_t together(const svf_model *m, size_t i)
{
  if (i == m->linear_count - 1) return 1;
  switch (i % SVF_LAYER_LINEARS) {
    case SVF_Q: return 3;
    case SVF_GATE: return 2;
    default: return 1;
  }
}

static svf_status size_workspace(svf_state *s)
{
  const svf_model *m = s->model;
  for (size_t i = 0, count; i < m->linear_count; i += count) {
    svf_matmul_args args[SVF_ABREAST];
    size_t bytes = 0;
    count = together(m, i);
    for (size_t j = 0; j < count; ++j) {
      args[j] = (svf_matmul_args){.size = sizeof args[j],
                                  .linear = m->linears[i + j].block,
                                  .rows = s->sizes.rows,
                                  .isa = s->isa};
    }
    const svf_status status = svf_matmul_group_workspace(args, count, s->sizes.threads, &bytes);
    if (status != SVF_OK) return status;
    s->workspace_bytes = svf_size_max(s->workspace_bytes, bytes);
  }
  return SVF_OK;
}

static bool allocate_slot(svf_activations *a, const svf_config *f, size_t rows)
{
  const size_t q = f->heads * f->head_dim, kv = f->kv_heads * f->head_dim;
  return (a->h = floats(rows, f->hidden)) && (a->q = floats(rows, q)) &&
         (a->k = floats(rows, kv)) && (a->v = floats(rows, kv)) &&
         (a->attended = floats(rows, q)) && (a->gate = floats(rows, f->intermediate)) &&
         (a->up = floats(rows, f->intermediate));
}

/* What gradients need. `gated` is read before the next layer overwrites it, so all have one. */
static bool allocate_kept(svf_state *s, size_t slot)
{
  const size_t rows = s->sizes.rows;
  const svf_config *f = &s->model->config;
  svf_activations *a = &s->slot[slot];
  bool all = (a->x = floats(rows, f->hidden)) && (a->mid = floats(rows, f->hidden)) &&
             (a->gated = slot > 0 ? s->slot[0].gated : floats(rows, f->intermediate));
  for (size_t i = 0; all && i < SVF_LAYER_LINEARS; ++i) {
    const size_t r = svf_model_layer(s->model, slot)[i].r;
    all = r == 0 || (a->t0[i] = floats(rows, r));
  }
  return all;
}

static svf_status allocate_all(svf_state *s, size_t positions)
{
  const svf_config *f = &s->model->config;
  const size_t rows = s->sizes.rows, threads = s->sizes.threads, half = f->head_dim / 2;
  bool all = (s->cos = floats(positions, half)) && (s->sin = floats(positions, half)) &&
             (s->x = floats(rows, f->hidden)) && (s->last = floats(rows, f->hidden)) &&
             (s->slot = calloc(s->sizes.slots, sizeof *s->slot)) &&
             (s->workspace = svf_pages_array(s->workspace_bytes, 1, 1)) &&
             (s->scratch = floats(threads, s->scratch_floats)) &&
             (s->lists = svf_pages_array(threads * SVF_ABREAST, rows, sizeof *s->lists)) &&
             (s->gains = svf_pages_array(rows, 1, sizeof *s->gains)) &&
             (s->position = svf_pages_array(rows, 1, sizeof *s->position)) &&
             (s->run = svf_pages_array(rows + 1, 1, sizeof *s->run));
  for (size_t i = 0; all && i < s->sizes.slots; ++i) {
    all = allocate_slot(&s->slot[i], f, rows) && (!s->sizes.keeps || allocate_kept(s, i));
  }
  return all ? SVF_OK : svf_fail(SVF_ERR_MEMORY, "no memory for passes of %zu rows", rows);
}

svf_status svf_state_create(svf_state *s, const svf_model *model, const svf_kv *kv,
                            const svf_state_sizes *sizes, svf_isa isa)
{
  const svf_config *f = &model->config;
  *s = (svf_state){.model = model, .sizes = *sizes, .isa = isa};
  s->attention.ops = svf_dispatch_ops();
  s->attention.heads_per_kv = f->heads / f->kv_heads;
  s->attention.scale = (float)(1 / sqrt((double)f->head_dim));
  svf_status status = svf_dispatch(isa, SVF_FORMAT_F32, 0, 1, &s->attention.kernel);
  if (status == SVF_OK) status = size_workspace(s);
  if (status != SVF_OK) return status;
  s->scratch_floats = svf_attention_scratch(&s->attention, kv, kv->limit);
  status = allocate_all(s, kv->limit);
  if (status == SVF_OK) svf_rope_tables(f, kv->limit, s->cos, s->sin);
  return status;
}

static void free_slot(svf_activations *a)
{
  float *const all[] = {a->h, a->q, a->k, a->v, a->attended, a->gate, a->up, a->x, a->mid};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) free(all[i]);
  for (size_t i = 0; i < SVF_LAYER_LINEARS; ++i) free(a->t0[i]);
}

void svf_state_free(svf_state *s)
{
  if (s->slot) free(s->slot[0].gated);
  for (size_t i = 0; s->slot && i < s->sizes.slots; ++i) free_slot(&s->slot[i]);
  free(s->workspace);
  free(s->slot);
  free(s->cos);
  free(s->sin);
  free(s->x);
  free(s->last);
  free(s->scratch);
  free((void *)s->lists);
  free((void *)s->gains);
  free(s->position);
  free(s->run);
  *s = (svf_state){0};
}
