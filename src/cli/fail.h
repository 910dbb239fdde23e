/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors of a command: a status, the calling thread's message as the library keeps it, and the exit
 * code that belongs to them. */
#ifndef SVF_CLI_FAIL_H
#define SVF_CLI_FAIL_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

enum {
  EXIT_OK = 0,
  EXIT_FAILED = 1,
  EXIT_USAGE = 2,
  EXIT_BAD_FILE = 4,
  EXIT_INTERRUPTED = 130 /* what a shell reports after Ctrl-C */
};

/* The exit code for a status. */
int cli_exit_code(svf_status status);

/* Sets the message. Returns status. */
__attribute__((format(printf, 2, 3))) svf_status cli_fail(svf_status status, const char *format,
                                                          ...);

/* Unless status is OK, puts a place before the last message: "<formatted>: <message>". A place that
 * does not fit beside the message is cut and ends in "...". Returns status. */
__attribute__((format(printf, 2, 3))) svf_status cli_fail_at(svf_status status, const char *format,
                                                             ...);

/* Cuts "<array>[<i>]: " off the beginning of the last message, since users do not know the arrays
 * of the library. Returns false and leaves the message as it is if it does not begin like that. */
bool cli_take_index(const char *array, size_t *i);

/* "<what>: <errno's text>", as IO, or MEMORY. */
svf_status cli_fail_errno(const char *what);

/* Text for a message: whole, or what fits of it in whole characters with "..." after it. */
typedef struct cli_short {
  char text[84];
} cli_short;
cli_short cli_shorten(const char *text);

#endif
