/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of a configuration: absent keys keep their default, the others are checked. Messages name
 * key, value and rule. */
#ifndef SVF_TRANSFORMER_CONFIG_JSON_H
#define SVF_TRANSFORMER_CONFIG_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

#include "src/io/json.h"

extern const svf_json_limits svf_config_limits; /* of config.json and generation_config.json */

/* A JSON value as messages show it: a number, or a string, shortened and made printable. */
typedef struct svf_json_shown {
  char text[100];
} svf_json_shown;

svf_json_shown svf_json_show(const json_t *value);

/* The value of a key; NULL if it is absent or null, between which most keys of most classes make no
 * difference. */
const json_t *svf_config_value(const json_t *object, const char *key);

/* Read a value, if the key is there. Errors: FILE. null is an error too, unless the caller asked
 * svf_config_value first. */
svf_status svf_config_size(const json_t *object, const char *key, size_t least, size_t most,
                           size_t *out);
svf_status svf_config_bool(const json_t *object, const char *key, bool *out);

/* Likewise an integer or a real number. */
svf_status svf_config_number(const json_t *object, const char *key, double least, double most,
                             double *out);

/* Errors: FILE if the key is absent. */
svf_status svf_config_require(const json_t *object, const char *key);

#endif
