/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts on a model: pairing, gains, mixtures. */
#include <math.h>

#include "tests/experts/sample.h"

static float gains[GAINS], again[GAINS], base[GAINS];

static void same(const float *a, const float *b) { ck_assert_mem_eq(a, b, GAINS * sizeof *a); }

/* Values between modules must be left alone. */
static void clear(void)
{
  for (size_t i = 0; i < GAINS; ++i) gains[i] = again[i] = base[i] = -77;
  for (size_t m = 0; m < MODULES; ++m) {
    memcpy(base + sample_modules[m].offset, sample_modules[m].sigma,
           sample_modules[m].r * sizeof *base);
  }
}

START_TEST(fingerprints)
{
  svf_module modules[MODULES];
  float sigma[6];
  uint64_t first = 0, other = 0;
  ck_works(svf_modules_fingerprint(sample_modules, MODULES, &first));
  for (size_t i = 0; i < MODULES; ++i) modules[i] = sample_modules[MODULES - 1 - i];
  modules[2].offset = 100;
  ck_works(svf_modules_fingerprint(modules, MODULES, &other));
  ck_assert_uint_eq(first, other);
  memcpy(sigma, modules[0].sigma, sizeof sigma);
  modules[0].sigma = sigma;
  ck_works(svf_modules_fingerprint(modules, MODULES, &other));
  ck_assert_uint_eq(first, other);
  sigma[5] = -0.0f;
  sigma[4] = nextafterf(sigma[4], 0);
  ck_works(svf_modules_fingerprint(modules, MODULES, &other));
  ck_assert_uint_ne(first, other);
  modules[0] = sample_modules[4];
  modules[1].name = "lm_heae";
  ck_works(svf_modules_fingerprint(modules, MODULES, &other));
  ck_assert_uint_ne(first, other);
  ck_works(svf_modules_fingerprint(sample_modules, MODULES - 1, &other));
  ck_assert_uint_ne(first, other);
}
END_TEST

/* By hand: the bytes "a\0", 1 as 8 bytes, 1.0f. */
START_TEST(a_known_fingerprint)
{
  static const unsigned char bytes[] = {'a', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f};
  const float one = 1;
  const svf_module module = {.size = sizeof module, .name = "a", .r = 1, .sigma = &one};
  uint64_t got = 0, want = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < sizeof bytes; ++i) want = (want ^ bytes[i]) * UINT64_C(1099511628211);
  ck_works(svf_modules_fingerprint(&module, 1, &got));
  ck_assert_uint_eq(got, want);
}
END_TEST

START_TEST(fingerprints_refuse)
{
  svf_module modules[2] = {sample_modules[0], sample_modules[1]};
  uint64_t digest;
  ck_fails(svf_modules_fingerprint(NULL, 2, &digest), SVF_ERR_NULL, "modules");
  ck_fails(svf_modules_fingerprint(modules, 2, NULL), SVF_ERR_NULL, "fingerprint");
  ck_fails(svf_modules_fingerprint(modules, 0, &digest), SVF_ERR_ARGUMENT, "no module");
  modules[1].name = DOWN1;
  ck_fails(svf_modules_fingerprint(modules, 2, &digest), SVF_ERR_ARGUMENT,
           DOWN1 "' is there twice");
  modules[1].name = NULL;
  ck_fails(svf_modules_fingerprint(modules, 2, &digest), SVF_ERR_NULL, "name");
  modules[1] = sample_modules[1];
  modules[1].r = 0;
  ck_fails(svf_modules_fingerprint(modules, 2, &digest), SVF_ERR_ARGUMENT, "r is 0");
  modules[1] = sample_modules[1];
  modules[1].sigma = NULL;
  ck_fails(svf_modules_fingerprint(modules, 2, &digest), SVF_ERR_NULL, "sigma");
}
END_TEST

