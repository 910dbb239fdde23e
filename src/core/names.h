/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that have names, and the message for an unknown name. */
#ifndef SVF_CORE_NAMES_H
#define SVF_CORE_NAMES_H

#include <stddef.h>

#include <svf/status.h>

/* Name i of a kind of values; NULL after the last one. */
typedef const char *svf_name_fn(size_t i);

/* *index becomes the index of `name` among the known names. For messages, `what` is the argument or
 * variable that holds the name, and `kind` what it should name. Errors: NULL (name); ARGUMENT with
 * the list of names. On error *index is unchanged. */
svf_status svf_name_find(const char *what, const char *name, const char *kind, svf_name_fn *known,
                         size_t *index);

#endif
