/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CLI_JSON_H
#define SVF_CLI_JSON_H

#include <stddef.h>
#include <stdio.h>

enum { JSON_SCHEMA = 1 };

/* Text as a JSON string with its quotes; each maximal part of it that is not UTF-8 is U+FFFD. */
void cli_json_string(FILE *to, const char *text, size_t bytes);

#endif
