/* SPDX-License-Identifier: Apache-2.0
 *
 * One expert on a model. */
#include "src/experts/apply.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/experts/expert.h"
#include "src/experts/modules.h"

/* seen[i]: module i of the expert is one of the model's. */
static svf_status match_names(const svf_expert *expert, const svf_modules *modules, char *seen)
{
  for (size_t i = 0; i < modules->count; ++i) {
    const svf_module *m = &modules->modules[i];
    const svf_expert_module *e = svf_expert_find(expert, m->name);
    if (!e) continue;
    if (e->r != m->r) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%s': the expert has r = %zu, the model %zu",
                      m->name, e->r, m->r);
    }
    if (seen[e - expert->modules]) {
      return svf_fail(SVF_ERR_ARGUMENT, "module '%s': the model has it twice", m->name);
    }
    seen[e - expert->modules] = 1;
  }
  for (size_t i = 0; i < expert->count; ++i) {
    if (seen[i]) continue;
    return svf_fail(SVF_ERR_ARGUMENT,
                    "module '%s' of the expert is not in the model, which has %zu, the first '%s'",
                    expert->modules[i].name, modules->count,
                    modules->count > 0 ? modules->modules[0].name : "");
  }
  return SVF_OK;
}

svf_status svf_expert_match(const svf_expert *expert, const svf_modules *modules, unsigned flags)
{
  if (!expert) return svf_fail(SVF_ERR_NULL, "expert is NULL");
  if (flags & ~SVF_EXPERT_UNPAIRED) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags, SVF_EXPERT_UNPAIRED);
  }
  if (expert->info.factors != modules->fingerprint && !(flags & SVF_EXPERT_UNPAIRED)) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "the expert belongs to the factors %016" PRIx64 ", the model has %016" PRIx64
                    " (another model, or decomposed by other software or other threads)",
                    expert->info.factors, modules->fingerprint);
  }
  char *seen = calloc(expert->count, 1);
  if (!seen) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", expert->count);
  const svf_status status = match_names(expert, modules, seen);
  free(seen);
  return status;
}

svf_status svf_expert_check(const svf_expert *expert, const svf_modules *modules, unsigned flags)
{
  const svf_status status = svf_modules_check(modules);
  return status == SVF_OK ? svf_expert_match(expert, modules, flags) : status;
}

static svf_status module_gains(const svf_module *m, const float *z, float scale, int normalise,
                               float *gains)
{
  svf_status status = svf_z_scale(z, m->r, scale, gains);
  if (status == SVF_OK) status = svf_gains(m->sigma, gains, m->r, normalise, gains);
  return svf_fail_in_module(status, m->name);
}

svf_status svf_expert_gains(const svf_expert *expert, const svf_modules *modules, float scale,
                            unsigned flags, float *gains)
{
  if (!gains) return svf_fail(SVF_ERR_NULL, "gains is NULL");
  if (!isfinite(scale)) return svf_fail(SVF_ERR_ARGUMENT, "scale is %g", (double)scale);
  svf_status status = svf_expert_check(expert, modules, flags);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < modules->count && status == SVF_OK; ++i) {
    const svf_module *m = &modules->modules[i];
    const svf_expert_module *e = svf_expert_find(expert, m->name);
    if (e) {
      status = module_gains(m, e->z, scale, expert->info.normalise, gains + m->offset);
    } else {
      memcpy(gains + m->offset, m->sigma, m->r * sizeof *gains);
    }
  }
  return status;
}
