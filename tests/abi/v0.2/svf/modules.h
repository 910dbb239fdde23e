/* SPDX-License-Identifier: Apache-2.0
 *
 * Experts on a model (library svf_model): the gains of all its modules in one vector. Nothing of
 * the model is needed except its modules' names and sigma. */
#ifndef SVF_MODULES_H
#define SVF_MODULES_H

#include <svf/expert.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A weight of a model in factors. Set to zero first, except size = sizeof. */
typedef struct svf_module {
  size_t size;
  const char *name; /* without ".weight": "model.layers.0.mlp.down_proj"; as in svf_expert_module */
  size_t r;         /* >= 1 */
  const float *sigma; /* [r] */
  size_t offset;      /* of its gains in the model's vector of gains, in floats */
} svf_module;

/* All modules of a model. Set to zero first, except size = sizeof, which is also the size of a copy
 * of what svf_model_modules returns. */
typedef struct svf_modules {
  size_t size;
  const svf_module *modules; /* [count], in any order, no two of one name. All have the size of the
                                first: svf_modules_at steps through them */
  size_t count;
  size_t gains;         /* length of the model's vector; gaps between modules are left alone */
  uint64_t fingerprint; /* svf_modules_fingerprint(modules, count) */
} svf_modules;

/* Module i, or NULL if out of range. It may be larger or smaller than the caller's svf_module; its
 * size tells. Thread-safe. */
SVF_API const svf_module *svf_modules_at(const svf_modules *modules, size_t i);

/* The digest by which an expert knows its factors: FNV-1a, 64 bits, over the modules in the order
 * of their names (strcmp): of each module its name with the terminator, r as 8 bytes, and sigma,
 * both little-endian. It is never 0 (1 takes its place), and does not depend on the order of the
 * modules or on offsets. Errors: NULL; VERSION (a size); ARGUMENT (count = 0, a bad name, one name
 * twice, r = 0); OVERFLOW; MEMORY. Thread-safe. */
SVF_API svf_status svf_modules_fingerprint(const svf_module *modules, size_t count,
                                           uint64_t *fingerprint);

/* Flag: use an expert although it belongs to other factors, to transfer it between models. Names
 * and ranks must match nevertheless. */
#define SVF_EXPERT_UNPAIRED 1u

/* Check that an expert belongs to a model. Errors: NULL; VERSION (a size); ARGUMENT (flags; modules
 * that contradict themselves; another fingerprint, with both in the message; a module that the
 * model lacks, or that has another r there); OVERFLOW; MEMORY. Thread-safe. */
SVF_API svf_status svf_expert_check(const svf_expert *expert, const svf_modules *modules,
                                    unsigned flags);

/* The gains of the model under an expert, into the caller's gains[modules->gains]. Each module that
 * the expert names gets svf_gains of svf_z_scale(scale, z); every other one gets its sigma. With
 * scale 0 all gains are the bits of sigma. Errors: those of svf_expert_check; ARGUMENT (scale not
 * finite); NUMERIC, naming the module. On error the gains are unspecified. Thread-safe. */
SVF_API svf_status svf_expert_gains(const svf_expert *expert, float scale,
                                    const svf_modules *modules, unsigned flags, float *gains);

/* Several experts at once. Set to zero first, except size = sizeof. */
typedef struct svf_mixture {
  size_t size;
  size_t count;                     /* of experts, >= 1 */
  const svf_expert *const *experts; /* [count]; NULL stands for z = 1. All others must agree in
                                       `normalise` */
  size_t layers;                    /* of alpha; 0: it is the same in all layers */
  const float *alpha; /* the weights of the experts: [count] if layers is 0, otherwise row-major
                         [count][layers], where alpha[k*layers + i] is that of expert k in modules
                         "model.layers.<i>." */
} svf_mixture;

/* The gains of the model under a mixture, into the caller's gains[modules->gains]. In each module z
 * = sum of alpha[k] * z of expert k (svf_mix), from which svf_gains makes the gains. It is z that
 * is mixed, not the gains: normalisation comes last.
 *
 * In a module that an expert does not name, its z is 1; a module that no expert names gets its
 * sigma. Where one alpha is 1 and the others are 0, the result has the bits of svf_expert_gains of
 * that expert with scale 1.
 *
 * Errors: those of svf_expert_check, for every expert; ARGUMENT (count = 0; an alpha that is not
 * finite; experts that disagree in `normalise`; with layers > 0, a module that an expert names, but
 * whose name has no layer or one >= layers); NUMERIC (alpha is 0 for all experts, everywhere or in
 * some layer; or gains cannot be made for a module, which is named); OVERFLOW; MEMORY. On error the
 * gains are unspecified. Thread-safe. */
SVF_API svf_status svf_mixture_gains(const svf_mixture *mixture, const svf_modules *modules,
                                     unsigned flags, float *gains);

#ifdef __cplusplus
}
#endif
#endif
