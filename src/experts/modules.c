/* SPDX-License-Identifier: Apache-2.0 */
#include "src/experts/modules.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/experts/expert.h"

static svf_status check_module(const svf_module *m)
{
  const svf_status status = svf_module_name_check(m->name);
  if (status != SVF_OK) return status;
  if (m->r == 0) return svf_fail(SVF_ERR_ARGUMENT, "module '%s': r is 0", m->name);
  if (!m->sigma) return svf_fail(SVF_ERR_NULL, "module '%s': sigma is NULL", m->name);
  return SVF_OK;
}

svf_status svf_modules_check(const svf_modules *modules)
{
  if (!modules) return svf_fail(SVF_ERR_NULL, "modules is NULL");
  if (!modules->modules) return svf_fail(SVF_ERR_NULL, "modules->modules is NULL");
  for (size_t i = 0; i < modules->count; ++i) {
    const svf_module *m = &modules->modules[i];
    size_t end;
    const svf_status status = check_module(m);
    if (status != SVF_OK) return status;
    if (!svf_size_add(m->offset, m->r, &end) || end > modules->gains) {
      return svf_fail(SVF_ERR_ARGUMENT,
                      "module '%s': r = %zu at offset %zu leaves the model's %zu gains", m->name,
                      m->r, m->offset, modules->gains);
    }
  }
  return SVF_OK;
}

/* FNV-1a */
static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t count)
{
  const unsigned char *p = bytes;
  for (size_t i = 0; i < count; ++i) digest = (digest ^ p[i]) * UINT64_C(0x100000001b3);
  return digest;
}

static uint64_t digest_word(uint64_t digest, uint64_t word, int bytes)
{
  unsigned char little[8];
  for (int i = 0; i < bytes; ++i) little[i] = (unsigned char)(word >> 8 * i);
  return digest_bytes(digest, little, (size_t)bytes);
}

static uint64_t digest_module(uint64_t digest, const svf_module *m)
{
  digest = digest_bytes(digest, m->name, strlen(m->name) + 1);
  digest = digest_word(digest, m->r, 8);
  for (size_t i = 0; i < m->r; ++i) {
    uint32_t bits;
    memcpy(&bits, &m->sigma[i], sizeof bits);
    digest = digest_word(digest, bits, 4);
  }
  return digest;
}

static int by_name(const void *a, const void *b)
{
  const svf_module *const *x = a;
  const svf_module *const *y = b;
  return strcmp((*x)->name, (*y)->name);
}

static svf_status digest_sorted(const svf_module **sorted, size_t count, uint64_t *fingerprint)
{
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  qsort(sorted, count, sizeof(const svf_module *), by_name);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0 && strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%s' is there twice", sorted[i]->name);
    }
    digest = digest_module(digest, sorted[i]);
  }
  *fingerprint = digest ? digest : 1;
  return SVF_OK;
}

svf_status svf_modules_fingerprint(const svf_module *modules, size_t count, uint64_t *fingerprint)
{
  if (!modules || !fingerprint) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", modules ? "fingerprint" : "modules");
  }
  if (count == 0) return svf_fail(SVF_ERR_ARGUMENT, "the model has no module");
  for (size_t i = 0; i < count; ++i) {
    const svf_status status = check_module(&modules[i]);
    if (status != SVF_OK) return status;
  }
  const svf_module **sorted = calloc(count, sizeof(const svf_module *));
  if (!sorted) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", count);
  for (size_t i = 0; i < count; ++i) sorted[i] = &modules[i];
  const svf_status status = digest_sorted(sorted, count, fingerprint);
  free(sorted);
  return status;
}
