/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting the message of a failed call. Only failing paths come here. */
#ifndef SVF_CORE_STATUS_H
#define SVF_CORE_STATUS_H

#include <svf/status.h>

#include "src/core/private.h"

/* Format the calling thread's message, which ends in "..." where it is too long, and return
 * `status`. */
SVF_PRIVATE_API svf_status svf_fail(svf_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Unless status is OK, put where it failed before the last message: "<formatted>: <message>".
 * A place that is too long beside the message ends in "...". Returns status. */
SVF_PRIVATE_API svf_status svf_fail_at(svf_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
