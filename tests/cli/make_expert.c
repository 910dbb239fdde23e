/* SPDX-License-Identifier: Apache-2.0
 *
 * make_expert MODEL FILE SEED: an expert of random z on every layer of a model in factors. */
#include <stdio.h>
#include <stdlib.h>

#include <svf/context.h>
#include <svf/model.h>

static float uniform(uint64_t *state)
{
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (float)(*state >> 40) / (float)(1 << 24);
}

static svf_status write_expert(const svf_model *model, const char *path, uint64_t seed)
{
  const svf_modules *all = svf_model_modules(model);
  const svf_expert_info info = {.size = sizeof info,
                                .factors = all->fingerprint,
                                .parametrisation = SVF_PARAMETERS_DIRECT,
                                .scale = 1,
                                .normalise = true,
                                .task = "a test",
                                .trained = "today\033[2J\nz \u202e"};
  svf_expert_module *modules = calloc(all->count, sizeof *modules);
  float *z = calloc(all->gains, sizeof *z);
  svf_status status = modules && z ? SVF_OK : SVF_ERR_MEMORY;
  for (size_t i = 0; status == SVF_OK && i < all->count; ++i) {
    const svf_module *m = svf_modules_at(all, i);
    for (size_t k = 0; k < m->r; ++k) z[m->offset + k] = 2 * uniform(&seed);
    modules[i] = (svf_expert_module){
        .size = sizeof *modules, .name = m->name, .r = m->r, .values = z + m->offset};
  }
  if (status == SVF_OK) status = svf_expert_write(path, &info, modules, all->count);
  free(modules);
  free(z);
  return status;
}

int main(int argc, char **argv)
{
  svf_model *model = NULL;
  if (argc != 4) {
    fputs("usage: make_expert MODEL FILE SEED\n", stderr);
    return 2;
  }
  svf_status status = svf_model_open(argv[1], NULL, &model);
  if (status == SVF_OK) status = write_expert(model, argv[2], strtoull(argv[3], NULL, 10));
  svf_model_close(model);
  if (status != SVF_OK) fprintf(stderr, "make_expert: %s\n", svf_last_message());
  return status != SVF_OK;
}
