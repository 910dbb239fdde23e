/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of `svf` share: exit codes, errors, progress, interruption. */
#ifndef SVF_CLI_CLI_H
#define SVF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <svf/model.h>

enum {
  EXIT_OK = 0,
  EXIT_FAILED = 1,
  EXIT_USAGE = 2,
  EXIT_BAD_FILE = 4,
  EXIT_INTERRUPTED = 130 /* Ctrl-C, as a shell counts it */
};

enum { JSON_SCHEMA = 1 };

typedef struct svf_command {
  const char *name, *summary;
  const char *arguments, *help;      /* as argp's args_doc and doc */
  int (*run)(int argc, char **argv); /* argv[0] is "svf <name>"; returns an exit code */
} svf_command;

extern const svf_command command_info, command_decompose, command_pack, command_generate,
    command_perplexity, command_logits, command_merge;

/* The exit code that belongs to the status; unless it is OK, the library's last message is printed
 * behind the command's name. */
int cli_end(const svf_command *command, svf_status status);

/* First in main: what could not be written to standard output makes the exit code EXIT_FAILED, also
 * where it is closed. */
bool cli_guard_output(void);

/* From now on Ctrl-C and SIGTERM only set what cli_interrupted returns, once; the second ends the
 * process. */
void cli_catch_interrupts(void);
bool cli_interrupted(void);

/* A svf_progress_fn that draws a line with the time left on standard error, if that is a terminal
 * and unless *(bool *)quiet; stops at an interrupt. cli_progress_end wipes the line. */
bool cli_progress(void *quiet, size_t done, size_t all, const char *what);
void cli_progress_end(void);

/* The result of a command that made a model, and what its help says of it. */
#define CLI_MADE_KEYS "--json: an object of schema, kind, path and file_bytes.\n\n"
void cli_print_made(const char *dir, bool json);

/* Text as a JSON string, its quotes included; what is not UTF-8 in it is U+FFFD. */
void cli_json_string(FILE *to, const char *text, size_t bytes);

/* All of a file, or of standard input if path is "-"; free(*text). Errors: IO, MEMORY. */
svf_status cli_read(const char *path, char **text, size_t *bytes);

#endif
