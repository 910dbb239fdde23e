/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_TRANSFORMER_SAMPLE_H
#define SVF_TRANSFORMER_SAMPLE_H

#include <svf/generate.h>

/* A caller's sampling as this library's, checked; NULL is the likeliest token always. VERSION,
 * ARGUMENT. */
svf_status svf_sampling_read(const svf_sampling *sampling, svf_sampling *s);

/* The likeliest token, the lowest id of equals. NUMERIC unless there is a distribution: a logit is
 * NaN, or the largest one is not finite. */
svf_status svf_logits_best(const float *logits, size_t vocab, size_t *best);

#endif
