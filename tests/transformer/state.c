/* SPDX-License-Identifier: Apache-2.0
 *
 * A model that is made in memory, and passes that keep what each layer computed. */
#include "tests/transformer/made.h"

#include <svf/matmul.h>

#include "src/transformer/pass.h"

enum { ROWS = 9, THREADS = 2 };

static svf_model *model;
static float *gains;

/* One pass of ROWS tokens of one sequence over the first `layers` layers, alternately with gains
 * and without. */
static void run(svf_state *s, svf_kv *kv, size_t layers, size_t slots)
{
  svf_row rows[ROWS];
  const size_t more = ROWS;
  const svf_state_sizes sizes = {.rows = ROWS, .threads = THREADS, .slots = slots};
  model->config.layers = layers;
  ck_works(svf_kv_create(kv, layers, 2, 8, ROWS, 1, ROWS));
  ck_works(svf_state_create(s, model, kv, &sizes, SVF_ISA_AUTO));
  ck_works(svf_kv_grow(kv, &more));
  for (size_t i = 0; i < ROWS; ++i) {
    rows[i] = (svf_row){0, (int32_t)(i * 13 % MADE_VOCAB), false};
    s->position[i] = i;
    s->gains[i] = i % 2 ? gains : NULL;
  }
  ck_works(svf_forward(&(svf_pass){.state = s, .kv = kv, .rows = rows, .count = ROWS}));
  model->config.layers = MADE_LAYERS;
}

static void same(const float *a, const float *b, size_t width)
{
  ck_assert_ptr_ne(a, b);
  ck_assert_mem_eq(a, b, ROWS * width * sizeof *a);
}

START_TEST(each_layer_keeps_what_one_slot_had_after_it)
{
  svf_state all;
  svf_kv kv;
  model = made_model(SVF_FORMAT_F32);
  gains = made_gains(model, 1);
  run(&all, &kv, MADE_LAYERS, MADE_LAYERS);
  for (size_t layer = 0; layer < MADE_LAYERS; ++layer) {
    svf_state one;
    svf_kv own;
    run(&one, &own, layer + 1, 1);
    const svf_activations *a = svf_state_slot(&all, layer), *b = svf_state_slot(&one, layer);
    const svf_config *c = &model->config;
    same(a->h, b->h, c->hidden);
    same(a->q, b->q, c->heads * c->head_dim);
    same(a->k, b->k, c->kv_heads * c->head_dim);
    same(a->v, b->v, c->kv_heads * c->head_dim);
    same(a->attended, b->attended, c->heads * c->head_dim);
    same(a->gate, b->gate, c->intermediate);
    same(a->up, b->up, c->intermediate);
    if (layer + 1 == MADE_LAYERS) same(all.x, one.x, c->hidden);
    if (layer > 0) ck_assert_mem_ne(a->q, svf_state_slot(&all, layer - 1)->q, sizeof(float));
    svf_state_free(&one);
    svf_kv_free(&own);
  }
  svf_state_free(&all);
  svf_kv_free(&kv);
  free(gains);
  svf_model_close(model);
}
END_TEST

START_TEST(a_made_model_describes_itself)
{
  svf_model *m = made_model(SVF_FORMAT_BF16);
  svf_model_info info = {.size = sizeof info};
  struct {
    svf_model_info known;
    size_t later[2];
  } newer = {.known = {.size = sizeof newer}, .later = {7, 7}};
  ck_works(svf_model_get_info(m, &info));
  ck_assert_uint_eq(info.vocab, MADE_VOCAB);
  ck_assert_uint_eq(info.linears, MADE_LAYERS * SVF_LAYER_LINEARS + 1);
  ck_assert_uint_eq(info.factored, MADE_LAYERS * SVF_LAYER_LINEARS);
  ck_assert_uint_eq(info.eos_count, 0);
  ck_assert_uint_eq(info.size, sizeof info);
  ck_assert_uint_gt(info.weight_bytes, info.vocab * 32 * 2);
  ck_works(svf_model_get_info(m, &newer.known));
  ck_assert(newer.known.size == sizeof newer && newer.later[0] == 0 && newer.later[1] == 0);
  info.size = 8;
  ck_fails(svf_model_get_info(m, &info), SVF_ERR_VERSION, "info->size is 8");
  ck_fails(svf_model_get_info(NULL, &info), SVF_ERR_NULL, "model");
  ck_fails(svf_model_get_info(m, NULL), SVF_ERR_NULL, "info");
  ck_assert_str_eq(svf_model_modules(m)->modules[0].name, "model.layers.0.self_attn.q_proj");
  svf_model_close(m);
}
END_TEST

static svf_status refuse(void *context, size_t i, svf_model_linear *l)
{
  svf_format format = SVF_FORMAT_F32;
  (void)context;
  return i == 3 ? SVF_ERR_STOPPED : made_linear(&format, i, l);
}

START_TEST(a_model_that_cannot_be_made_leaves_its_parts)
{
  svf_model *known = made_model(SVF_FORMAT_F32), *m = known;
  svf_model_parts parts = {.embedding = malloc(4), .norms = malloc(4), .linear = refuse};
  ck_assert_int_eq(svf_model_create(&known->config, &parts, &m), SVF_ERR_STOPPED);
  ck_assert_ptr_null(m);
  free(parts.embedding);
  free(parts.norms);
  svf_model_close(known);
}
END_TEST

SUITE("state", each_layer_keeps_what_one_slot_had_after_it, a_made_model_describes_itself,
      a_model_that_cannot_be_made_leaves_its_parts)
