/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions, and what a program may rely on.
 *
 * A program that was compiled with the headers of one major.minor runs with the shared libraries of
 * every release of it, whose names carry both numbers (libsvf.so.0.2). Such a release may add
 * functions, flags, values of an enum, and members at the end of structs that begin with
 * `size_t size`. Set such a struct to zero, then its size to sizeof, whether the library reads it
 * or fills it. Then the following holds:
 *
 *   - A library that knows more members takes those that the program lacks as zero, which means
 *     what was done before there were such members, and fills only as many as size tells.
 *   - A library that knows fewer members accepts a struct whose other members are zero, and refuses
 *     one where they are not with VERSION. When it fills a struct, it sets the others to zero.
 *   - In an array all elements have the size of the first one, which is the distance between them.
 *
 * Structs that the library hands out have the library's size; the elements of an array of them are
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

/* "major.minor.patch" of the library that is linked. A static string. Thread-safe. */
SVF_API const char *svf_version(void);

#ifdef __cplusplus
}
#endif
#endif
