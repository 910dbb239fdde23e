/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry, alone and with many threads at once. For ThreadSanitizer. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <svf/expert_registry.h>

#include "tests/experts/sample.h"
#include "tests/io/temp.h"

static svf_modules model;

static svf_expert_registry *make(void)
{
  svf_expert_registry *registry;
  model = sample_model();
  ck_works(svf_expert_registry_create(&model, 0, &registry));
  return registry;
}

static const char *write_sample(int row)
{
  const char *path = temp_path("%d.safetensors", row);
  const svf_expert_info info = sample_info();
  const svf_expert_module modules[2] = {
      {.size = sizeof(svf_expert_module), .name = UP0, .r = 3, .values = sample_values[row]},
      {.size = sizeof(svf_expert_module), .name = DOWN1, .r = 4, .values = sample_values[row]}};
  ck_works(svf_expert_write(path, &info, modules, 2));
  return path;
}

START_TEST(experts_by_name)
{
  svf_expert_registry *registry = make();
  svf_expert_handle *handle;
  float want[GAINS] = {0};
  ck_works(svf_expert_registry_load(registry, "math", write_sample(0)));
  ck_works(svf_expert_registry_load(registry, "code", write_sample(1)));
  svf_expert *mine = sample_expert(2);
  ck_works(svf_expert_registry_add(registry, "2-mine_.x", mine));
  ck_assert_uint_eq(svf_expert_registry_count(registry), 3);
  ck_works(svf_expert_registry_find(registry, "2-mine_.x", &handle));
  ck_assert_ptr_eq(svf_expert_handle_expert(handle), mine);
  ck_assert_str_eq(svf_expert_handle_name(handle), "2-mine_.x");
  ck_works(svf_expert_gains(mine, 1, &model, 0, want));
  ck_assert_mem_eq(svf_expert_handle_gains(handle), want, sizeof want);
  ck_assert_uint_eq((uintptr_t)svf_expert_handle_gains(handle) % 64, 0);
  svf_expert_handle_release(handle);
  ck_works(svf_expert_registry_find(registry, "code", &handle));
  ck_assert_float_eq(svf_expert_find(svf_expert_handle_expert(handle), UP0)->z[0], -0.3f);
  svf_expert_handle_release(handle);
  svf_expert_registry_destroy(registry);
}
END_TEST

START_TEST(names_in_any_order)
{
  enum { COUNT = 40 };
  svf_expert_registry *registry = make();
  svf_expert_handle *handle;
  char name[16];
  for (size_t i = 0; i < COUNT; ++i) {
    snprintf(name, sizeof name, "e%zu", i * 17 % COUNT);
    ck_works(svf_expert_registry_add(registry, name, sample_expert(0)));
  }
  for (size_t i = 0; i < COUNT; i += 2) {
    snprintf(name, sizeof name, "e%zu", i);
    ck_works(svf_expert_registry_remove(registry, name));
  }
  ck_assert_uint_eq(svf_expert_registry_count(registry), COUNT / 2);
  for (size_t i = 0; i < COUNT; ++i) {
    snprintf(name, sizeof name, "e%zu", i);
    const svf_status status = svf_expert_registry_find(registry, name, &handle);
    ck_assert_int_eq(status, i % 2 ? SVF_OK : SVF_ERR_ARGUMENT);
    if (status != SVF_OK) continue;
    ck_assert_str_eq(svf_expert_handle_name(handle), name);
    svf_expert_handle_release(handle);
  }
  svf_expert_registry_destroy(registry);
}
END_TEST

/* A removed expert lives on in its handles, also without the registry. */
START_TEST(handles_outlive)
{
  svf_expert_registry *registry = make();
  svf_expert_handle *old, *now;
  float gains[GAINS];
  ck_works(svf_expert_registry_add(registry, "a", sample_expert(0)));
  ck_works(svf_expert_registry_find(registry, "a", &old));
  memcpy(gains, svf_expert_handle_gains(old), sizeof gains);
  ck_works(svf_expert_registry_remove(registry, "a"));
  ck_fails(svf_expert_registry_find(registry, "a", &now), SVF_ERR_ARGUMENT, "no expert 'a'");
  ck_works(svf_expert_registry_add(registry, "a", sample_expert(1)));
  ck_works(svf_expert_registry_find(registry, "a", &now));
  ck_assert_mem_ne(svf_expert_handle_gains(now), gains, sizeof gains);
  ck_assert_ptr_eq(svf_expert_handle_retain(old), old);
  svf_expert_handle_release(old);
  svf_expert_registry_destroy(registry);
  ck_assert_mem_eq(svf_expert_handle_gains(old), gains, sizeof gains);
  svf_expert_handle_release(old);
  ck_assert_str_eq(svf_expert_handle_name(now), "a");
  svf_expert_handle_release(now);
}
END_TEST

