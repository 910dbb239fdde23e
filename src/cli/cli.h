/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of `svf` share: how they begin and end, progress, interruption, results. */
#ifndef SVF_CLI_CLI_H
#define SVF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <svf/model.h>

typedef struct svf_command {
  const char *name, *summary;
  const char *arguments, *help;      /* as argp's args_doc and doc */
  int (*run)(int argc, char **argv); /* argv[0] is "svf <name>"; returns an exit code */
} svf_command;

extern const svf_command command_info, command_decompose, command_pack, command_generate,
    command_perplexity, command_logits, command_merge;

/* First in main: what could not be written to standard output makes the exit code EXIT_FAILED, also
 * where it is closed. */
bool cli_begin(void);

/* Run a command on the arguments that follow its name, which is argv[0], as SVF_ISA and SVF_BACKEND
 * say. Returns its exit code. */
int cli_run(const svf_command *command, int argc, char **argv);

/* The exit code that belongs to the status; unless it is OK, the last message is printed after the
 * command's name. */
int cli_end(const svf_command *command, svf_status status);

/* From now on Ctrl-C and SIGTERM only set what cli_interrupted returns, once; the second ends the
 * process. */
void cli_catch_interrupts(void);
bool cli_interrupted(void);

/* Seconds of a clock that never goes back. */
double cli_now(void);

/* A svf_progress_fn that draws a line with the time left on standard error, if that is a terminal
 * and unless *(bool *)quiet; stops at an interrupt. cli_progress_end wipes the line. */
bool cli_progress(void *quiet, size_t done, size_t all, const char *what);
void cli_progress_end(void);

/* The result of a command that made a model, and what its help says of it. */
#define CLI_MADE_KEYS "--json: an object of schema, kind, path and file_bytes.\n\n"
void cli_print_made(const char *dir, bool json);

/* All of a file, or of standard input if path is "-"; free(*text). Errors: IO, MEMORY. */
svf_status cli_read(const char *path, char **text, size_t *bytes);

#endif
