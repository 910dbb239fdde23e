/* SPDX-License-Identifier: Apache-2.0
 *
 * Command-line options, as tables on top of argp: an option says how its value is read and where it
 * goes. */
#ifndef SVF_CLI_OPTIONS_H
#define SVF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a value into *to; false if it is not valid for this option. */
typedef bool cli_take(const char *value, void *to);

cli_take cli_take_flag;  /* bool; has no value */
cli_take cli_take_text;  /* const char *, where the value stays */
cli_take cli_take_size;  /* size_t: a whole number and nothing after it */
cli_take cli_take_count; /* size_t, 1 or more */
cli_take cli_take_float; /* float: a decimal number and nothing after it */

/* The edits of one character that make b of a; more than 2 where their lengths say so already. */
size_t cli_edits(const char *a, const char *b);

typedef struct cli_option {
  const char *name;
  char letter;       /* or 0 */
  const char *value; /* its name in the help; NULL: a flag */
  cli_take *take;
  size_t at; /* offsetof the member that receives the value */
  const char *help;
  const char *values; /* what the value may be, for messages; NULL: the last message says it */
  const char *(*list)(void); /* names that the library knows, put after help and values; or NULL */
  bool needed;               /* must be given */
  bool once;                 /* may be given only once; else the last value counts, or all do */
} cli_option;

/* A table of options, and the struct that their offsets refer to. Tables of options and arrays of
 * groups end with a zeroed element. */
typedef struct cli_group {
  const cli_option *options;
  void *to;
} cli_group;

/* Positional arguments. */
typedef struct cli_words {
  size_t least, most;
  char **word; /* in argv */
  size_t count;
} cli_words;

/* Parse a command line, or end the process: after --help, or with argp_err_exit_status and the
 * reason. `arguments` and `help` are argp's args_doc and doc. argv is reordered. */
void cli_parse(const char *arguments, const char *help, const cli_group *groups, int argc,
               char **argv, cli_words *words);

#endif
