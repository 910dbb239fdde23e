/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts in memory: what they are made of, and what is refused. */
#include <math.h>

#include "tests/experts/sample.h"

START_TEST(an_expert_is_a_sorted_copy)
{
  char name[2][2] = {"b", "a"};
  float values[2][3] = {{1, 2, 3}, {4, 5, 6}};
  char task[] = "a task";
  svf_expert_module modules[2] = {
      {.size = sizeof(svf_expert_module), .name = name[0], .r = 3, .values = values[0]},
      {.size = sizeof(svf_expert_module), .name = name[1], .r = 2, .values = values[1]}};
  const svf_expert_info info = {
      .size = sizeof info, .factors = 7, .scale = 1, .normalise = true, .task = task};
  svf_expert *expert;
  ck_works(svf_expert_create(&info, modules, 2, &expert));
  memset(name, 'x', sizeof name);
  memset(values, 0, sizeof values);
  memset(task, 'x', sizeof task);
  memset(modules, 0, sizeof modules);
  ck_assert_uint_eq(svf_expert_count(expert), 2);
  const svf_expert_module *a = svf_expert_at(expert, 0);
  const svf_expert_module *b = svf_expert_at(expert, 1);
  ck_assert_str_eq(a->name, "a");
  ck_assert_uint_eq(a->r, 2);
  ck_assert_float_eq(a->z[1], 5);
  ck_assert_str_eq(b->name, "b");
  ck_assert_uint_eq(b->r, 3);
  ck_assert_float_eq(b->values[2], 3);
  ck_assert_ptr_eq(b->values, b->z);
  ck_assert_ptr_null(svf_expert_at(expert, 2));
  ck_assert_ptr_eq(svf_expert_find(expert, "b"), b);
  ck_assert_ptr_null(svf_expert_find(expert, "c"));
  ck_assert_ptr_null(svf_expert_find(expert, NULL));
  svf_expert_info got = {.size = sizeof got};
  ck_works(svf_expert_get_info(expert, &got));
  ck_assert_uint_eq(got.size, sizeof got);
  ck_assert_str_eq(got.task, "a task");
  ck_assert_ptr_null(got.trained);
  ck_assert_uint_eq(got.factors, 7);
  ck_assert(got.normalise);
  svf_expert_close(expert);
}
END_TEST

START_TEST(no_expert)
{
  svf_expert_close(NULL);
  ck_assert_uint_eq(svf_expert_count(NULL), 0);
  ck_assert_ptr_null(svf_expert_at(NULL, 0));
  ck_assert_ptr_null(svf_expert_find(NULL, "a"));
  svf_expert_info info = {.size = sizeof info};
  ck_fails(svf_expert_get_info(NULL, &info), SVF_ERR_NULL, "expert is NULL");
}
END_TEST

START_TEST(parameters_become_z)
{
  const float p[3] = {0, 1, -2};
  const svf_expert_module modules[2] = {
      {.size = sizeof(svf_expert_module), .name = "b", .r = 1, .values = p + 2},
      {.size = sizeof(svf_expert_module), .name = "a", .r = 3, .values = p}};
  const svf_expert_info info = {
      .size = sizeof info, .factors = 1, .parametrisation = SVF_PARAMETERS_SIGMOID, .scale = 2};
  svf_expert *expert;
  ck_works(svf_expert_create(&info, modules, 2, &expert));
  for (size_t m = 0; m < 2; ++m) {
    const svf_expert_module *got = svf_expert_at(expert, m);
    float want[3];
    ck_works(svf_z_from_parameters(SVF_PARAMETERS_SIGMOID, got->values, 2, want, got->r));
    ck_assert_mem_eq(got->values, modules[1 - m].values, got->r * sizeof *p);
    ck_assert_mem_eq(got->z, want, got->r * sizeof *p);
  }
  svf_expert_close(expert);
}
END_TEST

static svf_status create_with(const svf_expert_info *info)
{
  const float one = 1;
  const svf_expert_module module = {.size = sizeof module, .name = "a", .r = 1, .values = &one};
  svf_expert *expert = NULL;
  const svf_status status = svf_expert_create(info, &module, 1, &expert);
  if (status != SVF_OK) ck_assert_ptr_null(expert);
  svf_expert_close(expert);
  return status;
}

