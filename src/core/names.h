/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that have names, and the message for a name that none of them has. */
#ifndef SVF_CORE_NAMES_H
#define SVF_CORE_NAMES_H

#include <stddef.h>

#include <svf/status.h>

/* Name i of a kind of values; NULL after the last one. */
typedef const char *svf_name_fn(size_t i);

/* Which of the names `name` is. `what` is the argument's, or whatever holds the name, and `kind`
 * what it should be, for messages. NULL (name); ARGUMENT with the list of names; then *index is
 * unchanged. */
svf_status svf_name_find(const char *what, const char *name, const char *kind, svf_name_fn *known,
                         size_t *index);

#endif
