/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of instruction sets: names, and which one is below another. */
#ifndef SVF_CORE_ISA_H
#define SVF_CORE_ISA_H

#include <stdbool.h>

#include <svf/cpu.h>

/* Whether there is such an instruction set; AUTO counts. */
bool svf_isa_known(svf_isa isa);

/* Whether a call that may use `limit` may use `isa`, which is `limit` or below it. Neither is
 * AUTO. */
bool svf_isa_within(svf_isa isa, svf_isa limit);

/* svf_isa_parse of what the variable or argument `what` holds, for the message. */
svf_status svf_isa_parse_from(const char *what, const char *name, svf_isa *isa);

#endif
