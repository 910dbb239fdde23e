/* SPDX-License-Identifier: Apache-2.0
 *
 * What experts need of a model's modules. */
#ifndef SVF_EXPERTS_MODULES_H
#define SVF_EXPERTS_MODULES_H

#include <svf/modules.h>

/* Copies a caller's svf_modules into this library's; the array of modules stays the caller's.
 * Checks sizes, pointers, names and ranks, and that offsets stay within the vector of gains.
 * Errors: NULL, VERSION, ARGUMENT, OVERFLOW. */
svf_status svf_modules_read(const svf_modules *from, svf_modules *modules);

/* Copies module i < count of what svf_modules_read has read into this library's struct. Errors:
 * VERSION. */
svf_status svf_module_read(const svf_modules *modules, size_t i, svf_module *module);

#endif