START_TEST(names_are_checked)
{
  static const char *const bad[] = {"",    ".",   "-a",  "_a",          "a b",
                                    "a=b", "a,b", "a/b", "caf\xc3\xa9", "\033"};
  char name[SVF_EXPERT_MAX_NAME + 2];
  svf_expert_registry *registry = make();
  svf_expert_handle *handle;
  svf_expert *expert = sample_expert(0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    ck_fails(svf_expert_registry_add(registry, bad[i], expert), SVF_ERR_ARGUMENT, "another form");
    ck_fails(svf_expert_registry_load(registry, bad[i], "x"), SVF_ERR_ARGUMENT, "another form");
    ck_fails(svf_expert_registry_find(registry, bad[i], &handle), SVF_ERR_ARGUMENT, "another form");
    ck_fails(svf_expert_registry_remove(registry, bad[i]), SVF_ERR_ARGUMENT, "another form");
  }
  memset(name, 'x', sizeof name);
  name[SVF_EXPERT_MAX_NAME + 1] = 0;
  ck_fails(svf_expert_registry_add(registry, name, expert), SVF_ERR_ARGUMENT, "another form");
  name[SVF_EXPERT_MAX_NAME] = 0;
  ck_works(svf_expert_registry_add(registry, name, expert));
  svf_expert_registry_destroy(registry);
}
END_TEST

START_TEST(refusals)
{
  svf_expert_registry *registry = make(), *none = registry;
  svf_expert *expert = sample_expert(0);
  svf_expert_info info = sample_info();
  static const char *const names[] = {UP0};
  ck_works(svf_expert_registry_add(registry, "a", expert));
  expert = sample_expert(0); /* refused, it stays the caller's */
  ck_fails(svf_expert_registry_add(registry, "a", expert), SVF_ERR_ARGUMENT, "'a' already");
  ck_fails(svf_expert_registry_load(registry, "a", write_sample(0)), SVF_ERR_ARGUMENT, "already");
  ck_assert_uint_eq(svf_expert_count(expert), 3);
  svf_expert_close(expert);
  info.factors = 5;
  expert = sample_expert_on(names, 1, 0, &info);
  ck_fails(svf_expert_registry_add(registry, "b", expert), SVF_ERR_ARGUMENT, "0000000000000005");
  svf_expert_close(expert);
  ck_fails(svf_expert_registry_load(registry, "b", temp_path("none")), SVF_ERR_IO, "none");
  ck_fails(svf_expert_registry_remove(registry, "b"), SVF_ERR_ARGUMENT, "no expert 'b'");
  ck_assert_uint_eq(svf_expert_registry_count(registry), 1);
  ck_fails(svf_expert_registry_add(NULL, "b", expert), SVF_ERR_NULL, "registry");
  ck_fails(svf_expert_registry_add(registry, NULL, expert), SVF_ERR_NULL, "name");
  ck_fails(svf_expert_registry_add(registry, "b", NULL), SVF_ERR_NULL, "expert");
  ck_fails(svf_expert_registry_load(registry, "b", NULL), SVF_ERR_NULL, "path");
  ck_fails(svf_expert_registry_find(registry, "a", NULL), SVF_ERR_NULL, "handle");
  ck_fails(svf_expert_registry_create(NULL, 0, &none), SVF_ERR_NULL, "modules");
  ck_assert_ptr_null(none);
  ck_fails(svf_expert_registry_create(&model, 0, NULL), SVF_ERR_NULL, "registry");
  ck_fails(svf_expert_registry_create(&model, 2, &none), SVF_ERR_ARGUMENT, "flags is 0x2");
  svf_expert_handle_release(NULL);
  ck_assert_ptr_null(svf_expert_handle_retain(NULL));
  ck_assert_ptr_null(svf_expert_handle_name(NULL));
  ck_assert_ptr_null(svf_expert_handle_gains(NULL));
  ck_assert_ptr_null(svf_expert_handle_expert(NULL));
  ck_assert_uint_eq(svf_expert_registry_count(NULL), 0);
  svf_expert_registry_destroy(registry);
  svf_expert_registry_destroy(NULL);
}
END_TEST

