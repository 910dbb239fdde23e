/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of a few modules, and experts on it. */
#ifndef SVF_TESTS_EXPERTS_SAMPLE_H
#define SVF_TESTS_EXPERTS_SAMPLE_H

#include <svf/modules.h>

#include "tests/unit/suite.h"

enum { MODULES = 5, GAINS = 24, HOLE = 11 /* a float that belongs to no module */ };

#define DOWN0 "model.layers.0.mlp.down_proj"
#define UP0 "model.layers.0.mlp.up_proj"
#define DOWN1 "model.layers.1.mlp.down_proj"
#define DOWN10 "model.layers.10.mlp.down_proj"

static const float sample_sigma[GAINS] = {9,     7.5f, 3, 0.1f, 4,    2,     1.3f, 0.7f,
                                          12.5f, 2.2f, 1, 0,    8.1f, 0.3f,  0,    0,
                                          5,     4,    3, 2,    1.1f, 1e-3f, 0,    0};

static const svf_module sample_modules[MODULES] = {
    {sizeof(svf_module), DOWN1, 4, sample_sigma, 0},
    {sizeof(svf_module), DOWN0, 4, sample_sigma + 4, 4},
    {sizeof(svf_module), UP0, 3, sample_sigma + 8, 8},
    {sizeof(svf_module), "lm_head", 2, sample_sigma + 12, 12},
    {sizeof(svf_module), DOWN10, 6, sample_sigma + 16, 16},
};

static inline svf_modules sample_model(void)
{
  svf_modules model = {
      .size = sizeof model, .modules = sample_modules, .count = MODULES, .gains = GAINS};
  ck_works(svf_modules_fingerprint(sample_modules, MODULES, &model.fingerprint));
  return model;
}

static const float sample_values[3][6] = {{0.5f, -0.0f, 1.25f, 2, 1e-20f, 1},
                                          {-0.3f, 1.1f, 0.7f, 1, 3, 0.9f},
                                          {2, 0.1f, 0.6f, -1, 1.7f, 0.4f}};

/* An expert on the modules of these names, each with the values of the row. */
static inline svf_expert *sample_expert_on(const char *const *names, size_t count, int row,
                                           const svf_expert_info *info)
{
  svf_expert_module modules[MODULES] = {{0}};
  svf_expert *expert;
  for (size_t i = 0; i < count; ++i) {
    for (size_t m = 0; m < MODULES; ++m) {
      if (strcmp(sample_modules[m].name, names[i]) == 0) modules[i].r = sample_modules[m].r;
    }
    modules[i].size = sizeof *modules;
    modules[i].name = names[i];
    modules[i].values = sample_values[row];
  }
  ck_works(svf_expert_create(info, modules, count, &expert));
  return expert;
}

static inline svf_expert_info sample_info(void)
{
  return (svf_expert_info){.size = sizeof(svf_expert_info),
                           .factors = sample_model().fingerprint,
                           .parametrisation = SVF_PARAMETERS_DIRECT,
                           .scale = 1,
                           .normalise = true,
                           .task = "arithmetic"};
}

static inline svf_status mixed_gains(const svf_expert *const *experts, size_t count,
                                     const float *alpha, size_t layers, const svf_modules *modules,
                                     unsigned flags, float *out)
{
  const svf_mixture mixture = {
      .size = sizeof mixture, .count = count, .experts = experts, .layers = layers, .alpha = alpha};
  return svf_mixture_gains(&mixture, modules, flags, out);
}

/* On everything but lm_head and the layer 10. */
static inline svf_expert *sample_expert(int row)
{
  static const char *const names[] = {UP0, DOWN0, DOWN1};
  const svf_expert_info info = sample_info();
  return sample_expert_on(names, 3, row, &info);
}

#endif
