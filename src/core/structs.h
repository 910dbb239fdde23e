/* SPDX-License-Identifier: Apache-2.0
 *
 * Public structs that grow. Each begins with `size_t size`, which its owner sets to sizeof; later
 * versions of the library only add members at the end, and zero in them means "as before". So a
 * caller that was compiled against another version is understood:
 *
 *   size < first      the struct was never that small: VERSION. So is one beyond 64 KiB, which is
 *                     most likely a size that was never set
 *   size <= ours      the members beyond `size` are taken as zero
 *   size > ours       the caller is newer: its struct is accepted if the members that this library
 *                     does not know are zero; otherwise VERSION
 *
 * `first` is the least size that is accepted, at most that of version 0.2, the first to promise
 * this. A new member must not begin in what was padding at the end: tests/abi checks it. */
#ifndef SVF_CORE_STRUCTS_H
#define SVF_CORE_STRUCTS_H

#include <stddef.h>

#include <svf/status.h>

#include "src/core/private.h"

/* The size of a struct up to and including `member`, the last one of its first version. */
#define SVF_SIZE_TO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Copies a caller's struct at `from` into this library's at `to`, whose size is `ours`; to->size
 * becomes `ours`. `name` is the argument's name, for messages. Errors: VERSION. */
SVF_PRIVATE_API svf_status svf_struct_read(const char *name, const void *from, size_t first,
                                           void *to, size_t ours);

/* The same for options, where NULL means defaults: if `from` is NULL, all members of *to but its
 * size become zero. */
SVF_PRIVATE_API svf_status svf_struct_read_options(const char *name, const void *from, size_t first,
                                                   void *to, size_t ours);

/* Copies this library's struct, `ours` bytes at `from`, into a caller's at `to`. The caller has set
 * its size, which stays. Members that only the caller knows become zero. Errors: VERSION. */
SVF_PRIVATE_API svf_status svf_struct_write(const char *name, const void *from, size_t ours,
                                            void *to, size_t first);

/* *step becomes the distance in bytes between elements of a caller's array of `count` structs: the
 * size of the first one, which all others must have too. It is 0 if there are no elements. Errors:
 * VERSION, naming the element; OVERFLOW. */
SVF_PRIVATE_API svf_status svf_struct_step(const char *name, const void *array, size_t count,
                                           size_t first, size_t *step);

#endif
