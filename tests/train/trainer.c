/* SPDX-License-Identifier: Apache-2.0
 *
 * Trainings of a small model: they learn, and their bits depend on examples and options alone. */
#include "src/train/trainer.h"

#include "tests/transformer/made.h"

enum { TEXTS = 70, LENGTH = 13, STEPS = 6 };

static int32_t tokens[TEXTS][LENGTH];
static double log_probabilities[TEXTS][LENGTH];
static svf_example examples[TEXTS];

/* Texts that count upwards, of which the model knows nothing. */
static void make_examples(void)
{
  for (size_t i = 0; i < TEXTS; ++i) {
    for (size_t k = 0; k < LENGTH; ++k) tokens[i][k] = (int32_t)((i * 7 + k) % MADE_VOCAB);
    examples[i] = (svf_example){.tokens = tokens[i],
                                .count = LENGTH - i % 5,
                                .first = 2,
                                .temperature = 1,
                                .log_probabilities = log_probabilities[i]};
  }
}

static svf_trainer_options options_of(size_t rows, size_t threads)
{
  svf_trainer_options o = {.engine = {.rows = rows, .threads = threads},
                           .adamw = svf_adamw_defaults(),
                           .schedule = {.warm_up = 2},
                           .kind = SVF_PARAMETERS_DIRECT,
                           .scale = 2,
                           .normalise = true};
  o.adamw.rate = 0.05;
  return o;
}

static double train(svf_trainer *t, int steps)
{
  svf_update u = {0};
  for (int i = 0; i < steps; ++i) ck_works(svf_trainer_step(t, examples, TEXTS, &u));
  return u.loss;
}

START_TEST(trainings_learn)
{
  svf_model *model = made_model(SVF_FORMAT_BF16_SPLIT);
  make_examples();
  for (int form = 0; form < 4; ++form) {
    svf_trainer t;
    svf_trainer_options o = options_of(256, 2);
    o.kind = form & 1 ? SVF_PARAMETERS_SIGMOID : SVF_PARAMETERS_DIRECT;
    o.normalise = form >= 2;
    ck_works(svf_trainer_create(&t, model, &o));
    for (size_t i = 0; i < model->modules.count; ++i) { /* the base model at first */
      const svf_module *m = &model->module[i];
      ck_assert_mem_eq(t.gains + m->offset, m->sigma, m->r * sizeof *t.gains);
    }
    const double first = train(&t, 1), last = train(&t, 25);
    printf("form %d: loss %g, after 25 updates %g\n", form, first, last);
    ck_assert_double_lt(last, 0.9 * first);
    svf_trainer_free(&t);
  }
  svf_model_close(model);
}
END_TEST

/* The same expert for any threads and any number of rows in a pass. */
START_TEST(bits_of_an_expert)
{
  svf_model *model = made_model(SVF_FORMAT_BF16);
  svf_trainer want;
  make_examples();
  svf_trainer_options o = options_of(LENGTH, 1);
  ck_works(svf_trainer_create(&want, model, &o));
  train(&want, STEPS);
  for (size_t threads = 1; threads <= 7; threads += threads < 3 ? 1 : 4) {
    svf_trainer t;
    o = options_of(LENGTH + 100 * threads, threads);
    ck_works(svf_trainer_create(&t, model, &o));
    train(&t, STEPS);
    ck_assert_mem_eq(t.adamw.p, want.adamw.p, t.n * sizeof *t.adamw.p);
    ck_assert_mem_eq(t.gains, want.gains, t.n * sizeof *t.gains);
    svf_trainer_free(&t);
  }
  svf_trainer_free(&want);
  svf_model_close(model);
}
END_TEST

/* Layers that are not trained stay those of the base model, bit for bit. */
START_TEST(some_layers)
{
  svf_model *model = made_model(SVF_FORMAT_F32);
  bool trained[MADE_LAYERS * SVF_LAYER_LINEARS + 1] = {0};
  svf_trainer t;
  make_examples();
  for (size_t layer = 0; layer < MADE_LAYERS; ++layer) {
    trained[layer * SVF_LAYER_LINEARS + SVF_Q] = trained[layer * SVF_LAYER_LINEARS + SVF_V] = true;
  }
  svf_trainer_options o = options_of(300, 2);
  o.trained = trained;
  ck_works(svf_trainer_create(&t, model, &o));
  train(&t, 3);
  for (size_t i = 0; i < model->modules.count; ++i) {
    const svf_module *m = &model->module[i];
    const int differs = memcmp(t.gains + m->offset, m->sigma, m->r * sizeof *t.gains);
    ck_assert_int_eq(differs != 0, trained[i]);
  }
  svf_trainer_free(&t);
  svf_model_close(model);
}
END_TEST

SUITE("train_trainer", trainings_learn, bits_of_an_expert, some_layers)
