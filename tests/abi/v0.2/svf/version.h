/* SPDX-License-Identifier: Apache-2.0 */
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
