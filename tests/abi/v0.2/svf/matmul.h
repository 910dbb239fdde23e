/* SPDX-License-Identifier: Apache-2.0
 *
 * The fused SVF matmul with a gain vector per row.
 *
 *   T = (X V) * D       X [rows][n]   D[row] = gains of that row's expert, or sigma for the base
 *   Y = T U^T           T [rows][r]   Y [rows][m]
 *   Y = Y + bias        if bias is given
 *   Y = Y + Y_old       with SVF_MATMUL_ACCUMULATE
 *
 * A dense layer (r = 0, svf/linear.h) is Y = X W^T: the second product with X in place of T.
 *
 * Source: singular value fine-tuning, Transformer^2, arXiv 2501.06252, section 3.1; the gains are
 * d = c * sigma * z.
 *
 * Gradients. With G = dLoss/dY, the transposed layer (svf_linear_transpose, svf/linear.h) takes it
 * backwards, with the same gains: dLoss/dX = ((G U) * D) V^T is its Y, with G as its X.
 * dLoss/dD[row][k] = S[row][k] * T0[row][k], where S = G U and T0 = X V are what both calls leave
 * in t0; the call backwards adds the rows up, for each vector of gains one sum or several. With one
 * sum for each text the order of all additions is that of the rows within a text, whatever else a
 * batch has and however rows are divided into batches. What formats round in X and T is taken for
 * exact: the gradient is that of the weights as they are stored.
 *
 * Formats. f32 is fp32 throughout. In bf16 the weights are bf16, X is rounded to bf16, sums are in
 * fp32, and T is rounded to bf16 before the second product. What an expert changes in Y is a few
 * per cent of it, and that rounding drowns it: bf16-split carries T as hi + lo, hi = bf16(T) and lo
 * = bf16(T - hi), +0 where hi is not finite, and multiplies by both while it reads the weights
 * once. Bias, Y_old and the gains are fp32 in every format.
 *
 * In s8, s8-split, w8, w4 and w84 weights are integers with scales (svf/linear.h), X and T become
 * integers: in each row, a span of 256 steps (counted anew from `head` on in T of w84) shares a
 * scale. With a = the largest magnitude in the span and L = 127 (X and T of s8, X of s8-split) or
 * 16256 (T of s8-split, both of w8, w4 and w84) an element x becomes x * (L/a) rounded to an
 * integer, and the scale is a/L; a < 2^-100 counts as zero, and a span with NaN or Inf has the
 * scale NaN, which makes the whole row of Y NaN.
 *
 * Bits. A row's result, Y and t0, has the same bits for any number of threads and whatever else is
 * in the batch, except for the sign and payload of a NaN. On every instruction set but neonbf16,
 * avx512bf16 and amx each element of X V and of T U^T is one chain of fused multiply-adds in fp32
 * that starts at +0 and runs in increasing k (in bf16-split over hi + lo, which fp32 holds); T is
 * that sum times the gain, rounded once; bias and Y_old are added in this order with one rounding
 * each. So all of these instruction sets give the same bits. The other three have chains of their
 * own, in which denormals count as zero and k is padded to a multiple of 32 by zeros:
 *   neonbf16    the two products of each pair of steps are added, then their sum is added to the
 *               total; both additions round to odd (towards zero, then the last bit is set if
 *               anything was lost; overflow is Inf). In bf16-split the products of hi in each four
 *               steps come before those of lo. FPCR does not matter, except that its bit EBF, which
 *               nobody sets unasked, must be 0
 *   avx512bf16  of each pair of steps the odd one comes first; in bf16-split the products of hi
 *               come before those of lo
 *   amx         the order of its tiles: in each 32 steps of k the even and the odd steps are two
 *               chains that start at +0, and their sum is added to the total, hi before lo
 * The formats with integers have the same bits on every instruction set: products are summed
 * exactly per group of weights with one scale (in s8 per span), and a chain of fused multiply-adds
 * that starts at +0 and runs in increasing k adds these sums, rounded to fp32, times the product of
 * the two scales.
 *
 * NaN and Inf propagate within their row. Sums are rounded and denormals treated as the caller's
 * MXCSR / FPCR says, which is never changed; elements become integers or bf16 by rounding to
 * nearest in every mode.
 *
 * Tiles. The first call that needs amx asks Linux for the state of its tiles (arch_prctl). Where
 * that is refused, calls use the next instruction set until svf_isa_select is called. Once it is
 * granted, signal frames of this process have room for the tiles, 8 KiB more: sigaltstack refuses
 * stacks that are too small for one from then on, and while any thread has such a stack the request
 * itself is refused. So give alternate signal stacks getauxval(AT_MINSIGSTKSZ) bytes in addition to
 * what the handler needs, or keep amx from being used: svf_isa_select(SVF_ISA_AVX512BF16) before
 * the first call, or that isa in every call. A configuration of tiles that the calling thread has
 * made is there again when a call or a share of a stage returns; what the tiles held is lost.
 *
 * Processes. After fork a child may make serial calls (threads = 1), and run stages on threads of
 * its own. OpenMP's threads do not survive fork: if calls of the parent have used them, calls of
 * the child run on the calling thread alone, whatever `threads` says, with the same bits. If only
 * other code of the parent has used OpenMP, or calls on the back end onednn, a child must ask for
 * one thread, since the runtime would wait for those that are not there.
 *
 * With the library's own kernels (svf/backend.h) no function here allocates, prints or aborts. The
 * state that they keep, besides what svf_isa_select sets: the answer about tiles, whether OpenMP's
 * threads have been used (a handler of fork that the first such call registers), and the number of
 * processors and the container's quota, which the first call with threads = 0 reads from files of
 * the system. What OpenMP's runtime does when svf_matmul first needs its threads is the runtime's
 * affair. */
