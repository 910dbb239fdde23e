/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CLI_THREADS_H
#define SVF_CLI_THREADS_H

#include <stddef.h>

#include <svf/status.h>

/* Check that a command's threads (0: svf_max_threads()) can be started, `teams` times: once for
 * each library that starts its own. Where they cannot, these libraries end the process without a
 * reason, or wait for ever. Errors: FAILED, naming the limits. */
svf_status cli_check_threads(size_t threads, size_t teams);

#endif