START_TEST(unpaired_registries)
{
  svf_expert_registry *registry;
  svf_expert_info info = sample_info();
  static const char *const names[] = {UP0};
  model = sample_model();
  info.factors = 5;
  ck_works(svf_expert_registry_create(&model, SVF_EXPERT_UNPAIRED, &registry));
  ck_works(svf_expert_registry_add(registry, "b", sample_expert_on(names, 1, 0, &info)));
  svf_expert_registry_destroy(registry);
}
END_TEST

enum { THREADS = 4, TURNS = 300, NAMES = 5 };

typedef struct worker {
  pthread_t thread;
  svf_expert_registry *registry;
  const char *path;
  float (*gains)[GAINS]; /* of each row of sample_values */
  unsigned seed;
  int failures, found;
  atomic_int *balance; /* experts added less experts removed */
} worker;

/* The gains of a handle are whole, and are those of one of the experts. */
static bool is_known(const worker *w, const svf_expert_handle *handle)
{
  for (int row = 0; row < 3; ++row) {
    if (memcmp(svf_expert_handle_gains(handle), w->gains[row], sizeof w->gains[row]) == 0)
      return true;
  }
  return false;
}

static void enter(worker *w, const char *name, int row)
{
  svf_status status;
  if (row == 0) {
    status = svf_expert_registry_load(w->registry, name, w->path);
  } else {
    svf_expert *expert = sample_expert(row);
    status = svf_expert_registry_add(w->registry, name, expert);
    if (status != SVF_OK) svf_expert_close(expert);
  }
  if (status == SVF_OK) atomic_fetch_add(w->balance, 1);
  if (status != SVF_OK && !strstr(svf_last_message(), "already")) ++w->failures;
}

static void *work(void *argument)
{
  worker *w = argument;
  svf_expert_handle *held = NULL;
  char name[8];
  for (int turn = 0; turn < TURNS; ++turn) {
    w->seed = w->seed * 1664525u + 1013904223u;
    snprintf(name, sizeof name, "e%u", (w->seed >> 8) % NAMES);
    svf_expert_handle *handle = NULL;
    switch ((w->seed >> 16) % 4) {
      case 0: enter(w, name, (int)((w->seed >> 24) % 3)); break;
      case 1:
        if (svf_expert_registry_remove(w->registry, name) == SVF_OK) {
          atomic_fetch_sub(w->balance, 1);
        } else if (!strstr(svf_last_message(), "no expert")) {
          ++w->failures;
        }
        break;
      default:
        if (svf_expert_registry_find(w->registry, name, &handle) != SVF_OK) break;
        ++w->found;
        if (strcmp(svf_expert_handle_name(handle), name) != 0) ++w->failures;
        if (!is_known(w, handle)) ++w->failures;
        svf_expert_handle_release(held); /* one is held until the next is found */
        held = svf_expert_handle_retain(handle);
        svf_expert_handle_release(handle);
    }
    if (held && !is_known(w, held)) ++w->failures;
    if (svf_expert_registry_count(w->registry) > NAMES) ++w->failures;
  }
  svf_expert_handle_release(held);
  return NULL;
}

START_TEST(many_threads)
{
  svf_expert_registry *registry = make();
  static float gains[3][GAINS];
  worker workers[THREADS];
  atomic_int balance = 0;
  svf_expert *loaded;
  const char *path = write_sample(0);
  for (int row = 1; row < 3; ++row) {
    svf_expert *expert = sample_expert(row);
    ck_works(svf_expert_gains(expert, 1, &model, 0, gains[row]));
    svf_expert_close(expert);
  }
  ck_works(svf_expert_open(path, &loaded));
  ck_works(svf_expert_gains(loaded, 1, &model, 0, gains[0]));
  svf_expert_close(loaded);
  for (unsigned i = 0; i < THREADS; ++i) {
    workers[i] = (worker){
        .registry = registry, .path = path, .gains = gains, .seed = i + 1, .balance = &balance};
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; ++i) {
    pthread_join(workers[i].thread, NULL);
    ck_assert_int_eq(workers[i].failures, 0);
    ck_assert_int_gt(workers[i].found, 0);
  }
  ck_assert_int_eq((int)svf_expert_registry_count(registry), balance);
  svf_expert_registry_destroy(registry);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {experts_by_name,   names_in_any_order, handles_outlive,
                                names_are_checked, refusals,           unpaired_registries,
                                many_threads};
  temp_make();
  const int result = run_suite("registry", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
