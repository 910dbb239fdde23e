/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts survive the failure of any allocation of the library, and lose or leak nothing by it.
 * jansson's own are not failed: where the buffer for a string of more than 14 bytes cannot grow,
 * jansson 2.14 drops bytes of it, among them its end, and reads on. */
#define _GNU_SOURCE
#include <svf/expert_registry.h>

#include "tests/experts/sample.h"
#include "tests/io/fail_each.h"

enum { RANK = 3 };

static svf_modules model;
static svf_expert *first, *second; /* to be applied */
static svf_expert_registry *registry;
static float gains[GAINS];

static svf_expert_info info(void)
{
  return (svf_expert_info){.size = sizeof(svf_expert_info),
                           .factors = model.fingerprint,
                           .parametrisation = SVF_PARAMETERS_SIGMOID,
                           .scale = 2,
                           .normalise = true,
                           .task = "task",
                           .trained = "not"};
}

static const svf_expert_module modules[2] = {
    {.size = sizeof(svf_expert_module), .name = UP0, .r = RANK, .values = sample_values[0]},
    {.size = sizeof(svf_expert_module), .name = DOWN0, .r = 4, .values = sample_values[1]}};

static svf_status create(void)
{
  const svf_expert_info i = info();
  svf_expert *expert;
  const svf_status status = svf_expert_create(&i, modules, 2, &expert);
  svf_expert_close(expert);
  return status;
}

static svf_status write_file(void)
{
  const svf_expert_info i = info();
  return svf_expert_write(temp_path("expert"), &i, modules, 2);
}

static svf_status open_file(void)
{
  svf_expert *expert;
  const svf_status status = svf_expert_open(temp_path("expert"), &expert);
  svf_expert_close(expert);
  return status;
}

static svf_status fingerprint(void)
{
  uint64_t digest;
  return svf_modules_fingerprint(sample_modules, MODULES, &digest);
}

static svf_status apply(void) { return svf_expert_gains(first, 1, &model, 0, gains); }

static svf_status mix(void)
{
  const svf_expert *const experts[2] = {first, second};
  const float alpha[2] = {0.5f, 0.5f};
  return mixed_gains(experts, 2, alpha, 0, &model, 0, gains);
}

static svf_status create_registry(void)
{
  svf_expert_registry *made;
  const svf_status status = svf_expert_registry_create(&model, 0, &made);
  svf_expert_registry_destroy(made);
  return status;
}

static svf_status load(void)
{
  const svf_status status = svf_expert_registry_load(registry, "e", temp_path("expert"));
  if (status == SVF_OK) return svf_expert_registry_remove(registry, "e");
  ck_assert_uint_eq(svf_expert_registry_count(registry), 0);
  return status;
}

/* More experts than a new registry has space for. */
static svf_status fill_registry(void)
{
  enum { COUNT = 9 };
  svf_expert_registry *made;
  char name[4];
  svf_status status = svf_expert_registry_create(&model, 0, &made);
  for (int i = 0; i < COUNT && status == SVF_OK; ++i) {
    snprintf(name, sizeof name, "%d", i);
    status = svf_expert_registry_load(made, name, temp_path("expert"));
    if (status != SVF_OK) ck_assert_uint_eq(svf_expert_registry_count(made), (size_t)i);
  }
  svf_expert_registry_destroy(made);
  return status;
}

START_TEST(memory)
{
  model = sample_model();
  fail_each(create, 4, SVF_ERR_MEMORY);
}
END_TEST

START_TEST(files)
{
  model = sample_model();
  fail_each(write_file, 10, SVF_ERR_MEMORY);
  fail_each(open_file, 10, SVF_ERR_MEMORY);
}
END_TEST

START_TEST(models)
{
  model = sample_model();
  first = sample_expert(0);
  second = sample_expert(1);
  fail_each(fingerprint, 1, SVF_ERR_MEMORY);
  fail_each(apply, 1, SVF_ERR_MEMORY);
  fail_each(mix, 4, SVF_ERR_MEMORY);
  svf_expert_close(first);
  svf_expert_close(second);
}
END_TEST

START_TEST(registries)
{
  model = sample_model();
  ck_works(svf_expert_registry_create(&model, 0, &registry));
  ck_works(write_file());
  fail_each(create_registry, 1, SVF_ERR_MEMORY);
  fail_each(load, 12, SVF_ERR_MEMORY);
  fail_each(fill_registry, 100, SVF_ERR_MEMORY);
  svf_expert_registry_destroy(registry);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {memory, files, models, registries};
  temp_make();
  const int result = run_suite("experts_alloc", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
