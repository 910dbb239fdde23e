/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of svf_config_parse. */
#ifndef SVF_TRANSFORMER_CONFIG_PARTS_H
#define SVF_TRANSFORMER_CONFIG_PARTS_H

#include <jansson.h>

#include <svf/status.h>

struct svf_config; /* src/transformer/config.h */

/* Read rope_theta and the scaling, from either form: rope_theta with rope_scaling {rope_type or
 * type, ...}, or rope_parameters, which hold both. Errors: FILE, UNSUPPORTED. */
svf_status svf_config_rope(const json_t *root, struct svf_config *config);

/* Read bos and eos; config->vocab and the defaults are set. Errors: FILE, UNSUPPORTED. */
svf_status svf_config_tokens(const json_t *root, struct svf_config *config);

#endif