START_TEST(info_is_checked)
{
  static char text[SVF_EXPERT_MAX_TRAINED + 2];
  const svf_expert_info good = {.size = sizeof good, .factors = 1, .scale = 1};
  svf_expert_info info = good;
  ck_works(create_with(&info));
  info.factors = 0;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "factors is 0");
  info = good;
  info.parametrisation = (svf_parametrisation)5;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "parametrisation is 5");
  info = good;
  info.scale = 2;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "scale is 2");
  info.parametrisation = SVF_PARAMETERS_SIGMOID;
  ck_works(create_with(&info));
  info.scale = INFINITY;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "scale is inf");
  info = good;
  info.size = 0;
  ck_fails(create_with(&info), SVF_ERR_VERSION, "info->size is 0");
  info = good;
  memset(text, 'x', sizeof text - 1);
  info.trained = text;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "trained has 65537 bytes, the limit is 65536");
  text[SVF_EXPERT_MAX_TRAINED] = 0;
  ck_works(create_with(&info));
  info.task = text;
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "task has 65536 bytes, the limit is 256");
  info.task = "\xff";
  ck_fails(create_with(&info), SVF_ERR_ARGUMENT, "task is not UTF-8");
}
END_TEST

START_TEST(modules_are_checked)
{
  static char name[SVF_EXPERT_MAX_MODULE_NAME + 2];
  const float good[2] = {1, 2}, bad[2] = {1, NAN};
  const svf_expert_info info = {.size = sizeof info, .factors = 1, .scale = 1};
  svf_expert_module modules[2] = {
      {.size = sizeof(svf_expert_module), .name = "a", .r = 2, .values = good},
      {.size = sizeof(svf_expert_module), .name = "b", .r = 2, .values = good}};
  svf_expert *expert;
  ck_fails(svf_expert_create(NULL, modules, 2, &expert), SVF_ERR_NULL, "info");
  ck_fails(svf_expert_create(&info, NULL, 2, &expert), SVF_ERR_NULL, "modules");
  ck_fails(svf_expert_create(&info, modules, 2, NULL), SVF_ERR_NULL, "expert");
  ck_fails(svf_expert_create(&info, modules, 0, &expert), SVF_ERR_ARGUMENT, "no module");
  ck_fails(svf_expert_create(&info, modules, SVF_EXPERT_MAX_MODULES + 1, &expert), SVF_ERR_ARGUMENT,
           "131073 modules, the limit is 131072");
#define REFUSED(status, words) \
  ck_fails(svf_expert_create(&info, modules, 2, &expert), status, words)
  modules[1].name = "a";
  REFUSED(SVF_ERR_ARGUMENT, "module 'a' is there twice");
  modules[1].name = NULL;
  REFUSED(SVF_ERR_NULL, "name");
  modules[1].name = "";
  REFUSED(SVF_ERR_ARGUMENT, "empty");
  modules[1].name = "a\033[2J";
  REFUSED(SVF_ERR_ARGUMENT, "byte 1 of the name of a module is 0x1b");
  modules[1].name = "caf\xc3\xa9";
  REFUSED(SVF_ERR_ARGUMENT, "byte 3 of the name of a module is 0xc3");
  memset(name, 'n', sizeof name - 1);
  modules[1].name = name;
  REFUSED(SVF_ERR_ARGUMENT, "more than 200 bytes");
  name[SVF_EXPERT_MAX_MODULE_NAME] = 0;
  ck_works(svf_expert_create(&info, modules, 2, &expert));
  svf_expert_close(expert);
  modules[1].r = 0;
  REFUSED(SVF_ERR_ARGUMENT, "r is 0");
  modules[1].r = SVF_EXPERT_MAX_RANK + 1;
  REFUSED(SVF_ERR_ARGUMENT, "r is 1048577, not in 1 to 1048576");
  modules[1].r = 2;
  modules[1].values = NULL;
  REFUSED(SVF_ERR_NULL, "values is NULL");
  modules[1].values = bad;
  modules[1].name = "b";
  REFUSED(SVF_ERR_NUMERIC, "module 'b': p[1]");
#undef REFUSED
}
END_TEST

START_TEST(values_are_limited)
{
  enum { COUNT = SVF_EXPERT_MAX_VALUES / SVF_EXPERT_MAX_RANK + 1 };
  static char names[COUNT][8];
  svf_expert_module modules[COUNT];
  const float one = 1;
  const svf_expert_info info = {.size = sizeof info, .factors = 1, .scale = 1};
  svf_expert *expert;
  for (size_t i = 0; i < COUNT; ++i) { /* refused before any value is read */
    snprintf(names[i], sizeof names[i], "%zu", i);
    modules[i] = (svf_expert_module){.size = sizeof(svf_expert_module),
                                     .name = names[i],
                                     .r = SVF_EXPERT_MAX_RANK,
                                     .values = &one};
  }
  ck_fails(svf_expert_create(&info, modules, COUNT, &expert), SVF_ERR_ARGUMENT,
           "more than 134217728 values");
}
END_TEST

SUITE("expert", an_expert_is_a_sorted_copy, no_expert, parameters_become_z, info_is_checked,
      modules_are_checked, values_are_limited)
