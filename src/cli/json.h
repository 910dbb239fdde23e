/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that comes in, which must be UTF-8, and text that goes out as JSON. */
#ifndef SVF_CLI_JSON_H
#define SVF_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <svf/status.h>

enum { JSON_SCHEMA = 1 };

/* The bytes of the character at s or, if it is no well-formed one, of as much of it as could begin
 * a character; bytes >= 1. */
size_t cli_next_character(const char *s, size_t bytes, bool *well_formed);

/* Write text as a JSON string with its quotes. Each maximal subpart (in Unicode's sense) that is
 * not UTF-8 becomes U+FFFD. */
void cli_json_string(FILE *to, const char *text, size_t bytes);

/* Returns FILE, with the first byte, counted from 1, that is NUL or no UTF-8. */
svf_status cli_check_text(const char *text, size_t bytes);

#endif
