/* SPDX-License-Identifier: Apache-2.0
 *
 * Visibility of public symbols. Define SVF_STATIC when linking the static library on a platform
 * where it matters; on ELF nothing is needed. */
#ifndef SVF_EXPORT_H
#define SVF_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define SVF_API __attribute__((visibility("default")))
#else
#define SVF_API
#endif

#endif
