/* SPDX-License-Identifier: Apache-2.0
 *
 * Linux grants the state of AMX tiles to a process on request only. */
#ifndef SVF_CORE_AMX_H
#define SVF_CORE_AMX_H

#include <stdbool.h>

/* Asks for the tiles once per process and remembers the answer. Thread-safe. */
bool svf_amx_permitted(void);

/* True if the tiles were asked for and refused; never asks itself. Thread-safe. */
bool svf_amx_refused(void);

#endif
