/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's modules, as far as experts need them. */
#ifndef SVF_EXPERTS_MODULES_H
#define SVF_EXPERTS_MODULES_H

#include <svf/modules.h>

/* A caller's modules as this library's; the array stays the caller's. Sizes, pointers, names,
 * ranks, and offsets inside the vector of gains are checked. Errors: NULL, VERSION, ARGUMENT,
 * OVERFLOW. */
svf_status svf_modules_read(const svf_modules *from, svf_modules *modules);

/* Module i < count of what svf_modules_read has read, as this library's. VERSION. */
svf_status svf_module_read(const svf_modules *modules, size_t i, svf_module *module);

#endif
