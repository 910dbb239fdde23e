/* SPDX-License-Identifier: Apache-2.0
 *
 * What carries out svf_matmul: the library's own kernels or, in a build with -DSVF_WITH_ONEDNN=ON,
 * oneDNN's primitives. */
#ifndef SVF_BACKEND_H
#define SVF_BACKEND_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum svf_backend {
  SVF_BACKEND_OWN = 0,
  SVF_BACKEND_ONEDNN /* formats f32 and, where oneDNN has it for this CPU, bf16 */
} svf_backend;

/* From now on svf_matmul and svf_matmul_group are carried out by `backend`; plans, pools and
 * svf_merge_rows stay with the library's own kernels. With ONEDNN a call
 *
 *   - takes and checks the same arguments, the workspace's size included,
 *   - is UNSUPPORTED for other formats, with t0, and where oneDNN has no such product; it never
 *     falls back on the library's own kernels. Formats and t0 of a whole group are checked before
 *     anything is written; after another error, calls of the group may have written their Y,
 *   - allocates, creates primitives (oneDNN caches them) and may copy the packed weights into a
 *     layout that oneDNN prefers, so it may fail with MEMORY or FAILED: this back end is there for
 *     a second opinion, not for speed,
 *   - adds up in oneDNN's order: bits may depend on the rows, the threads and the CPU,
 *   - runs on oneDNN's threads: `threads` of them if its runtime is the program's OpenMP.
 *
 * The choice holds for the whole process. Errors: ARGUMENT; UNSUPPORTED in a build without oneDNN.
 * On error nothing changes. Thread-safe; calls that are under way finish where they began. */
SVF_API svf_status svf_backend_select(svf_backend backend);

/* svf_backend_select with the name in the environment variable SVF_BACKEND, "own" or "onednn". Does
 * nothing and returns OK if it is unset or empty. Errors: ARGUMENT for another name, UNSUPPORTED;
 * on error nothing changes. Thread-safe, as long as no thread changes the environment. */
SVF_API svf_status svf_backend_select_env(void);

/* The back end that is selected. Thread-safe. */
SVF_API svf_backend svf_backend_selected(void);

/* "own" or "onednn"; "?" for an unknown value. Static strings. Thread-safe. */
SVF_API const char *svf_backend_name(svf_backend backend);

#ifdef __cplusplus
}
#endif
#endif
