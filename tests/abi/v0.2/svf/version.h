/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions, and what a program may rely on.
 *
 * A program that was compiled with the headers of one major.minor runs with the shared libraries of
 * every release of it, whose names carry both numbers (libsvf.so.0.2). Such a release may add
 * functions, flags, values of an enum, and members at the end of structs that begin with
 * `size_t size`. Set such a struct to zero, then its size to sizeof, whether the library reads it or
 * fills it. Then
 *
 *   - a library that knows more members takes those that the program lacks as zero, for which they
 *     mean what was done before there were any, and fills only as many as size tells,
 *   - a library that knows fewer accepts the struct as long as the others are zero, refuses it with
 *     VERSION where they are not, and fills the others with zero,
 *   - in an array all elements have the size of the first one, which is the distance between them.
 *
 * Where the library hands out such structs, their size is the library's; those of an array are
 * reached by a function (svf_modules_at). Structs without a size never change. */
#ifndef SVF_VERSION_H
#define SVF_VERSION_H

#include <svf/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_VERSION_MAJOR 0
#define SVF_VERSION_MINOR 2
#define SVF_VERSION_PATCH 0

/* "major.minor.patch" of the library that is linked. Static string. */
SVF_API const char *svf_version(void);

#ifdef __cplusplus
}
#endif
#endif
