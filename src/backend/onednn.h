/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BACKEND_ONEDNN_H
#define SVF_BACKEND_ONEDNN_H

#include <svf/matmul.h>

/* UNSUPPORTED if oneDNN cannot carry out a checked call because of its format or of t0.
 * Thread-safe. */
svf_status svf_onednn_check(const svf_matmul_args *args);

/* Carries out a checked call with at least one row on oneDNN; see svf/backend.h. Errors:
 * UNSUPPORTED, MEMORY, FAILED. Thread-safe. */
svf_status svf_onednn_matmul(const svf_matmul_args *args, size_t threads);

#endif
