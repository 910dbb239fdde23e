/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts on a model (library svf_model): the gains of all its decomposed modules in one vector. Of
 * the model nothing is needed but names and sigma. */
#ifndef SVF_MODULES_H
#define SVF_MODULES_H

#include <svf/expert.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A decomposed weight of a model. Set to zero first, but size = sizeof. */
typedef struct svf_module {
  size_t size;
  const char *name; /* without ".weight": "model.layers.0.mlp.down_proj"; as in svf_expert_module */
  size_t r;         /* >= 1 */
  const float *sigma; /* [r] */
  size_t offset;      /* of its gains in the model's vector of gains, in floats */
} svf_module;

/* All of them. Set to zero first, but size = sizeof; so is that of a copy of what
 * svf_model_modules returns. */
typedef struct svf_modules {
  size_t size;
  const svf_module *modules; /* in any order; no two of one name; all of the size of the first:
                                step through them with svf_modules_at */
  size_t count;
  size_t gains;         /* length of the model's vector; what lies between modules is left alone */
  uint64_t fingerprint; /* svf_modules_fingerprint(modules, count) */
} svf_modules;

/* Module i, NULL if out of range. It may be larger than the caller's svf_module, or smaller, which
 * its size tells. Thread-safe. */
SVF_API const svf_module *svf_modules_at(const svf_modules *modules, size_t i);

/* The digest by which an expert knows its factors: FNV-1a, 64 bits, over the modules in the order
 * of their names (strcmp), of each the name with its terminator, r as 8 bytes and sigma, both
 * little-endian. Never 0 (1 in its place). Independent of the order of modules and of offsets.
 * Errors: NULL; VERSION (a size); ARGUMENT (count = 0, a name, a name twice, r = 0); OVERFLOW;
 * MEMORY. */
SVF_API svf_status svf_modules_fingerprint(const svf_module *modules, size_t count,
                                           uint64_t *fingerprint);

/* Use an expert although it belongs to other factors: transfer between models. Names and ranks must
 * fit nevertheless. */
#define SVF_EXPERT_UNPAIRED 1u

/* Whether an expert belongs to a model. Errors: NULL; VERSION (a size); ARGUMENT (flags; modules
 * that contradict themselves; another fingerprint, with both in the message; a module that the
 * model lacks, or has with another r); OVERFLOW; MEMORY. Thread-safe. */
SVF_API svf_status svf_expert_check(const svf_expert *expert, const svf_modules *modules,
                                    unsigned flags);

/* The gains of the model under an expert: gains[modules->gains], the caller's. Each module that the
 * expert names gets svf_gains of svf_z_scale(scale, z), every other one its sigma. With scale 0
 * they are the bits of sigma everywhere. Errors: those of svf_expert_check; ARGUMENT (scale not
 * finite); NUMERIC, naming the module. On error gains are unspecified. Thread-safe. */
SVF_API svf_status svf_expert_gains(const svf_expert *expert, float scale,
                                    const svf_modules *modules, unsigned flags, float *gains);

/* Several experts at once. Set to zero first, but size = sizeof. */
typedef struct svf_mixture {
  size_t size;
  size_t count;                     /* of experts, >= 1 */
  const svf_expert *const *experts; /* [count]; NULL is the identity expert. All must agree in
                                       `normalise` */
  size_t layers;
  const float *alpha; /* [count] with layers = 0; else [count][layers], row-major, the weight of
                         expert k in modules "model.layers.<i>." being alpha[k*layers + i] */
} svf_mixture;

/* The gains of the model under a mixture: of each module z = sum of alpha[k] * z of expert k
 * (svf_mix), then svf_gains. Not the gains are mixed: normalisation comes last.
 *
 * In a module that an expert does not name it is z = 1; a module that none names gets its sigma.
 * Where one alpha is 1 and the others are 0, the result has the bits of svf_expert_gains of that
 * expert with scale 1.
 * Errors: those of svf_expert_check, of every expert; ARGUMENT (count = 0, an alpha not finite,
 * experts that disagree in `normalise`, with layers > 0 a named module whose name has no layer or
 * one beyond layers); NUMERIC (alpha all 0, of a layer or at all; and naming the module); OVERFLOW.
 * On error gains are unspecified. Thread-safe. */
SVF_API svf_status svf_mixture_gains(const svf_mixture *mixture, const svf_modules *modules,
                                     unsigned flags, float *gains);

#ifdef __cplusplus
}
#endif
#endif