#ifndef SVF_MATMUL_H
#define SVF_MATMUL_H

#include <svf/linear.h>
#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a call. */
#define SVF_MATMUL_ACCUMULATE \
  1u /* add to Y instead of overwriting it; without it Y is never read */
#define SVF_MATMUL_WITHOUT_Y \
  2u /* makes t0 and gradients only: y may be NULL. Not for dense layers */

#define SVF_MATMUL_WORKSPACE_ALIGNMENT 64 /* bytes; not required, and spares none of its bytes */
#define SVF_MATMUL_GROUP_MAX 4            /* calls in a group */

/* One call. Set to zero first (`svf_matmul_args a = {0};`), then fill in; `size` is
 * sizeof(svf_matmul_args). A caller compiled against another version is understood: members
 * that its struct lacks count as zero, and those that this library does not know must be zero. */
typedef struct svf_matmul_args {
  size_t size;
  const void *linear; /* packed block, which must have passed svf_linear_check or come from
                         svf_linear_pack. At any address, but faster on a multiple of 64 bytes */
  size_t rows;        /* may be 0: then nothing is read or written */
  svf_dtype x_type;
  const void *x;             /* [rows][n]; needs only element alignment */
  ptrdiff_t x_stride;        /* elements between rows; any value, also 0 or negative */
  const float *const *gains; /* NULL: sigma for every row. Else [rows] pointers, each to r fp32
                                values that need only element alignment, or NULL for sigma. NULL for
                                a dense layer */
  const float *bias;         /* [m] or NULL */
  svf_dtype y_type;
  void *y;             /* [rows][m]; neither it nor the workspace may overlap anything else */
  ptrdiff_t y_stride;  /* elements between rows; |y_stride| >= m if rows > 1 */
  unsigned flags;      /* 0, SVF_MATMUL_ACCUMULATE or SVF_MATMUL_WITHOUT_Y */
  svf_isa isa;         /* SVF_ISA_AUTO, or one that svf_isa_supported: see svf_isa_serving */
  float *t0;           /* out, [rows][r], or NULL: T before the gains and before any rounding of
                          T, that is T0 = X V as the format sums it up in fp32. May not overlap
                          anything else. NULL for a dense layer */
  ptrdiff_t t0_stride; /* elements between rows; |t0_stride| >= r if rows > 1 */
  /* Backwards, see the top: gradients of gains. Each row whose gradients[row] is not NULL adds, in
   * increasing order of rows, t0[row][k] * t0_forward[row][k] to gradients[row][k], as an fma. */
  const float *t0_forward;     /* [rows][r]: what the forward call left in its t0 */
  ptrdiff_t t0_forward_stride; /* elements between rows; any value */
  float *const *gradients;     /* in and out, [rows] pointers to r fp32, or NULL for a row; rows
                                  may have the same one. NULL: none. They need t0 and t0_forward,
                                  and may overlap nothing else, nor partly one another */
} svf_matmul_args;

/* Workspace bytes for a call with these linear, rows and isa (the other members do not matter)
 * carried out in nth shares; a multiple of 64, or 0 for no rows. Grows with rows: for fixed nth it
 * is a valid workspace for any smaller number of rows, too. Errors: NULL, VERSION (size), ARGUMENT
 * (nth = 0), UNSUPPORTED (isa), OVERFLOW, and those of svf_linear_check. With SVF_ISA_AUTO it holds
 * until svf_isa_select changes what that means. Thread-safe. */
SVF_API svf_status svf_matmul_workspace(const svf_matmul_args *args, size_t nth, size_t *bytes);

