/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of experts (Transformer-Squared, arXiv 2501.06252): from what is trained to the
 * gains that svf_matmul takes.
 *
 * A layer is W = U diag(sigma) V^T of rank r. An expert is a vector z of length r that rescales
 * sigma:
 *
 *   W' = c * U diag(sigma z) V^T         gains d = c * sigma z
 *
 * z = 1 is the base model, or the identity expert. Everything is computed in double precision, in
 * the order that is written, and rounded to fp32 once. Vectors have r elements, need only element
 * alignment, and an output may be the same array as an input. On error outputs are unspecified.
 * Nothing is allocated. Thread-safe. */
#ifndef SVF_GAINS_H
#define SVF_GAINS_H

#include <stdbool.h>

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a vector of trained parameters p stands for z. */
typedef enum svf_parametrisation {
  SVF_PARAMETERS_DIRECT = 0, /* z = p */
  SVF_PARAMETERS_SIGMOID = 1 /* z = scale / (1 + exp(-p)) */
} svf_parametrisation;

/* "direct", "sigmoid"; "?" for an unknown value. Static strings. */
SVF_API const char *svf_parametrisation_name(svf_parametrisation kind);

/* The parametrisation of that name. Errors: NULL; ARGUMENT with the list of known names. */
SVF_API svf_status svf_parametrisation_parse(const char *name, svf_parametrisation *kind);

/* z [r] from p [r]. `scale` is that of the sigmoid; direct does not read it. The exponential is
 * libm's, so the last bit of a sigmoid may differ between C libraries. Errors: NULL; ARGUMENT (r =
 * 0, kind, scale not finite); NUMERIC (a parameter, or z, not finite). */
SVF_API svf_status svf_z_from_parameters(svf_parametrisation kind, const float *p, float scale,
                                         float *z, size_t r);

/* out = 1 + s * (z - 1): the fraction s of the way from the base model to the expert, or beyond it
 * for s > 1. s = 0 gives 1 exactly, s = 1 the bits of z, z = 1 gives 1 for every s. Errors: NULL;
 * ARGUMENT (r = 0, s not finite); NUMERIC (z or out not finite). */
SVF_API svf_status svf_z_scale(float s, const float *z, size_t r, float *out);

/* out = sum of alpha[k] * z[k] over k = 0 ... experts - 1, in this order, each z[k] of length r. A
 * NULL z[k] is the identity expert. Terms with alpha[k] = 0 are left out and their z[k] is not
 * read: where one alpha is 1 and the others are 0, out has the bits of that z. The sum of alpha is
 * the caller's business: with normalised gains it does not matter.
 * Errors: NULL; ARGUMENT (r = 0, experts = 0, an alpha not finite); NUMERIC (every alpha is 0, or z
 * or out not finite). */
SVF_API svf_status svf_mix(const float *const *z, size_t experts, const float *alpha, size_t r,
                           float *out);

/* gains = c * sigma z, with c = sum(sigma) / sum(sigma z) if `normalise`, else c = 1.
 *
 * Normalised, a uniform z (all elements the same, not 0) gives the bits of sigma, and a power of
 * two times z the same bits as z; where sigma is all 0, so are the gains. Not normalised, z = 1
 * gives the bits of sigma.
 *
 *   sigma   [r] finite and not negative, as svf_linear_source has it
 *
 * Errors: NULL; ARGUMENT (r = 0); NUMERIC (an element of sigma, z or gains not finite, sigma
 * negative, or sum(sigma z) 0 or too near to it to be told from 0: c would be rounding noise). */
SVF_API svf_status svf_gains(const float *sigma, size_t r, const float *z, bool normalise,
                             float *gains);

/* --- Gradients -----------------------------------------------------------------------------------
 *
 * The chain rule backwards, from dLoss/dgains as calls backwards add it up (svf/matmul.h) to what
 * is trained. Written in place if an output is the same array as the gradient that is read. */

/* dz = dLoss/dz of gains = svf_gains(sigma, r, z, normalise), given dgains = dLoss/dgains:
 *
 *   dz[i] = c * sigma[i] * (dgains[i] - S),   S = sum(sigma z dgains) / sum(sigma z) if normalised
 *                                             and sigma is not all 0, else 0
 *
 * Normalised, sum(z dz) is 0 but for rounding: no step along z changes the model. Errors: those of
 * svf_gains; NUMERIC (an element of dgains or dz not finite). */
SVF_API svf_status svf_gains_gradient(const float *sigma, size_t r, const float *z, bool normalise,
                                      const float *dgains, float *dz);

/* dp = dLoss/dp of z = svf_z_from_parameters(kind, p, scale, z, r), given dz = dLoss/dz: dz itself,
 * or of a sigmoid dz * scale * s * (1 - s), s = 1 / (1 + exp(-p)). Errors: those of
 * svf_z_from_parameters; NUMERIC (an element of dz or dp not finite). */
SVF_API svf_status svf_parameters_gradient(svf_parametrisation kind, const float *p, float scale,
                                           const float *dz, float *dp, size_t r);

#ifdef __cplusplus
}
#endif
#endif
