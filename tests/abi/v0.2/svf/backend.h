/* SPDX-License-Identifier: Apache-2.0
 *
 * Who carries out svf_matmul: the library's own kernels or, in a build with -DSVF_WITH_ONEDNN=ON,
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

/* From now on svf_matmul is carried out by `backend`; the other forms of a call (svf_matmul_plan,
 * svf_matmul_pool) stay with the library's own kernels. With ONEDNN a call
 *
 *   - takes and checks the same arguments, the workspace's size included,
 *   - is UNSUPPORTED for other formats, and where oneDNN has no such product; never silently own,
 *   - allocates, creates primitives (oneDNN caches them) and may copy the packed weights into a
 *     layout that oneDNN prefers: it is a second opinion, not the fast path. MEMORY, FAILED,
 *   - adds up in oneDNN's order: bits may depend on the rows, the threads and the CPU,
 *   - runs on oneDNN's threads: `threads` of them where its runtime is the OpenMP of the program.
 *
 * Process-wide. Errors: ARGUMENT, UNSUPPORTED in a build without oneDNN; nothing is changed then.
 * Thread-safe; calls under way stay where they are. */
SVF_API svf_status svf_backend_select(svf_backend backend);

/* svf_backend_select with the name in the environment variable SVF_BACKEND, "own" or "onednn"; OK
 * and nothing done if it is unset or empty. Errors: ARGUMENT for another name, UNSUPPORTED. */
SVF_API svf_status svf_backend_select_env(void);

/* What was selected. Thread-safe. */
SVF_API svf_backend svf_backend_selected(void);

/* "own", "onednn"; "?" for an unknown value. */
SVF_API const char *svf_backend_name(svf_backend backend);

#ifdef __cplusplus
}
#endif
#endif
