/* SPDX-License-Identifier: Apache-2.0
 *
 * One expert, or the base model, as a dense matrix: W' = U diag(d) V^T.
 *
 *   W'[i][j] = sum over k of (U[i][k] * d[k]) * V[j][k]
 *
 * in fp32: U[i][k] * d[k] is rounded once, then each element is one chain of fused multiply-adds
 * that starts at +0 and runs in increasing k. So its bits are the same on every instruction set,
 * for any number of threads, and whichever rows are made at a time. bf16 is rounded at the end. */
#ifndef SVF_MERGE_H
#define SVF_MERGE_H

#include <svf/linear.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_MERGE_CONTINUE \
  1u /* the workspace is as the last call left it: V is not laid out again, see svf_merge_rows */

/* Set to zero first, then fill in; `size` is sizeof(svf_merge_args). */
typedef struct svf_merge_args {
  size_t size;
  const svf_linear_source *factors; /* U, V^T and sigma, with m, n, r >= 1; its format and quant do
                                       not matter. sigma may be NULL if gains is not */
  const float *gains;               /* d [r], or NULL for sigma */
  size_t first_row, rows; /* which rows of W' are made; rows = 0: nothing is read or written */
  svf_dtype out_type;
  void *out;         /* [rows][n]: W' from first_row on; may not overlap anything else */
  size_t out_stride; /* elements between rows, >= n */
  unsigned flags;    /* 0 or SVF_MERGE_CONTINUE */
} svf_merge_args;

/* Workspace bytes of a call with these factors (only m, n and r matter) and rows, on `threads`
 * threads, 0 for svf_max_threads(); a multiple of 64. Grows with rows: those of the largest piece
 * serve them all. About 4 n r bytes, for V in fp32. Errors: NULL, VERSION (a size), ARGUMENT,
 * OVERFLOW. It holds until svf_isa_select changes the instruction set. Thread-safe. */
SVF_API svf_status svf_merge_workspace(const svf_merge_args *args, size_t threads, size_t *bytes);

/* Make the rows, on as many OpenMP threads as svf_matmul would take, in the caller's floating-point
 * mode. workspace: svf_merge_workspace's bytes at any address. W' may be made in pieces at no
 * more cost than the whole: all calls but the first, with the same factors in the same workspace,
 * set SVF_MERGE_CONTINUE. Their gains may differ, so that several experts are merged in turn.
 * Errors: NULL, VERSION, ARGUMENT, OVERFLOW, SPACE, ALIGNMENT; on error nothing was written.
 * Allocates nothing. Thread-safe on distinct workspaces. */
SVF_API svf_status svf_merge_rows(const svf_merge_args *args, size_t threads, void *workspace,
                                  size_t workspace_bytes);

#ifdef __cplusplus
}
#endif
#endif
