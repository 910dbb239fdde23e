/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings from files and callers. */
#ifndef SVF_IO_TEXT_H
#define SVF_IO_TEXT_H

#include <stdbool.h>

/* A beginning of a string that is safe to print: what a file holds may be anything, also terminal
 * controls. */
typedef struct svf_printable {
  char text[80];
} svf_printable;

/* Bytes that are not printable ASCII become '?'. */
svf_printable svf_text_show(const char *string);

/* Well-formed UTF-8: shortest forms only, no surrogates, nothing beyond U+10FFFF. */
bool svf_text_is_utf8(const char *string);

/* The name of a file in a directory, and nothing that leads elsewhere: 1 to 255 bytes without '/'
 * and control characters, not "." or "..". */
bool svf_text_is_file_name(const char *string);

#endif
