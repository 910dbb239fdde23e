/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts in memory. What must be true of every expert, wherever it comes from, is checked here. */
#include "src/experts/expert.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/io/text.h"

/* Sizes of the structs' first version. */
#define INFO_BYTES SVF_SIZE_TO(svf_expert_info, trained)
#define MODULE_BYTES SVF_SIZE_TO(svf_expert_module, z)

svf_status svf_module_name_check(const char *name)
{
  if (!name) return svf_fail(SVF_ERR_NULL, "the name of a module is NULL");
  size_t length = 0;
  for (; name[length]; ++length) {
    if (length == SVF_EXPERT_MAX_MODULE_NAME) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%.60s...': its name has more than %d bytes", name,
                      SVF_EXPERT_MAX_MODULE_NAME);
    }
    if (name[length] <= ' ' || name[length] > '~') {
      return svf_fail(SVF_ERR_ARGUMENT, "byte %zu of the name of a module is 0x%02x", length,
                      (unsigned char)name[length]);
    }
  }
  return length > 0 ? SVF_OK : svf_fail(SVF_ERR_ARGUMENT, "the name of a module is empty");
}

svf_status svf_fail_in_module(svf_status status, const char *name)
{
  return svf_fail_at(status, "module '%s'", name);
}

const char *svf_expert_suffix(svf_parametrisation kind)
{
  return kind == SVF_PARAMETERS_DIRECT ? ".z" : ".p";
}

static svf_status check_text(const char *what, const char *text, size_t limit)
{
  if (!text) return SVF_OK;
  const size_t bytes = strlen(text);
  if (bytes > limit) {
    return svf_fail(SVF_ERR_ARGUMENT, "%s has %zu bytes, the limit is %zu", what, bytes, limit);
  }
  if (svf_text_is_utf8(text)) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "%s is not UTF-8", what);
}

static bool is_known(svf_parametrisation kind)
{
  return svf_parametrisation_parse(svf_parametrisation_name(kind), &kind) == SVF_OK;
}

static svf_status check_info(const svf_expert_info *info)
{
  const svf_parametrisation kind = info->parametrisation;
  if (info->factors == 0)
    return svf_fail(SVF_ERR_ARGUMENT, "factors is 0, which is no fingerprint");
  if (!is_known(kind)) {
    return svf_fail(SVF_ERR_ARGUMENT, "parametrisation is %d, which is none", (int)kind);
  }
  if (!isfinite(info->scale) || (kind == SVF_PARAMETERS_DIRECT && info->scale != 1)) {
    return svf_fail(SVF_ERR_ARGUMENT, "scale is %g; it must be finite, and 1 where z is stored",
                    (double)info->scale);
  }
  const svf_status status = check_text("task", info->task, SVF_EXPERT_MAX_TASK);
  return status == SVF_OK ? check_text("trained", info->trained, SVF_EXPERT_MAX_TRAINED) : status;
}

/* Checks a module's name, rank and pointer, and adds its rank to *values, which has a limit. */
static svf_status check_module(const svf_expert_module *m, size_t *values)
{
  const svf_status status = svf_module_name_check(m->name);
  if (status != SVF_OK) return status;
  if (m->r == 0 || m->r > SVF_EXPERT_MAX_RANK) {
    return svf_fail(SVF_ERR_ARGUMENT, "module '%s': r is %zu, not in 1 to %u", m->name, m->r,
                    SVF_EXPERT_MAX_RANK);
  }
  if (!m->values) return svf_fail(SVF_ERR_NULL, "module '%s': values is NULL", m->name);
  *values += m->r;
  if (*values <= SVF_EXPERT_MAX_VALUES) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "the expert has more than %u values", SVF_EXPERT_MAX_VALUES);
}

/* Copies the caller's modules and checks them, except for duplicates, which are found when they are
 * sorted. The sum of their ranks is added to *values. */
static svf_status read_modules(svf_expert *expert, const svf_expert_module *modules, size_t *values)
{
  size_t step;
  svf_status status = svf_struct_step("modules", modules, expert->count, MODULE_BYTES, &step);
  if (status != SVF_OK) return status;
  expert->modules = malloc(expert->count * sizeof *expert->modules);
  if (!expert->modules) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", expert->count);
  }
  for (size_t i = 0; i < expert->count && status == SVF_OK; ++i) {
    svf_expert_module *m = &expert->modules[i];
    status =
        svf_struct_read("module", (const char *)modules + i * step, MODULE_BYTES, m, sizeof *m);
    if (status != SVF_OK) return svf_fail_at(status, "modules[%zu]", i);
    status = check_module(m, values);
  }
  return status;
}

static svf_status check_count(size_t count)
{
  if (count == 0) return svf_fail(SVF_ERR_ARGUMENT, "the expert has no module");
  if (count <= SVF_EXPERT_MAX_MODULES) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "the expert has %zu modules, the limit is %u", count,
                  SVF_EXPERT_MAX_MODULES);
}