START_TEST(gains_of_an_expert)
{
  static const float scales[] = {1, 0.4f, -1};
  const svf_modules model = sample_model();
  svf_expert *expert = sample_expert(0);
  for (size_t s = 0; s < sizeof scales / sizeof *scales; ++s) {
    clear();
    ck_works(svf_expert_gains(expert, scales[s], &model, 0, gains));
    memcpy(again, base, sizeof again);
    for (size_t m = 0; m < MODULES; ++m) {
      const svf_module *module = &sample_modules[m];
      const svf_expert_module *e = svf_expert_find(expert, module->name);
      float z[6];
      if (!e) continue;
      ck_works(svf_z_scale(scales[s], e->z, e->r, z));
      ck_works(svf_gains(module->sigma, e->r, z, true, again + module->offset));
    }
    same(gains, again);
    ck_assert_mem_ne(gains, base, sizeof base);
    ck_assert_float_eq(gains[HOLE], -77);
  }
  svf_expert_close(expert);
}
END_TEST

START_TEST(scale_0_is_the_base)
{
  const svf_modules model = sample_model();
  for (int normalise = 0; normalise < 2; ++normalise) {
    static const char *const names[] = {UP0, "lm_head"};
    svf_expert_info info = sample_info();
    info.normalise = normalise;
    svf_expert *expert = sample_expert_on(names, 2, 1, &info);
    clear();
    ck_works(svf_expert_gains(expert, 0, &model, 0, gains));
    same(gains, base);
    ck_works(svf_expert_gains(expert, 1, &model, 0, gains));
    ck_assert_mem_ne(gains, base, sizeof base);
    svf_expert_close(expert);
  }
}
END_TEST

START_TEST(wrong_pairings)
{
  const svf_modules model = sample_model();
  char both[80];
  static const char *const fits[] = {UP0}, *const lacks[] = {UP0, "model.layers.7.mlp.up_proj"};
  svf_expert_info info = sample_info();
  info.factors = UINT64_C(0x0123456789abcdef);
  svf_expert *expert = sample_expert_on(fits, 1, 1, &info);
  snprintf(both, sizeof both, "0123456789abcdef, the model has %016llx",
           (unsigned long long)model.fingerprint);
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_ARGUMENT, both);
  ck_fails(svf_expert_check(expert, &model, 0), SVF_ERR_ARGUMENT, both);
  ck_works(svf_expert_check(expert, &model, SVF_EXPERT_UNPAIRED));
  ck_works(svf_expert_gains(expert, 1, &model, SVF_EXPERT_UNPAIRED, gains));
  svf_expert_close(expert);

  const svf_expert_module strange[2] = {
      {.size = sizeof(svf_expert_module), .name = UP0, .r = 3, .values = sample_values[0]},
      {.size = sizeof(svf_expert_module), .name = lacks[1], .r = 3, .values = sample_values[0]}};
  ck_works(svf_expert_create(&info, strange, 2, &expert));
  ck_fails(svf_expert_gains(expert, 1, &model, SVF_EXPERT_UNPAIRED, gains), SVF_ERR_ARGUMENT,
           "'model.layers.7.mlp.up_proj' of the expert is not in the model");
  svf_expert_close(expert);
  ck_works(svf_expert_create(&info, strange + 1, 1, &expert));
  ck_fails(svf_expert_gains(expert, 1, &model, SVF_EXPERT_UNPAIRED, gains), SVF_ERR_ARGUMENT,
           "which has 5, the first '" DOWN1 "'");
  svf_expert_close(expert);

  const svf_expert_module wide = {
      .size = sizeof wide, .name = UP0, .r = 4, .values = sample_values[0]};
  ck_works(svf_expert_create(&info, &wide, 1, &expert));
  ck_fails(svf_expert_gains(expert, 1, &model, SVF_EXPERT_UNPAIRED, gains), SVF_ERR_ARGUMENT,
           "module '" UP0 "': the expert has r = 4, the model 3");
  svf_expert_close(expert);
}
END_TEST

