/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand behind a command's name, as tables on top of argp: an option says how its value is
 * read and where it goes. */
#ifndef SVF_CLI_OPTIONS_H
#define SVF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/cli/cli.h"

/* Reads a value into *to; false if it is none of this option. */
typedef bool cli_take(const char *value, void *to);

cli_take cli_take_flag;  /* bool; has no value */
cli_take cli_take_text;  /* const char *, where the value stays */
cli_take cli_take_size;  /* size_t: a whole number and nothing behind it */
cli_take cli_take_count; /* size_t, 1 or more */
cli_take cli_take_float; /* float: a decimal number and nothing behind it */

typedef struct cli_option {
  const char *name;
  char letter;       /* or 0 */
  const char *value; /* its name in the help; NULL: a flag */
  cli_take *take;
  size_t at; /* where it goes: an offsetof */
  const char *help;
  const char *values;        /* what it may be, for messages */
  const char *(*list)(void); /* what the library knows, appended to help and values; or NULL */
  bool needed, once; /* given twice it is wrong usage; else the last counts, or all of a list */
} cli_option;

/* Options and what their offsets are in. Both end with a zero. */
typedef struct cli_group {
  const cli_option *options;
  void *to;
} cli_group;

/* Arguments that are no options. */
typedef struct cli_words {
  size_t least, most;
  char **word; /* in argv */
  size_t count;
} cli_words;

/* Parse the command line of a command, or end the process: behind --help, or with EXIT_USAGE and
 * the reason. argv is reordered. */
void cli_parse(const svf_command *command, const cli_group *groups, int argc, char **argv,
               cli_words *words);

#endif
