/* SPDX-License-Identifier: Apache-2.0
 *
 * Visibility of public symbols. Nothing needs to be defined to link the static or the shared
 * library. */
#ifndef SVF_EXPORT_H
#define SVF_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define SVF_API __attribute__((visibility("default")))
#else
#define SVF_API
#endif

#endif