START_TEST(gains_refuse)
{
  svf_modules model = sample_model();
  svf_expert *expert = sample_expert(0);
  ck_fails(svf_expert_gains(NULL, 1, &model, 0, gains), SVF_ERR_NULL, "expert");
  ck_fails(svf_expert_gains(expert, 1, NULL, 0, gains), SVF_ERR_NULL, "modules");
  ck_fails(svf_expert_gains(expert, 1, &model, 0, NULL), SVF_ERR_NULL, "gains");
  ck_fails(svf_expert_gains(expert, NAN, &model, 0, gains), SVF_ERR_ARGUMENT, "scale");
  ck_fails(svf_expert_gains(expert, 1, &model, 6, gains), SVF_ERR_ARGUMENT, "flags is 0x6");
  model.gains = 21;
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_ARGUMENT,
           "r = 6 at offset 16 leaves the model's 21 gains");
  model = sample_model();
  model.modules = NULL;
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_NULL, "modules->modules");
  svf_module twice[3] = {sample_modules[0], sample_modules[1], sample_modules[1]};
  model.modules = twice; /* and so it lacks what the expert has third */
  model.count = 3;
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_ARGUMENT,
           DOWN0 "': the model has it twice");
  svf_expert_close(expert);
  const float zero[3] = {0, 0, 0};
  const svf_expert_info info = sample_info();
  const svf_expert_module none = {.size = sizeof none, .name = UP0, .r = 3, .values = zero};
  model = sample_model();
  ck_works(svf_expert_create(&info, &none, 1, &expert));
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_NUMERIC,
           "module '" UP0 "': the sum of sigma*z is 0");
  svf_expert_close(expert);
}
END_TEST

/* A caller of a later version, whose modules have another member. */
START_TEST(modules_of_another_size)
{
  struct {
    svf_module known;
    uint64_t more;
  } later[MODULES];
  memset(later, 0, sizeof later);
  for (size_t i = 0; i < MODULES; ++i) {
    later[i].known = sample_modules[i];
    later[i].known.size = sizeof *later;
  }
  svf_modules model = sample_model();
  const uint64_t fingerprint = model.fingerprint;
  model.modules = &later[0].known;
  model.fingerprint = 0;
  ck_works(svf_modules_fingerprint(model.modules, MODULES, &model.fingerprint));
  ck_assert_uint_eq(model.fingerprint, fingerprint);
  for (size_t i = 0; i < MODULES; ++i) {
    ck_assert_ptr_eq(svf_modules_at(&model, i), &later[i].known);
  }
  ck_assert_ptr_null(svf_modules_at(&model, MODULES));
  ck_assert_ptr_null(svf_modules_at(NULL, 0));
  svf_expert *expert = sample_expert(0);
  const svf_modules now = sample_model();
  clear();
  ck_works(svf_expert_gains(expert, 1, &now, 0, again));
  ck_works(svf_expert_gains(expert, 1, &model, 0, gains));
  same(gains, again);
  later[2].more = 1;
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_VERSION, "modules[2]: ");
  later[2].more = 0;
  later[3].known.size = sizeof(svf_module);
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_VERSION, "modules[3].size");
  ck_fails(svf_modules_fingerprint(model.modules, MODULES, &model.fingerprint), SVF_ERR_VERSION,
           "modules[3].size");
  model.size = 0;
  ck_fails(svf_expert_gains(expert, 1, &model, 0, gains), SVF_ERR_VERSION, "modules->size is 0");
  svf_expert_close(expert);
}
END_TEST

START_TEST(a_one_hot_mixture_is_that_expert)
{
  const svf_modules model = sample_model();
  svf_expert *a = sample_expert(0), *b = sample_expert(1);
  static const char *const names[] = {DOWN10, UP0};
  const svf_expert_info info = sample_info();
  svf_expert *c = sample_expert_on(names, 2, 2, &info);
  const svf_expert *const experts[4] = {a, b, NULL, c};
  for (size_t hot = 0; hot < 4; ++hot) {
    float alpha[4] = {0};
    alpha[hot] = 1;
    clear();
    ck_works(mixed_gains(experts, 4, alpha, 0, &model, 0, gains));
    if (experts[hot]) {
      ck_works(svf_expert_gains(experts[hot], 1, &model, 0, again));
    } else {
      memcpy(again, base, sizeof again);
    }
    same(gains, again);
  }
  svf_expert_close(a);
  svf_expert_close(b);
  svf_expert_close(c);
}
END_TEST

