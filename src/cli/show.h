/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CLI_SHOW_H
#define SVF_CLI_SHOW_H

#include <stdio.h>

/* Write a string that came from a file or a directory. Controls and other characters that a
 * terminal would obey or hide become \x1b or \u202e, bytes that are not UTF-8 \xff, as in the
 * library's messages. */
void cli_show(FILE *to, const char *text);

#endif
