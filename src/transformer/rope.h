/* SPDX-License-Identifier: Apache-2.0
 *
 * Rotary position embedding (RoFormer, arXiv 2104.09864), with the frequencies of Llama 3 where
 * the model asks for them. */
#ifndef SVF_TRANSFORMER_ROPE_H
#define SVF_TRANSFORMER_ROPE_H

#include "src/transformer/config.h"

/* cos and sin of position p and pair i at [p * head_dim/2 + i], for p < positions. */
void svf_rope_tables(const svf_config *c, size_t positions, float *cos_table, float *sin_table);

#endif