START_TEST(mixtures)
{
  const svf_modules model = sample_model();
  svf_expert *a = sample_expert(0), *b = sample_expert(2);
  const svf_expert *const experts[3] = {a, b, NULL};
  const float alpha[3] = {0.7f, 0.2f, 0.1f};
  clear();
  ck_works(mixed_gains(experts, 3, alpha, 0, &model, 0, gains));
  memcpy(again, base, sizeof again);
  for (size_t m = 0; m < MODULES; ++m) {
    const svf_module *module = &sample_modules[m];
    float mixed[6];
    if (!svf_expert_find(a, module->name)) continue;
    const float *const z[3] = {svf_expert_find(a, module->name)->z,
                               svf_expert_find(b, module->name)->z, NULL};
    ck_works(svf_mix(z, 3, alpha, module->r, mixed));
    ck_works(svf_gains(module->sigma, module->r, mixed, true, again + module->offset));
  }
  same(gains, again);
  ck_assert_mem_ne(gains, base, sizeof base);
  svf_expert_close(a);
  svf_expert_close(b);
}
END_TEST

/* Each layer has the mixture of its own column of alpha. */
START_TEST(mixtures_per_layer)
{
  enum { LAYERS = 11 };
  const svf_modules model = sample_model();
  static const char *const names[] = {DOWN0, DOWN1, DOWN10};
  const svf_expert_info info = sample_info();
  svf_expert *a = sample_expert(0), *b = sample_expert_on(names, 3, 2, &info);
  const svf_expert *const experts[2] = {a, b};
  float alpha[2][LAYERS];
  clear();
  for (size_t i = 0; i < LAYERS; ++i) {
    alpha[0][i] = 0.1f * (float)(i + 1);
    alpha[1][i] = i == 10 ? 0 : 1 - alpha[0][i];
  }
  ck_works(mixed_gains(experts, 2, alpha[0], LAYERS, &model, 0, gains));
  for (size_t m = 0; m < MODULES; ++m) {
    static const size_t layer_of[MODULES] = {1, 0, 0, 0, 10};
    const svf_module *module = &sample_modules[m];
    const float column[2] = {alpha[0][layer_of[m]], alpha[1][layer_of[m]]};
    ck_works(mixed_gains(experts, 2, column, 0, &model, 0, again));
    ck_assert_mem_eq(gains + module->offset, again + module->offset, module->r * sizeof *gains);
  }
  /* in layer 10 only `a`, which does not name it, has a weight */
  ck_assert_mem_eq(gains + 16, base + 16, 6 * sizeof *gains);
  ck_fails(mixed_gains(experts, 2, alpha[0], 2, &model, 0, gains), SVF_ERR_ARGUMENT,
           "'" DOWN10 "': layer 10, but alpha has 2 layers");
  alpha[0][4] = 0;
  alpha[1][4] = -0.0f;
  ck_fails(mixed_gains(experts, 2, alpha[0], LAYERS, &model, 0, gains), SVF_ERR_NUMERIC,
           "alpha is 0 for each of the 2 experts in layer 4");
  alpha[1][4] = NAN;
  ck_fails(mixed_gains(experts, 2, alpha[0], LAYERS, &model, 0, gains), SVF_ERR_ARGUMENT,
           "alpha of expert 1 in layer 4 is nan");
  svf_expert_close(a);
  svf_expert_close(b);
}
END_TEST

START_TEST(names_without_a_layer)
{
  static const char *const bad[] = {
      "lm_head",           "model.layers.",     "model.layers.x.a",
      "model.layers.01.a", "model.layers.1",    "model.layers.1a.b",
      "model.layers.-1.a", "xmodel.layers.1.a", "model.layers.1234567.a"};
  const float alpha[2] = {1, 1}, one = 1;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    const svf_module module = {.size = sizeof module, .name = bad[i], .r = 1, .sigma = &one};
    svf_modules model = {.size = sizeof model, .modules = &module, .count = 1, .gains = 1};
    ck_works(svf_modules_fingerprint(&module, 1, &model.fingerprint));
    svf_expert_info info = sample_info();
    info.factors = model.fingerprint;
    const svf_expert_module m = {.size = sizeof m, .name = bad[i], .r = 1, .values = &one};
    svf_expert *expert;
    ck_works(svf_expert_create(&info, &m, 1, &expert));
    const svf_expert *const experts[1] = {expert};
    ck_fails(mixed_gains(experts, 1, alpha, 2, &model, 0, gains), SVF_ERR_ARGUMENT,
             "belongs to no layer");
    svf_expert_close(expert);
  }
}
END_TEST

