/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradients of passes against finite differences of a decoder in double precision, and their bits:
 * those of a text depend on nothing else in the pass, nor on threads. */
#include "src/train/backward.h"

#include <svf/score.h>

#include "tests/train/decoder.h"

enum { TEXTS = 3, LONGEST = 70, ROWS = TEXTS * LONGEST };

/* A text, its expert, and what its tokens from `first` on weigh. */
typedef struct text {
  int32_t tokens[LONGEST + 1];
  size_t count, first;
  float *gains;
  float weight, temperature;
} text;

static svf_model *model;
static text texts[TEXTS];

static void make_text(text *t, size_t count, size_t first, unsigned seed)
{
  uint64_t state = 99 + seed;
  *t = (text){.count = count, .first = first, .weight = 0.5f + (float)seed, .temperature = 1};
  for (size_t i = 0; i <= count; ++i) t->tokens[i] = (int32_t)made_below(&state, MADE_VOCAB);
  t->gains = made_gains(model, seed);
}

static void make_texts(void)
{
  static const size_t counts[] = {17, 40, 1};
  for (unsigned i = 0; i < TEXTS; ++i) make_text(&texts[i], counts[i], i == 1 ? 9 : 0, i);
  texts[1].temperature = 0.7f;
}

static void free_texts(void)
{
  for (size_t i = 0; i < TEXTS; ++i) free(texts[i].gains);
}

/* --- Our gradient ----------------------------------------------------------------------------- */

/* Adds the gradients of texts [begin, end), which one pass holds, to sums[text][gains]. */
static double differentiate(size_t begin, size_t end, size_t threads, const bool *trained,
                            float *const *sums)
{
  svf_kv kv;
  svf_state s;
  svf_transposed back;
  svf_backward b;
  svf_row rows[ROWS];
  svf_target targets[ROWS];
  float *of_rows[ROWS];
  size_t count = 0, target_count = 0, more[TEXTS] = {0};
  for (size_t i = begin; i < end; ++i) count += more[i] = texts[i].count;
  const svf_state_sizes sizes = {
      .rows = count, .threads = threads, .slots = model->config.layers, .keeps = true};
  const svf_config *c = &model->config;
  ck_works(svf_kv_create(&kv, c->layers, c->kv_heads, c->head_dim, LONGEST, TEXTS, 512));
  ck_works(svf_state_create(&s, model, &kv, &sizes, SVF_ISA_AUTO));
  ck_works(svf_transposed_create(&back, model, threads));
  ck_works(svf_backward_create(&b, &s, &back));
  ck_works(svf_kv_grow(&kv, more));
  count = 0;
  for (size_t i = begin; i < end; ++i) {
    for (size_t k = 0; k < texts[i].count; ++k, ++count) {
      rows[count] = (svf_row){i, texts[i].tokens[k], false};
      s.position[count] = k;
      s.gains[count] = texts[i].gains;
      of_rows[count] = sums[i];
      if (k < texts[i].first) continue;
      targets[target_count++] = (svf_target){.row = count,
                                             .token = texts[i].tokens[k + 1],
                                             .weight = texts[i].weight,
                                             .temperature = texts[i].temperature};
    }
  }
  svf_pass pass = {.state = &s, .kv = &kv, .rows = rows, .count = count};
  svf_backward_pass p = {.pass = &pass,
                         .targets = targets,
                         .target_count = target_count,
                         .gradients = of_rows,
                         .trained = trained};
  ck_works(svf_forward(&pass));
  ck_works(svf_backward_run(&b, &p));
  double loss = 0;
  for (size_t i = 0; i < target_count; ++i) {
    loss -= (double)targets[i].weight * targets[i].log_probability;
  }
  svf_backward_free(&b);
  svf_transposed_free(&back);
  svf_state_free(&s);
  svf_kv_free(&kv);
  return loss;
}

/* --- Finite differences ----------------------------------------------------------------------- */

static double loss_of(decoder *d, const text *t, const double *gains)
{
  double log_probability[LONGEST], loss = 0;
  decoder_run(d, gains, t->tokens, t->count, (double)t->temperature, log_probability);
  for (size_t i = t->first; i < t->count; ++i) loss -= (double)t->weight * log_probability[i];
  return loss;
}

static void expect(decoder *d, const text *t, double *gradient)
{
  const size_t count = svf_model_modules(model)->gains;
  double *gains = malloc(count * sizeof *gains);
  for (size_t i = 0; i < count; ++i) gains[i] = (double)t->gains[i];
  for (size_t i = 0; i < count; ++i) {
    const double at = gains[i], h = 1e-5;
    gains[i] = at + h;
    const double above = loss_of(d, t, gains);
    gains[i] = at - h;
    gradient[i] = (above - loss_of(d, t, gains)) / (2 * h);
    gains[i] = at;
  }
  free(gains);
}

/* The distance between the gradients relative to the exact one, over all of a linear layer. */
static double error_of(const svf_module *m, const float *got, const double *want)
{
  double error = 0, power = 0;
  for (size_t k = m->offset; k < m->offset + m->r; ++k) {
    error += ((double)got[k] - want[k]) * ((double)got[k] - want[k]);
    power += want[k] * want[k];
  }
  return power > 0 ? sqrt(error / power) : sqrt(error);
}

