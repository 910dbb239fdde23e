/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's modules, as far as experts need them. */
#ifndef SVF_EXPERTS_MODULES_H
#define SVF_EXPERTS_MODULES_H

#include <svf/modules.h>

/* Pointers, names, ranks, and offsets inside the vector of gains. Errors: NULL, ARGUMENT. */
svf_status svf_modules_check(const svf_modules *modules);

#endif
