/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of a known shape with random weights, made in memory. */
#ifndef SVF_BENCH_SYNTHETIC_H
#define SVF_BENCH_SYNTHETIC_H

#include "src/transformer/model.h"

/* Which linear layers are in factors of full rank. */
typedef enum form { FORM_DENSE, FORM_MLP, FORM_ALL, FORMS } form;

extern const char *const form_names[FORMS]; /* "dense", "svf-mlp", "svf-all" */

/* "smollm-135m", "tinyllama-1.1b"; false for another name. */
bool synthetic_config(const char *name, svf_config *config);

/* Layers of one shape and form have the same weights, at places of their own; `group` weights share
 * a scale where the format has a choice. Ends the program after saying why on standard error. Free
 * with svf_model_close. */
svf_model *synthetic_model(const svf_config *config, form f, svf_format format, size_t group);

/* Gains near those of the base model, of the whole model: the caller frees them. */
float *synthetic_gains(const svf_model *model, unsigned seed);

#endif
