/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CLI_JSON_H
#define SVF_CLI_JSON_H

#include <stddef.h>
#include <stdio.h>

enum { JSON_SCHEMA = 1 };

/* Write text as a JSON string with its quotes. Each maximal subpart (in Unicode's sense) that is
 * not UTF-8 becomes U+FFFD. */
void cli_json_string(FILE *to, const char *text, size_t bytes);

#endif
