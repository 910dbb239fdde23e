/* SPDX-License-Identifier: Apache-2.0
 *
 * Public structs that grow. Each begins with `size_t size`, which its owner sets to sizeof; later
 * versions of the library only add members at the end, for which zero means "as before". So a
 * caller compiled against another version is understood:
 *
 *   size < first      smaller than the struct ever was: VERSION
 *   size <= ours      the members beyond it are zero
 *   size > ours       a newer caller: fine as long as what this library does not know is zero, else
 *                     VERSION
 *
 * `first` is the size in version 0.2, the first to promise this. */
#ifndef SVF_CORE_STRUCTS_H
#define SVF_CORE_STRUCTS_H

#include <stddef.h>

#include <svf/status.h>

#include "src/core/private.h"

/* The size up to and with a member: what a struct's first version ended with. */
#define SVF_SIZE_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* A caller's struct as this library's, whose size is `ours`, at `to`; to->size becomes `ours`.
 * `name` is the argument's, for messages. VERSION. */
SVF_PRIVATE_API svf_status svf_struct_read(const char *name, const void *from, size_t first,
                                           void *to, size_t ours);

/* What this library has to say, `ours` bytes at `from`, into a caller's struct, whose size the
 * caller has set and which stays. Members that only the caller knows become zero. VERSION. */
SVF_PRIVATE_API svf_status svf_struct_write(const char *name, const void *from, size_t ours,
                                            void *to, size_t first);

/* The distance between the elements of a caller's array of `count` structs: the size of the first
 * one, which all must have. 0 for no elements. VERSION, naming the element; OVERFLOW. */
SVF_PRIVATE_API svf_status svf_struct_step(const char *name, const void *array, size_t count,
                                           size_t first, size_t *step);

#endif
