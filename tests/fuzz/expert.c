/* SPDX-License-Identifier: Apache-2.0
 *
 * Expert files: what is accepted is finite and fits the limits, is itself a valid argument of
 * svf_expert_create, and can be applied to a model of its own shape.
 *
 * The input is the JSON of the header, a 0, and the data; the length before it is put there, or few
 * mutants of the JSON would be read at all. */
#define _GNU_SOURCE
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include <svf/modules.h>

#include "tests/fuzz/fuzz.h"

enum { PREFIX = 8, MOST = 1024 /* modules and values that are applied */ };

static void check_module(const svf_expert *expert, const svf_expert_module *m)
{
  fuzz_assert(m->r > 0 && m->r <= SVF_EXPERT_MAX_RANK);
  fuzz_assert(strlen(m->name) > 0 && strlen(m->name) <= SVF_EXPERT_MAX_MODULE_NAME);
  fuzz_assert(svf_expert_find(expert, m->name) == m);
  for (size_t i = 0; i < m->r; ++i) fuzz_assert(isfinite(m->values[i]) && isfinite(m->z[i]));
}

static void check_copy(const svf_expert *expert)
{
  svf_expert *copy;
  svf_expert_info info = {.size = sizeof info};
  fuzz_assert(svf_expert_get_info(expert, &info) == SVF_OK);
  fuzz_assert(svf_expert_create(&info, svf_expert_at(expert, 0), svf_expert_count(expert), &copy) ==
              SVF_OK);
  fuzz_assert(svf_expert_count(copy) == svf_expert_count(expert));
  svf_expert_close(copy);
}

/* Scale 0 must be the base; other scales may meet a sum of 0 and fail. */
static void apply(const svf_expert *expert)
{
  static float sigma[MOST], gains[MOST];
  svf_module modules[MOST];
  svf_modules model = {.size = sizeof model, .modules = modules, .count = svf_expert_count(expert)};
  if (model.count > MOST) return;
  for (size_t i = 0; i < model.count; ++i) {
    const svf_expert_module *m = svf_expert_at(expert, i);
    if (m->r > MOST - model.gains) return;
    modules[i] = (svf_module){sizeof *modules, m->name, m->r, sigma + model.gains, model.gains};
    model.gains += m->r;
  }
  for (size_t i = 0; i < model.gains; ++i) sigma[i] = (float)(model.gains - i);
  fuzz_assert(svf_expert_gains(expert, 0, &model, SVF_EXPERT_UNPAIRED, gains) == SVF_OK);
  fuzz_assert(memcmp(gains, sigma, model.gains * sizeof *gains) == 0);
  const svf_status status = svf_expert_gains(expert, 1, &model, SVF_EXPERT_UNPAIRED, gains);
  fuzz_assert(status == SVF_OK || status == SVF_ERR_NUMERIC);
  for (size_t i = 0; i < model.gains && status == SVF_OK; ++i) fuzz_assert(isfinite(gains[i]));
}

static void check(const svf_expert *expert)
{
  fuzz_assert(svf_expert_count(expert) > 0);
  for (size_t i = 0; i < svf_expert_count(expert); ++i) {
    const svf_expert_module *m = svf_expert_at(expert, i);
    check_module(expert, m);
    if (i > 0) fuzz_assert(strcmp(svf_expert_at(expert, i - 1)->name, m->name) < 0);
  }
  check_copy(expert);
  apply(expert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
  const size_t json = end ? (size_t)(end - data) : size;
  const size_t skipped = end ? 1 : 0;
  uint8_t prefix[PREFIX];
  char path[32];
  svf_expert *expert;
  for (size_t i = 0; i < PREFIX; ++i) prefix[i] = (uint8_t)((uint64_t)json >> (8 * i));
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  fuzz_assert(fd >= 0);
  fuzz_assert(write(fd, prefix, PREFIX) == PREFIX);
  fuzz_assert(write(fd, data, json) == (ssize_t)json);
  fuzz_assert(write(fd, data + json + skipped, size - json - skipped) ==
              (ssize_t)(size - json - skipped));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const svf_status status = svf_expert_open(path, &expert);
  close(fd);
  if (status == SVF_OK) {
    check(expert);
    svf_expert_close(expert);
  } else if (status != SVF_ERR_VERSION) {
    fuzz_refused(status);
  }
  return 0;
}