/* Carry the call out in `threads` shares, on as many OpenMP threads but at most four per processor,
 * in the floating-point mode (MXCSR, FPCR) of the caller. 1 stays on the calling thread and starts
 * nothing, 0 means svf_max_threads(). In a build without OpenMP all shares run on the calling
 * thread. workspace: at least svf_matmul_workspace(args, threads) bytes at any address, for
 * threads = 0 those of svf_max_threads(). Its contents do not matter, and no other call may use it
 * meanwhile.
 * Errors: NULL, VERSION, ARGUMENT, OVERFLOW, UNSUPPORTED, SPACE, ALIGNMENT, and those of
 * svf_linear_check; on error nothing was written. Thread-safe. */
SVF_API svf_status svf_matmul(const svf_matmul_args *args, size_t threads, void *workspace,
                              size_t workspace_bytes);

/* The number of threads that `threads` = 0 stands for in svf_matmul, at least 1:
 * omp_get_max_threads() of the calling thread, but at most four per processor, and, where it is
 * omp_get_num_procs() as usual, at most a container's quota of CPUs (Linux control groups, rounded
 * up); 1 in a build without OpenMP. Within svf_keep_team the same as before it. Thread-safe. */
SVF_API size_t svf_max_threads(void);

/* Calls body(context) on the calling thread and keeps a team of `threads` OpenMP threads, with the
 * caller, until it returns (0: svf_max_threads()). Calls of svf that body makes on this thread run
 * on that team, however many threads they ask for, instead of beginning and ending a parallel
 * region each, which on a busy machine waits for threads that are suspended. Threads of the team
 * spin for some microseconds when they have nothing to do, then sleep.
 *
 * body runs in a parallel region of OpenMP: regions of its own, or of other libraries that it
 * calls, have one thread unless nesting is enabled, and so have the back end onednn and
 * svf_model_decompose. It must return here: no longjmp, no exception of C++, and no return in a
 * child that it forks, which would wait for threads that are not there. All of this holds also for
 * callbacks of svf_generate, svf_score, svf_model_open, svf_model_pack and svf_model_merge, which
 * keep a team by themselves. Within a body, on one thread, and without OpenMP, only body(context).
 * The result of calls is the same. Errors: NULL (body). Thread-safe. */
SVF_API svf_status svf_keep_team(size_t threads, void (*body)(void *context), void *context);

/* --- Several layers on the same X ----------------------------------------------------------------
 *
 * Query, key and value, or gate and up, as one: X is laid out once for all calls whose kernels read
 * it alike, they share the barriers, and their outputs are divided over the threads together, so
 * that layers too small for all threads keep them busy. The result has the bits of single calls.
 *
 *   calls   [count] calls, 1 to SVF_MATMUL_GROUP_MAX, each of calls[0].size bytes; all must have
 *           this size. They must have in common rows, x, x_type, x_stride, isa and n of the layer;
 *           all else is each call's own: dense or factored, format, rank, gains, bias, y, t0, flags
 *
 * Workspace, threads, errors and thread-safety are those of svf_matmul_workspace and svf_matmul;
 * messages name the call. Further errors: ARGUMENT (count, or what should be in common). */
SVF_API svf_status svf_matmul_group_workspace(const svf_matmul_args *calls, size_t count,
                                              size_t nth, size_t *bytes);
SVF_API svf_status svf_matmul_group(const svf_matmul_args *calls, size_t count, size_t threads,
                                    void *workspace, size_t workspace_bytes);

/* --- Before there are arrays ---------------------------------------------------------------------
 *
 * What a call, or a group of calls, will need: for engines that build a graph and allocate memory
 * before there is any. */
typedef struct svf_matmul_shape {
  size_t size;                    /* sizeof(svf_matmul_shape) */
  const svf_linear_source *layer; /* m, n, r, format and quant are read; its pointers may be NULL */
  size_t rows;
  svf_dtype x_type;
  svf_isa isa; /* as in svf_matmul_args */
} svf_matmul_shape;

typedef struct svf_matmul_needs {
  size_t size;            /* in: sizeof(svf_matmul_needs) */
  size_t workspace_bytes; /* as svf_matmul_workspace or svf_matmul_group_workspace says */
  size_t stages;          /* how many stages svf_matmul_next_stage will name */
} svf_matmul_needs;

/* The needs of `count` calls on one X, 1 to SVF_MATMUL_GROUP_MAX, in nth shares; of the packed
 * blocks svf_linear_bytes says how large they are. All shapes have shapes[0].size; they must have
 * in common rows, x_type, isa and n. Errors: NULL, VERSION (a size), ARGUMENT, UNSUPPORTED,
 * OVERFLOW. Thread-safe. */
