/* SPDX-License-Identifier: Apache-2.0
 *
 * Linux grants the state of AMX tiles to a process on request only. */
#ifndef SVF_CORE_AMX_H
#define SVF_CORE_AMX_H

#include <stdbool.h>

/* Asks for the tiles and remembers the answer. Thread-safe. */
bool svf_amx_permitted(void);

/* Forgets a refusal: what was in the way may have gone. Thread-safe. */
void svf_amx_ask_again(void);

/* True if the tiles were asked for and refused; never asks itself. Thread-safe. */
bool svf_amx_refused(void);

#endif
