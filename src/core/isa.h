/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of instruction sets: their names, and which one is below which. */
#ifndef SVF_CORE_ISA_H
#define SVF_CORE_ISA_H

#include <stdbool.h>

#include <svf/cpu.h>

/* True if the enum has such an instruction set, AUTO included. */
bool svf_isa_known(svf_isa isa);

/* True if a call that may use `limit` may use `isa`, that is, if `isa` is `limit` or below it.
 * Neither is AUTO. */
bool svf_isa_within(svf_isa isa, svf_isa limit);

/* svf_isa_parse for a name that the variable or argument `what` holds; `what` is for messages. */
svf_status svf_isa_parse_from(const char *what, const char *name, svf_isa *isa);

#endif