SVF_API svf_status svf_matmul_query(const svf_matmul_shape *shapes, size_t count, size_t nth,
                                    svf_matmul_needs *needs);

/* --- On the caller's own threads -----------------------------------------------------------------
 *
 *   svf_plan plan;
 *   svf_matmul_plan(&plan, &args, nth, workspace, bytes);     once, anywhere
 *   for (int stage = svf_matmul_next_stage(&plan, 0); stage >= 0;
 *        stage = svf_matmul_next_stage(&plan, stage + 1)) {
 *     svf_matmul_stage(&plan, stage, ith);                    every ith in [0, nth)
 *     <barrier of the caller, not needed after the last stage>
 *   }
 *
 * How many stages there are and what they do is the library's affair: lay X out for the kernel,
 * make T = (X V) * D of it, lay T out, make Y. Stages that a call can do without are left out. Y is
 * complete when all shares of the last stage have returned. A share is a pure function of (plan,
 * stage, ith): within a stage the shares may run in any order and on any thread, at once or one
 * after the other, so nth may exceed the number of threads for work stealing. The result has the
 * same bits for every nth, if all threads run in the same floating-point mode (MXCSR, FPCR). */
typedef struct svf_plan {
  uint64_t opaque[640]; /* 5120 bytes */
} svf_plan;

/* Check the arguments and divide the work. The plan refers to the arrays that args names and to the
 * workspace (sized for nth), not to args itself. While they stay where they are, the plan may be
 * carried out again, with other values in them. Errors: NULL (plan), ARGUMENT (nth = 0), and those
 * of svf_matmul; on error the plan is unchanged. Thread-safe. */
SVF_API svf_status svf_matmul_plan(svf_plan *plan, const svf_matmul_args *args, size_t nth,
                                   void *workspace, size_t workspace_bytes);

/* The same for a group, see svf_matmul_group, with svf_matmul_group_workspace's bytes. Its stages
 * are carried out like those of a single call. Errors as svf_matmul_group, and NULL (plan).
 * Thread-safe. */
SVF_API svf_status svf_matmul_group_plan(svf_plan *plan, const svf_matmul_args *calls, size_t count,
                                         size_t nth, void *workspace, size_t workspace_bytes);

/* The first stage from `from` on that has anything to do; -1 if there is none, as is the case from
 * the beginning if there are no rows. X has no stage of its own where it is so small that every
 * share lays it out for itself, or where it is one row of fp32 in f32. T has one only in formats
 * with integers, whose scales depend on spans of 256 values of T, and only if shares had less than
 * a span and T is not small either. `from` below 0 counts as 0; -1 if plan is NULL. Thread-safe. */
SVF_API int svf_matmul_next_stage(const svf_plan *plan, int from);

/* Carry out share ith of a stage of a valid plan. Cannot fail; a stage that svf_matmul_next_stage
 * does not name, an ith out of range, or a plan that is NULL does nothing. Thread-safe: shares of
 * one stage may run at once, but only after those of the stages before it have returned. */
SVF_API void svf_matmul_stage(const svf_plan *plan, int stage, size_t ith);

/* --- On a thread pool ------------------------------------------------------------------------- */

/* A parallel-for that the caller owns: run must call task(context, i) exactly once for every i in
 * [0, count), on any threads and in any order, and return after all of them have returned. */
typedef struct svf_pool {
  size_t size;    /* sizeof(svf_pool) */
  size_t threads; /* shares to divide a stage into, >= 1 */
  void (*run)(void *self, size_t count, void (*task)(void *context, size_t i), void *context);
  void *self; /* the first argument of run */
} svf_pool;

/* svf_matmul with pool->run called once per stage, on the calling thread. Workspace for nth =
 * pool->threads. The pool's threads run in their own floating-point mode, which decides the bits.
 * Errors: NULL (pool, pool->run), VERSION (pool->size), ARGUMENT (pool->threads = 0), and those of
 * svf_matmul; on error nothing was written, and run was not called. Thread-safe, as far as run
 * is. */
SVF_API svf_status svf_matmul_pool(const svf_matmul_args *args, const svf_pool *pool,
                                   void *workspace, size_t workspace_bytes);

/* The same for a group, see svf_matmul_group, with svf_matmul_group_workspace's bytes for nth =
 * pool->threads: pool->run is called once per stage for all calls together. Errors: those of
 * svf_matmul_pool and svf_matmul_group. Thread-safe, as far as run is. */
SVF_API svf_status svf_matmul_group_pool(const svf_matmul_args *calls, size_t count,
                                         const svf_pool *pool, void *workspace,
                                         size_t workspace_bytes);

#ifdef __cplusplus
}
#endif
#endif
