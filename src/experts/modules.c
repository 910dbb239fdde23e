/* SPDX-License-Identifier: Apache-2.0 */
#include "src/experts/modules.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/digest.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/experts/expert.h"

static svf_status check_module(const svf_module *m)
{
  const svf_status status = svf_module_name_check(m->name);
  if (status != SVF_OK) return status;
  if (m->r == 0) return svf_fail(SVF_ERR_ARGUMENT, "module '%s': r is 0", m->name);
  if (!m->sigma) return svf_fail(SVF_ERR_NULL, "module '%s': sigma is NULL", m->name);
  return SVF_OK;
}

static svf_status copy_module(const void *from, size_t i, svf_module *module)
{
  const svf_status status =
      svf_struct_read("module", from, SVF_SIZE_TO(svf_module, offset), module, sizeof *module);
  return svf_fail_at(status, "modules[%zu]", i);
}

svf_status svf_module_read(const svf_modules *modules, size_t i, svf_module *module)
{
  return copy_module(svf_modules_at(modules, i), i, module);
}

const svf_module *svf_modules_at(const svf_modules *modules, size_t i)
{
  if (!modules || i >= modules->count) return NULL;
  const void *at = (const char *)modules->modules + i * modules->modules->size;
  return at;
}

static svf_status check_offset(const svf_modules *modules, const svf_module *m)
{
  size_t end;
  if (svf_size_add(m->offset, m->r, &end) && end <= modules->gains) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT,
                  "module '%s': r = %zu at offset %zu leaves the model's %zu gains", m->name, m->r,
                  m->offset, modules->gains);
}

svf_status svf_modules_read(const svf_modules *from, svf_modules *modules)
{
  size_t step;
  if (!from) return svf_fail(SVF_ERR_NULL, "modules is NULL");
  svf_status status = svf_struct_read("modules", from, SVF_SIZE_TO(svf_modules, fingerprint),
                                      modules, sizeof *modules);
  if (status != SVF_OK) return status;
  if (!modules->modules) return svf_fail(SVF_ERR_NULL, "modules->modules is NULL");
  status = svf_struct_step("modules->modules", modules->modules, modules->count,
                           SVF_SIZE_TO(svf_module, offset), &step);
  for (size_t i = 0; i < modules->count && status == SVF_OK; ++i) {
    svf_module m;
    status = svf_module_read(modules, i, &m);
    if (status == SVF_OK) status = check_module(&m);
    if (status == SVF_OK) status = check_offset(modules, &m);
  }
  return status;
}

static uint64_t digest_module(uint64_t digest, const svf_module *m)
{
  digest = svf_fnv1a(digest, m->name, strlen(m->name) + 1);
  digest = svf_fnv1a_number(digest, m->r, 8);
  for (size_t i = 0; i < m->r; ++i) {
    uint32_t bits;
    memcpy(&bits, &m->sigma[i], sizeof bits);
    digest = svf_fnv1a_number(digest, bits, sizeof bits);
  }
  return digest;
}

static int by_name(const void *a, const void *b)
{
  const svf_module *x = a;
  const svf_module *y = b;
  return strcmp(x->name, y->name);
}

static svf_status digest_sorted(svf_module *modules, size_t count, uint64_t *fingerprint)
{
  uint64_t digest = svf_digest_basis;
  qsort(modules, count, sizeof *modules, by_name);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0 && strcmp(modules[i - 1].name, modules[i].name) == 0) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%s' is there twice", modules[i].name);
    }
    digest = digest_module(digest, &modules[i]);
  }
  *fingerprint = digest ? digest : 1;
  return SVF_OK;
}

svf_status svf_modules_fingerprint(const svf_module *modules, size_t count, uint64_t *fingerprint)
{
  size_t step;
  if (!modules || !fingerprint) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", modules ? "fingerprint" : "modules");
  }
  if (count == 0) return svf_fail(SVF_ERR_ARGUMENT, "the model has no module");
  svf_status status =
      svf_struct_step("modules", modules, count, SVF_SIZE_TO(svf_module, offset), &step);
  if (status != SVF_OK) return status;
  svf_module *read = calloc(count, sizeof *read);
  if (!read) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", count);
  for (size_t i = 0; i < count && status == SVF_OK; ++i) {
    status = copy_module((const char *)modules + i * step, i, &read[i]);
    if (status == SVF_OK) status = check_module(&read[i]);
  }
  if (status == SVF_OK) status = digest_sorted(read, count, fingerprint);
  free(read);
  return status;
}
