/* SPDX-License-Identifier: Apache-2.0
 *
 * The gains of a model under one expert. */
#include "src/experts/apply.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/experts/expert.h"
#include "src/experts/modules.h"

/* Marks in `seen` the expert's module that has the name of the model's module i, if there is
 * one. */
static svf_status match_module(const svf_expert *expert, const svf_modules *modules, size_t i,
                               bool *seen)
{
  svf_module m;
  const svf_status status = svf_module_read(modules, i, &m);
  if (status != SVF_OK) return status;
  const svf_expert_module *e = svf_expert_find(expert, m.name);
  if (!e) return SVF_OK;
  if (e->r != m.r) {
    return svf_fail(SVF_ERR_ARGUMENT, "module '%s': the expert has r = %zu, the model %zu", m.name,
                    e->r, m.r);
  }
  if (seen[e - expert->modules]) {
    return svf_fail(SVF_ERR_ARGUMENT, "module '%s': the model has it twice", m.name);
  }
  seen[e - expert->modules] = true;
  return SVF_OK;
}

static svf_status match_names(const svf_expert *expert, const svf_modules *modules, bool *seen)
{
  svf_module first = {.name = ""};
  svf_status status = SVF_OK;
  for (size_t i = 0; i < modules->count && status == SVF_OK; ++i) {
    status = match_module(expert, modules, i, seen);
  }
  if (status == SVF_OK && modules->count > 0) status = svf_module_read(modules, 0, &first);
  for (size_t i = 0; i < expert->count && status == SVF_OK; ++i) {
    if (seen[i]) continue;
    status = svf_fail(SVF_ERR_ARGUMENT,
                      "module '%s' of the expert is not in the model, which has %zu, the first "
                      "'%s'",
                      expert->modules[i].name, modules->count, first.name);
  }
  return status;
}

static svf_status match(const svf_expert *expert, const svf_modules *modules)
{
  bool *seen = calloc(expert->count, sizeof *seen);
  if (!seen) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", expert->count);
  const svf_status status = match_names(expert, modules, seen);
  free(seen);
  return status;
}

/* A fingerprint is made of the modules' names, ranks and sigma: which of these differ tells why. */
static svf_status other_factors(const svf_expert *expert, const svf_modules *modules)
{
  const char *why =
      "these modules have other singular values: another model or a copy of it in "
      "another precision, or decomposed with other modules (--layers) or by "
      "another LAPACK";
  if (match(expert, modules) != SVF_OK) {
    why =
        "its modules are others: another model, or decomposed with other modules (--layers) or "
        "ranks (--rank, --energy)";
  }
  return svf_fail(SVF_ERR_ARGUMENT,
                  "the expert belongs to the factors %016" PRIx64 ", the model has %016" PRIx64
                  "; %s",
                  expert->info.factors, modules->fingerprint, why);
}

svf_status svf_expert_check_pairing(const svf_expert *expert, const svf_modules *modules,
                                    unsigned flags)
{
  if (!expert) return svf_fail(SVF_ERR_NULL, "expert is NULL");
  if (flags & ~SVF_EXPERT_UNPAIRED) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags, SVF_EXPERT_UNPAIRED);
  }
  if (expert->info.factors != modules->fingerprint && !(flags & SVF_EXPERT_UNPAIRED)) {
    return other_factors(expert, modules);
  }
  return match(expert, modules);
}

svf_status svf_expert_check(const svf_expert *expert, const svf_modules *modules, unsigned flags)
{
  svf_modules model;
  const svf_status status = svf_modules_read(modules, &model);
  return status == SVF_OK ? svf_expert_check_pairing(expert, &model, flags) : status;
}

static svf_status named_gains(const svf_module *m, const float *z, float scale, bool normalise,
                              float *gains)
{
  svf_status status = svf_z_scale(scale, z, m->r, gains);
  if (status == SVF_OK) status = svf_gains(m->sigma, m->r, gains, normalise, gains);
  return svf_fail_in_module(status, m->name);
}

static svf_status module_gains(const svf_expert *expert, float scale, const svf_modules *modules,
                               size_t i, float *gains)
{
  svf_module m;
  const svf_status status = svf_module_read(modules, i, &m);
  if (status != SVF_OK) return status;
  const svf_expert_module *e = svf_expert_find(expert, m.name);
  if (e) return named_gains(&m, e->z, scale, expert->info.normalise, gains + m.offset);
  memcpy(gains + m.offset, m.sigma, m.r * sizeof *gains);
  return SVF_OK;
}

svf_status svf_expert_gains(const svf_expert *expert, float scale, const svf_modules *modules,
                            unsigned flags, float *gains)
{
  svf_modules model;
  if (!gains) return svf_fail(SVF_ERR_NULL, "gains is NULL");
  if (!isfinite(scale)) return svf_fail(SVF_ERR_ARGUMENT, "scale is %g, not finite", (double)scale);
  svf_status status = svf_modules_read(modules, &model);
  if (status == SVF_OK) status = svf_expert_check_pairing(expert, &model, flags);
  for (size_t i = 0; status == SVF_OK && i < model.count; ++i) {
    status = module_gains(expert, scale, &model, i, gains);
  }
  return status;
}