/* Gradients of all texts, in one pass, against finite differences. */
static void ck_gradients(double most)
{
  const svf_modules *modules = svf_model_modules(model);
  decoder *d = decoder_open(model);
  double *want = malloc(modules->gains * sizeof *want), loss = 0, worst = 0;
  float *sums[TEXTS];
  for (size_t i = 0; i < TEXTS; ++i) sums[i] = calloc(modules->gains, sizeof *sums[i]);
  const double got = differentiate(0, TEXTS, 2, NULL, sums);
  for (size_t i = 0; i < TEXTS; ++i) {
    double gains[1000];
    for (size_t k = 0; k < modules->gains; ++k) gains[k] = (double)texts[i].gains[k];
    loss += loss_of(d, &texts[i], gains);
    expect(d, &texts[i], want);
    for (size_t m = 0; m < modules->count; ++m) {
      const double error = error_of(&modules->modules[m], sums[i], want);
      ck_assert_msg(error <= most, "text %zu, %s: %g", i, modules->modules[m].name, error);
      worst = error > worst ? error : worst;
    }
    free(sums[i]);
  }
  printf("loss %.9g, in double %.9g; error of the worst layer's gradient %.2g\n", got, loss, worst);
  ck_assert_double_le(fabs(got - loss), 1e-3 * fabs(loss));
  free(want);
  decoder_close(d);
}

START_TEST(gradients_of_a_pass)
{
  model = made_model(SVF_FORMAT_F32);
  make_texts();
  ck_gradients(1e-4);
  free_texts();
  svf_model_close(model);
}
END_TEST

START_TEST(gradients_with_a_window)
{
  model = made_model(SVF_FORMAT_F32);
  model->config.window = 6;
  model->config.window_from_layer = 1;
  make_texts();
  ck_gradients(1e-4);
  free_texts();
  svf_model_close(model);
}
END_TEST

START_TEST(gradients_with_biases)
{
  uint64_t state = 5;
  model = made_model(SVF_FORMAT_F32);
  for (size_t i = 0; i < model->linear_count; ++i) {
    if (i % SVF_LAYER_LINEARS < SVF_O) {
      model->linears[i].bias = made_floats(model->linears[i].m, 1, &state);
    }
  }
  make_texts();
  ck_gradients(1e-4);
  free_texts();
  svf_model_close(model);
}
END_TEST

/* --- Bits ------------------------------------------------------------------------------------- */

/* A text's gradient has the same bits alone and among others, for any number of threads. */
START_TEST(bits_depend_on_nothing_else)
{
  static const svf_format formats[] = {SVF_FORMAT_F32, SVF_FORMAT_BF16, SVF_FORMAT_BF16_SPLIT,
                                       SVF_FORMAT_W8};
  for (size_t f = 0; f < sizeof formats / sizeof *formats; ++f) {
    model = made_model(formats[f]);
    make_texts();
    const size_t bytes = svf_model_modules(model)->gains * sizeof(float);
    float *want[TEXTS], *got[TEXTS];
    for (size_t i = 0; i < TEXTS; ++i) {
      want[i] = calloc(1, bytes);
      got[i] = malloc(bytes);
      (void)differentiate(i, i + 1, 1, NULL, want);
    }
    for (size_t threads = 1; threads <= 7; ++threads) {
      for (size_t i = 0; i < TEXTS; ++i) memset(got[i], 0, bytes);
      (void)differentiate(0, TEXTS, threads, NULL, got);
      for (size_t i = 0; i < TEXTS; ++i) ck_assert_mem_eq(got[i], want[i], bytes);
    }
    for (size_t i = 0; i < TEXTS; ++i) {
      free(want[i]);
      free(got[i]);
    }
    free_texts();
    svf_model_close(model);
  }
}
END_TEST

/* What is not trained gets no gradient; the rest has the bits that it had. */
START_TEST(only_what_is_trained)
{
  model = made_model(SVF_FORMAT_F32);
  make_texts();
  const svf_modules *modules = svf_model_modules(model);
  const size_t bytes = modules->gains * sizeof(float);
  float *want[TEXTS], *got[TEXTS];
  for (size_t i = 0; i < TEXTS; ++i) want[i] = calloc(1, bytes);
  for (size_t i = 0; i < TEXTS; ++i) got[i] = i == 1 ? NULL : calloc(1, bytes);
  (void)differentiate(0, TEXTS, 1, NULL, want);
  bool trained[MADE_LAYERS * SVF_LAYER_LINEARS + 1] = {0};
  trained[SVF_LAYER_LINEARS + SVF_V] = trained[SVF_LAYER_LINEARS + SVF_DOWN] = true;
  trained[2 * SVF_LAYER_LINEARS + SVF_Q] = true;
  (void)differentiate(0, TEXTS, 2, trained, got);
  for (size_t i = 0; i < TEXTS; i += 2) {
    for (size_t m = 0; m < modules->count; ++m) {
      const svf_module *at = &modules->modules[m];
      for (size_t k = at->offset; k < at->offset + at->r; ++k) {
        if (trained[m]) {
          ck_assert(got[i][k] == want[i][k]);
        } else {
          ck_assert(got[i][k] == 0);
        }
      }
    }
  }
  for (size_t i = 0; i < TEXTS; ++i) {
    free(want[i]);
    free(got[i]);
  }
  free_texts();
  svf_model_close(model);
}
END_TEST

SUITE("train_backward", gradients_of_a_pass, gradients_with_a_window, gradients_with_biases,
      bits_depend_on_nothing_else, only_what_is_trained)
