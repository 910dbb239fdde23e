/* SPDX-License-Identifier: Apache-2.0
 *
 * What Ctrl-C and SIGTERM do: they end the process at once, or as soon as it has printed what it
 * has. */
#ifndef SVF_CLI_INTERRUPT_H
#define SVF_CLI_INTERRUPT_H

#include <stdbool.h>

#include "src/cli/cli.h"

/* From now on a signal ends the process at once with EXIT_INTERRUPTED: it prints "svf <command>:
 * <words>" on standard error and removes the temporary files that this process has in `directory`
 * (NULL: none). Call this on the main thread. */
void cli_catch_interrupts(const svf_command *command, const char *words, const char *directory);

/* From now on the first signal only makes cli_interrupted return true; a second one, or ten
 * seconds, end the process as above. */
void cli_defer_interrupts(void);
bool cli_interrupted(void);

/* The end of that: from now on a signal ends the process at once again. */
void cli_resume_interrupts(void);

#endif
