/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting the message of a failed call. Only failing calls come here. */
#ifndef SVF_CORE_STATUS_H
#define SVF_CORE_STATUS_H

#include <svf/status.h>

#include "kernels/strict.h"
#include "src/core/private.h"

/* Formats the calling thread's message and returns `status`. A message that is too long ends in
 * "...". */
SVF_PRIVATE_API svf_status svf_fail(svf_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Unless status is OK, puts the place of the failure before the last message: "<place>: <message>".
 * A place that is too long to go with the message ends in "...". Returns `status`. */
SVF_PRIVATE_API svf_status svf_fail_at(svf_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
