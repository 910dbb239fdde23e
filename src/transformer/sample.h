/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_TRANSFORMER_SAMPLE_H
#define SVF_TRANSFORMER_SAMPLE_H

#include <svf/generate.h>

/* Read a caller's sampling into this library's struct and check it; NULL means always the likeliest
 * token. Errors: VERSION, ARGUMENT. */
svf_status svf_sampling_read(const svf_sampling *sampling, svf_sampling *s);

/* The likeliest token; among equals the lowest id. Errors: NUMERIC if there is no distribution,
 * since a logit is NaN or the largest one is not finite. */
svf_status svf_logits_best(const float *logits, size_t vocab, size_t *best);

#endif
