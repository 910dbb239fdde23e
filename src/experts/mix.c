/* SPDX-License-Identifier: Apache-2.0
 *
 * The gains of a model under a mixture of experts. */
#include <svf/modules.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/experts/apply.h"
#include "src/experts/expert.h"
#include "src/experts/modules.h"

/* A mixture, and what is needed to make its gains one module at a time. */
typedef struct mixing {
  svf_mixture of;
  size_t columns;  /* of alpha: the layers, or 1 for all of them */
  bool normalise;  /* as in all experts */
  const float **z; /* [count], z of the experts in this module */
  float *weights;  /* [count], alpha of the experts in this module */
} mixing;

static svf_status read_mixture(const svf_mixture *from, mixing *x)
{
  svf_mixture *of = &x->of;
  size_t weights;
  if (!from) return svf_fail(SVF_ERR_NULL, "mixture is NULL");
  const svf_status status =
      svf_struct_read("mixture", from, SVF_SIZE_TO(svf_mixture, alpha), of, sizeof *of);
  if (status != SVF_OK) return status;
  if (!of->experts || !of->alpha) {
    return svf_fail(SVF_ERR_NULL, "mixture->%s is NULL", of->experts ? "alpha" : "experts");
  }
  if (of->count == 0) {
    return svf_fail(SVF_ERR_ARGUMENT, "count is 0; a mixture has at least 1 expert");
  }
  if (!svf_size_mul(of->count, of->layers, &weights)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%zu experts times %zu layers exceed SIZE_MAX", of->count,
                    of->layers);
  }
  x->columns = of->layers > 0 ? of->layers : 1;
  return SVF_OK;
}

static float alpha_of(const mixing *x, size_t k, size_t layer)
{
  return x->of.alpha[k * x->columns + layer];
}

typedef struct where {
  char text[32];
} where;

/* For messages: " in layer <i>" where each layer has an alpha of its own, otherwise "". */
static where in_layer(const mixing *x, size_t layer)
{
  where w = {""};
  if (x->of.layers > 0) snprintf(w.text, sizeof w.text, " in layer %zu", layer);
  return w;
}

/* In every layer the alpha of some expert must not be 0. */
static svf_status check_alpha(const mixing *x)
{
  for (size_t layer = 0; layer < x->columns; ++layer) {
    bool any = false;
    for (size_t k = 0; k < x->of.count; ++k) {
      const float a = alpha_of(x, k, layer);
      if (!isfinite(a)) {
        return svf_fail(SVF_ERR_ARGUMENT, "alpha of expert %zu%s is %g, not finite", k,
                        in_layer(x, layer).text, (double)a);
      }
      any |= a != 0;
    }
    if (any) continue;
    return svf_fail(SVF_ERR_NUMERIC, "alpha is 0 for each of the %zu experts%s", x->of.count,
                    in_layer(x, layer).text);
  }
  return SVF_OK;
}

static svf_status check_experts(mixing *x, const svf_modules *modules, unsigned flags)
{
  const svf_expert *first = NULL;
  x->normalise = true;
  for (size_t k = 0; k < x->of.count; ++k) {
    const svf_expert *expert = x->of.experts[k];
    if (!expert) continue;
    const svf_status status = svf_expert_check_pairing(expert, modules, flags);
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

/* i of "model.layers.<i>.", in canonical decimal without leading zeros. */
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

static svf_status module_weights(const mixing *x, const svf_module *m)
{
  size_t layer = 0;
  if (x->of.layers > 0 && !layer_of(m->name, &layer)) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "module '%s' belongs to no layer, so alpha per layer does not apply to it",
                    m->name);
  }
  if (layer >= x->columns) {
    return svf_fail(SVF_ERR_ARGUMENT, "module '%s': layer %zu, but alpha has %zu layers", m->name,
                    layer, x->of.layers);
  }
  for (size_t k = 0; k < x->of.count; ++k) x->weights[k] = alpha_of(x, k, layer);
  return SVF_OK;
}

static svf_status module_gains(const mixing *x, const svf_modules *modules, size_t i, float *gains)
{
  svf_module m;
  bool named = false;
  svf_status status = svf_module_read(modules, i, &m);
  if (status != SVF_OK) return status;
  float *out = gains + m.offset;
  for (size_t k = 0; k < x->of.count; ++k) {
    const svf_expert_module *e = svf_expert_find(x->of.experts[k], m.name);
    x->z[k] = e ? e->z : NULL;
    named |= e != NULL;
  }
  if (!named) {
    memcpy(out, m.sigma, m.r * sizeof *out);
    return SVF_OK;
  }
  status = module_weights(x, &m);
  if (status != SVF_OK) return status;
  status = svf_mix(x->z, x->of.count, x->weights, m.r, out);
  if (status == SVF_OK) status = svf_gains(m.sigma, m.r, out, x->normalise, out);
  return svf_fail_in_module(status, m.name);
}

static svf_status mix_modules(mixing *x, const svf_modules *modules, float *gains)
{
  svf_status status = SVF_OK;
  x->z = calloc(x->of.count, sizeof(const float *));
  x->weights = calloc(x->of.count, sizeof *x->weights);
  if (!x->z || !x->weights) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for a mixture of %zu experts", x->of.count);
  }
  for (size_t i = 0; i < modules->count && status == SVF_OK; ++i) {
    status = module_gains(x, modules, i, gains);
  }
  free(x->z);
  free(x->weights);
  return status;
}

svf_status svf_mixture_gains(const svf_mixture *mixture, const svf_modules *modules, unsigned flags,
                             float *gains)
{
  mixing x;
  svf_modules model;
  if (!gains) return svf_fail(SVF_ERR_NULL, "gains is NULL");
  svf_status status = read_mixture(mixture, &x);
  if (status == SVF_OK) status = svf_modules_read(modules, &model);
  if (status == SVF_OK) status = check_alpha(&x);
  if (status == SVF_OK) status = check_experts(&x, &model, flags);
  return status == SVF_OK ? mix_modules(&x, &model, gains) : status;
}