static int by_name(const void *a, const void *b)
{
  const svf_expert_module *x = a;
  const svf_expert_module *y = b;
  return strcmp(x->name, y->name);
}

static svf_status sort_modules(svf_expert *expert)
{
  svf_expert_module *modules = expert->modules;
  qsort(modules, expert->count, sizeof *modules, by_name);
  for (size_t i = 1; i < expert->count; ++i) {
    if (strcmp(modules[i - 1].name, modules[i].name) == 0) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%s' is there twice", modules[i].name);
    }
  }
  return SVF_OK;
}

static const char *copy_text(const char *from, char **at)
{
  const size_t bytes = strlen(from) + 1;
  const char *copy = memcpy(*at, from, bytes);
  *at += bytes;
  return copy;
}

static svf_status copy_strings(svf_expert *expert)
{
  svf_expert_info *info = &expert->info;
  size_t bytes = 0;
  for (size_t i = 0; i < expert->count; ++i) bytes += strlen(expert->modules[i].name) + 1;
  if (info->task) bytes += strlen(info->task) + 1;
  if (info->trained) bytes += strlen(info->trained) + 1;
  char *at = expert->text = malloc(bytes);
  if (!at) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes of names", bytes);
  for (size_t i = 0; i < expert->count; ++i) {
    expert->modules[i].name = copy_text(expert->modules[i].name, &at);
  }
  if (info->task) info->task = copy_text(info->task, &at);
  if (info->trained) info->trained = copy_text(info->trained, &at);
  return SVF_OK;
}

/* Copies the values in the order of names; where z differs from them, it follows all of them. */
static svf_status copy_values(svf_expert *expert, size_t values)
{
  const svf_expert_info *info = &expert->info;
  const size_t z_at = info->parametrisation == SVF_PARAMETERS_DIRECT ? 0 : values;
  float *at = expert->floats = malloc((values + z_at) * sizeof *at);
  if (!at) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu values", values + z_at);
  for (size_t i = 0; i < expert->count; ++i) {
    svf_expert_module *m = &expert->modules[i];
    memcpy(at, m->values, m->r * sizeof *at);
    const svf_status status =
        svf_z_from_parameters(info->parametrisation, at, info->scale, at + z_at, m->r);
    if (status != SVF_OK) return svf_fail_in_module(status, m->name);
    m->values = at;
    m->z = at + z_at;
    at += m->r;
  }
  return SVF_OK;
}

static svf_status fill(svf_expert *expert, const svf_expert_module *modules)
{
  size_t values = 0;
  svf_status status = read_modules(expert, modules, &values);
  if (status == SVF_OK) status = sort_modules(expert);
  if (status == SVF_OK) status = copy_strings(expert);
  if (status == SVF_OK) status = copy_values(expert, values);
  return status;
}

svf_status svf_expert_create(const svf_expert_info *info, const svf_expert_module *modules,
                             size_t count, svf_expert **expert)
{
  svf_expert_info read;
  if (!expert) return svf_fail(SVF_ERR_NULL, "expert is NULL");
  *expert = NULL;
  if (!info || !modules) return svf_fail(SVF_ERR_NULL, "%s is NULL", info ? "modules" : "info");
  svf_status status = svf_struct_read("info", info, INFO_BYTES, &read, sizeof read);
  if (status == SVF_OK) status = check_info(&read);
  if (status == SVF_OK) status = check_count(count);
  if (status != SVF_OK) return status;
  svf_expert *made = calloc(1, sizeof *made);
  if (!made) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *made);
  made->info = read;
  made->count = count;
  status = fill(made, modules);
  if (status == SVF_OK) {
    *expert = made;
  } else {
    svf_expert_close(made);
  }
  return status;
}

void svf_expert_close(svf_expert *expert)
{
  if (!expert) return;
  free(expert->modules);
  free(expert->floats);
  free(expert->text);
  free(expert);
}

svf_status svf_expert_get_info(const svf_expert *expert, svf_expert_info *info)
{
  if (!expert || !info) return svf_fail(SVF_ERR_NULL, "%s is NULL", expert ? "info" : "expert");
  return svf_struct_write("info", &expert->info, sizeof expert->info, info, INFO_BYTES);
}

size_t svf_expert_count(const svf_expert *expert) { return expert ? expert->count : 0; }

const svf_expert_module *svf_expert_at(const svf_expert *expert, size_t i)
{
  return i < svf_expert_count(expert) ? &expert->modules[i] : NULL;
}

const svf_expert_module *svf_expert_find(const svf_expert *expert, const char *name)
{
  const svf_expert_module key = {.name = name};
  if (!expert || !name) return NULL;
  return bsearch(&key, expert->modules, expert->count, sizeof key, by_name);
}
