/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of `svf` share: how they begin and end, progress, interruption, results. */
#ifndef SVF_CLI_CLI_H
#define SVF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/model.h>

typedef struct svf_command {
  const char *name, *summary;
  const char *arguments, *help;      /* as argp's args_doc and doc */
  int (*run)(int argc, char **argv); /* argv[0] is "svf <name>"; returns an exit code */
} svf_command;

extern const svf_command command_info, command_decompose, command_pack, command_generate,
    command_perplexity, command_logits, command_merge;

/* Call this first in main. From then on output that could not be written makes the exit code
 * EXIT_FAILED, also if standard output is closed. Returns false if that cannot be arranged. */
bool cli_begin(void);

/* Run a command on the arguments after its name, which is argv[0], with the instruction set and the
 * back end that SVF_ISA and SVF_BACKEND select. Returns its exit code. */
int cli_run(const svf_command *command, int argc, char **argv);

/* Unless the status is OK, print the last message after the command's name. Returns the exit code
 * for the status. */
int cli_end(const svf_command *command, svf_status status);

/* Seconds on a clock that never goes back. */
double cli_now(void);

/* An svf_progress_fn that does nothing if *(bool *)quiet is true. On standard error it draws a line
 * with the time left if that is a terminal. If not, it prints a line after each tenth of the job,
 * but none within ten seconds of the beginning or of the last line. cli_progress_end wipes what is
 * drawn, and so does cli_progress_wipe, which a signal handler may call. */
bool cli_progress(void *quiet, size_t done, size_t all, const char *what);
void cli_progress_end(void);
void cli_progress_wipe(void);

/* Read a whole file, or standard input if path is "-". The caller frees *text. Errors: IO,
 * MEMORY. */
svf_status cli_read(const char *path, char **text, size_t *bytes);

#endif
