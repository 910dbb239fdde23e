/* SPDX-License-Identifier: Apache-2.0
 *
 * Comma-separated lists of names. */
#ifndef SVF_BENCH_LIST_H
#define SVF_BENCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* True if `name` is an element of `list`. */
bool list_has(const char *list, const char *name);

/* Copy the next element of *list, cut off at bytes - 1, and move *list past its comma; NULL after
 * the last. False if *list is NULL. A list has one element more than commas: "" is one empty
 * element. */
bool list_next(const char **list, char *element, size_t bytes);

/* Append `name` to the list in text[0..bytes). */
void list_add(char *text, size_t bytes, const char *name);

#endif
