/* SPDX-License-Identifier: Apache-2.0
 *
 * What Ctrl-C and SIGTERM do: they end the process at once, or as soon as it has printed what it
 * has. */
#ifndef SVF_CLI_INTERRUPT_H
#define SVF_CLI_INTERRUPT_H

#include <stdbool.h>

#include "src/cli/cli.h"

/* From now on a signal ends the process at once with EXIT_INTERRUPTED: it prints "svf <command>:
 * <words>" on standard error and removes what is not finished. That is, in the directory `out` that
 * the job makes (NULL: none), the temporary files of this process; then `out` and directories on
 * the way to it that are not there yet, as far as they are empty and no other job works in `out`. A
 * signal that is ignored now stays ignored. Call this once, on the main thread. */
void cli_catch_interrupts(const svf_command *command, const char *words, const char *out);

/* After cli_catch_interrupts: it also removes this process's temporary files in a directory that
 * the job does not make. */
void cli_clean_when_interrupted(const char *directory);

/* From now on the first signal only makes cli_interrupted return true; a second one, or ten
 * seconds, end the process as above. */
void cli_defer_interrupts(void);
bool cli_interrupted(void);

/* The end of that: from now on a signal ends the process at once again. */
void cli_resume_interrupts(void);

#endif
