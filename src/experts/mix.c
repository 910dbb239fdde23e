/* SPDX-License-Identifier: Apache-2.0
 *
 * A mixture of experts on a model. */
#include <svf/modules.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/experts/apply.h"
#include "src/experts/expert.h"
#include "src/experts/modules.h"

typedef struct mixture {
  const svf_expert *const *experts;
  size_t count;
  const float *alpha;
  size_t layers; /* 0: alpha holds for all */
  int normalise;
  const float **z; /* [count] of the module at hand */
  float *weights;  /* [count] and */
} mixture;

/* Every layer must have something to mix. */
static svf_status check_alpha(const mixture *x)
{
  const size_t columns = x->layers ? x->layers : 1;
  for (size_t layer = 0; layer < columns; ++layer) {
    bool any = false;
    for (size_t k = 0; k < x->count; ++k) {
      const float a = x->alpha[k * columns + layer];
      if (!isfinite(a)) {
        return svf_fail(SVF_ERR_ARGUMENT, "alpha of expert %zu, layer %zu is %g", k, layer,
                        (double)a);
      }
      any |= a != 0;
    }
    if (any) continue;
    return svf_fail(SVF_ERR_NUMERIC, "alpha is 0 for each of the %zu experts in layer %zu",
                    x->count, layer);
  }
  return SVF_OK;
}

static svf_status check_experts(mixture *x, const svf_modules *modules, unsigned flags)
{
  const svf_expert *first = NULL;
  x->normalise = 1;
  for (size_t k = 0; k < x->count; ++k) {
    const svf_expert *expert = x->experts[k];
    if (!expert) continue;
    const svf_status status = svf_expert_match(expert, modules, flags);
    if (status != SVF_OK) return status;
    if (!first) first = expert;
    x->normalise = first->info.normalise;
    if (expert->info.normalise != x->normalise) {
      return svf_fail(SVF_ERR_ARGUMENT,
                      "normalise is %d in expert %zu, but %d in others: they cannot be mixed",
                      expert->info.normalise, k, x->normalise);
    }
  }
  return SVF_OK;
}

/* i of "model.layers.<i>.", in the one way that numbers are written. */
static bool layer_of(const char *name, size_t *layer)
{
  enum { MAX_DIGITS = 6 };
  static const char prefix[] = "model.layers.";
  if (strncmp(name, prefix, sizeof prefix - 1) != 0) return false;
  const char *digits = name + sizeof prefix - 1;
  const size_t count = strspn(digits, "0123456789");
  if (count == 0 || count > MAX_DIGITS || digits[count] != '.') return false;
  if (digits[0] == '0' && count > 1) return false;
  *layer = 0;
  for (size_t i = 0; i < count; ++i) *layer = *layer * 10 + (size_t)(digits[i] - '0');
  return true;
}

static svf_status module_weights(const mixture *x, const svf_module *m)
{
  const size_t columns = x->layers ? x->layers : 1;
  size_t layer = 0;
  if (x->layers && !layer_of(m->name, &layer)) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "module '%s' belongs to no layer: alpha per layer says nothing about it",
                    m->name);
  }
  if (layer >= columns) {
    return svf_fail(SVF_ERR_ARGUMENT, "module '%s': layer %zu, but alpha has %zu layers", m->name,
                    layer, x->layers);
  }
  for (size_t k = 0; k < x->count; ++k) x->weights[k] = x->alpha[k * columns + layer];
  return SVF_OK;
}

static svf_status module_gains(const mixture *x, const svf_module *m, float *gains)
{
  bool named = false;
  for (size_t k = 0; k < x->count; ++k) {
    const svf_expert_module *e = svf_expert_find(x->experts[k], m->name);
    x->z[k] = e ? e->z : NULL;
    named |= e != NULL;
  }
  if (!named) {
    memcpy(gains, m->sigma, m->r * sizeof *gains);
    return SVF_OK;
  }
  svf_status status = module_weights(x, m);
  if (status != SVF_OK) return status;
  status = svf_mix(x->z, x->weights, x->count, m->r, gains);
  if (status == SVF_OK) status = svf_gains(m->sigma, gains, m->r, x->normalise, gains);
  return svf_fail_in_module(status, m->name);
}

static svf_status mix(mixture *x, const svf_modules *modules, float *gains)
{
  svf_status status = SVF_OK;
  x->z = calloc(x->count, sizeof(const float *));
  x->weights = calloc(x->count, sizeof *x->weights);
  if (!x->z || !x->weights) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for a mixture of %zu experts", x->count);
  }
  for (size_t i = 0; i < modules->count && status == SVF_OK; ++i) {
    const svf_module *m = &modules->modules[i];
    status = module_gains(x, m, gains + m->offset);
  }
  free(x->z);
  free(x->weights);
  return status;
}

svf_status svf_experts_mix_gains(const svf_expert *const *experts, size_t count, const float *alpha,
                                 size_t layers, const svf_modules *modules, unsigned flags,
                                 float *gains)
{
  mixture x = {.experts = experts, .count = count, .alpha = alpha, .layers = layers};
  size_t weights;
  if (!experts || !alpha || !gains) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", !experts ? "experts" : !alpha ? "alpha" : "gains");
  }
  if (count == 0) return svf_fail(SVF_ERR_ARGUMENT, "count is 0; a mixture has at least 1 expert");
  if (!svf_size_mul(count, layers, &weights)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%zu experts times %zu layers exceed SIZE_MAX", count,
                    layers);
  }
  svf_status status = svf_modules_check(modules);
  if (status == SVF_OK) status = check_alpha(&x);
  if (status == SVF_OK) status = check_experts(&x, modules, flags);
  return status == SVF_OK ? mix(&x, modules, gains) : status;
}
