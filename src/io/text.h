/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of strings that come from files and callers. */
#ifndef SVF_IO_TEXT_H
#define SVF_IO_TEXT_H

#include <stdbool.h>

/* The beginning of a string, made safe to print: a file may hold anything, terminal controls
 * included. */
typedef struct svf_printable {
  char text[80];
} svf_printable;

/* What fits of the string into 79 bytes, in whole characters. Control characters and others that
 * cannot be seen become \x1b or \u202e, bytes that are not UTF-8 \xff. */
svf_printable svf_text_show(const char *string);

/* True for well-formed UTF-8: shortest forms only, no surrogates, nothing beyond U+10FFFF. */
bool svf_text_is_utf8(const char *string);

/* True for the name of a file in a directory that leads nowhere else: 1 to 255 bytes without '/' or
 * control characters, not "." or "..". */
bool svf_text_is_file_name(const char *string);

/* True if something stands before that ending, as before ".json" in "a.json". */
bool svf_text_ends_in(const char *string, const char *ending);

#endif