START_TEST(mixtures_refuse)
{
  const svf_modules model = sample_model();
  static const char *const names[] = {UP0};
  svf_expert_info info = sample_info();
  svf_expert *a = sample_expert(0), *bare, *foreign;
  info.normalise = false;
  bare = sample_expert_on(names, 1, 1, &info);
  info.factors ^= 1;
  info.normalise = true;
  foreign = sample_expert_on(names, 1, 1, &info);
  const svf_expert *experts[2] = {a, NULL};
  const float half[2] = {0.5f, 0.5f}, zero[2] = {0, 0}, nan[2] = {1, NAN};
#define MIX(count, alpha, layers, flags) \
  mixed_gains(experts, count, alpha, layers, &model, flags, gains)
  ck_fails(mixed_gains(NULL, 2, half, 0, &model, 0, gains), SVF_ERR_NULL, "experts");
  ck_fails(mixed_gains(experts, 2, NULL, 0, &model, 0, gains), SVF_ERR_NULL, "alpha");
  ck_fails(mixed_gains(experts, 2, half, 0, NULL, 0, gains), SVF_ERR_NULL, "modules");
  ck_fails(mixed_gains(experts, 2, half, 0, &model, 0, NULL), SVF_ERR_NULL, "gains");
  ck_fails(svf_mixture_gains(NULL, &model, 0, gains), SVF_ERR_NULL, "mixture is");
  const svf_mixture no_size = {.count = 2, .experts = experts, .alpha = half};
  ck_fails(svf_mixture_gains(&no_size, &model, 0, gains), SVF_ERR_VERSION, "mixture->size is 0");
  ck_fails(MIX(0, half, 0, 0), SVF_ERR_ARGUMENT, "count is 0");
  ck_fails(MIX(2, half, SIZE_MAX, 0), SVF_ERR_OVERFLOW, "layers exceed");
  ck_fails(MIX(2, zero, 0, 0), SVF_ERR_NUMERIC, "alpha is 0");
  ck_assert_ptr_null(strstr(svf_last_message(), "layer"));
  ck_fails(MIX(2, nan, 0, 0), SVF_ERR_ARGUMENT, "alpha of expert 1 is nan");
  ck_fails(MIX(2, half, 0, 8), SVF_ERR_ARGUMENT, "flags is 0x8");
  experts[1] = foreign;
  ck_fails(MIX(2, half, 0, 0), SVF_ERR_ARGUMENT, "belongs to the factors");
  ck_works(MIX(2, half, 0, SVF_EXPERT_UNPAIRED));
  experts[1] = bare;
  ck_fails(MIX(2, half, 0, 0), SVF_ERR_ARGUMENT, "normalise is 0 in expert 1, but 1 in others");
  experts[0] = NULL;
  ck_works(MIX(2, half, 0, 0));
  experts[1] = NULL;
  ck_fails(MIX(2, zero, 0, 0), SVF_ERR_NUMERIC, "alpha is 0"); /* although no module needs it */
  clear();
  ck_works(MIX(2, half, 0, 0));
  same(gains, base);
#undef MIX
  svf_expert_close(a);
  svf_expert_close(bare);
  svf_expert_close(foreign);
}
END_TEST

SUITE("model", fingerprints, a_known_fingerprint, fingerprints_refuse, gains_of_an_expert,
      scale_0_is_the_base, wrong_pairings, gains_refuse, modules_of_another_size,
      a_one_hot_mixture_is_that_expert, mixtures, mixtures_per_layer, names_without_a_layer,
      mixtures_refuse)
