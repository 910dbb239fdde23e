/* SPDX-License-Identifier: Apache-2.0
 *
 * Linux grants the state of AMX tiles to a process on request only. */
#ifndef SVF_CORE_AMX_H
#define SVF_CORE_AMX_H

#include <stdbool.h>

/* Ask, once per process, and remember the answer. Thread-safe. */
bool svf_amx_permitted(void);

/* Whether it was asked for and refused; never asks. */
bool svf_amx_refused(void);

#endif
