/* SPDX-License-Identifier: Apache-2.0
 *
 * Models on disk: decomposed once, packed for a machine's fastest start, merged with an expert
 * (library svf_model). Each function reads a model's directory (svf/model.h) and makes another one,
 * with copies of its configuration and tokenizer.
 *
 * Files appear whole or not at all, and what makes the new directory a model comes last: an
 * interrupted job leaves no model. Files of the names that a job writes, such as config.json, are
 * replaced; other files stay. A directory that holds a model already is refused, and so is one in
 * which another job is at work, with IO (where the file system has locks, flock). Thread-safe on
 * distinct directories, as far as the SVD is. */
#ifndef SVF_CONVERT_H
#define SVF_CONVERT_H

#include <svf/model.h>
#include <svf/svd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_DECOMPOSE_ATTENTION 1u /* q, k, v and o */
#define SVF_DECOMPOSE_MLP 2u       /* gate, up and down */

/* Set to zero first, but size = sizeof. */
typedef struct svf_decompose_options {
  size_t size;
  unsigned layers;           /* SVF_DECOMPOSE_*; 0: all */
  size_t rank;               /* keep at most this many singular values; 0: all */
  double energy;             /* keep the fewest whose squares have this share of the sum of all;
                                0: all */
  svf_dtype dtype;           /* of U and V */
  size_t threads;            /* of the SVD; 0: svf_max_threads() */
  svf_progress_fn *progress; /* or NULL */
  void *progress_context;
} svf_decompose_options;

/* Decompose the linear layers of `dir` into `out`, each W = U diag(sigma) V^T by `svd`, one at a
 * time: svf_svd, with which the program links the library svf_svd, or a function of your own. It is
 * called on this thread, in place, with rank = min(m, n), options->threads and no report. In `out`
 * every matrix is a shard of its own, "factors-<i>.safetensors"; the other tensors are copied as
 * they are to "rest.safetensors"; "decomposition.json" reports residual, orthogonality (both
 * estimated, within a few per cent) and seconds of each; the index comes last.
 *
 * Called again after an interruption, it keeps the shards that are finished and were made from the
 * same W with the same options, and goes on with the threads of the first call, on which the last
 * bits depend; with another model or other options it refuses. Once everything is done it does
 * nothing. Until then all other functions refuse `out`, with FILE. With svf_svd it takes about
 * m*n + 6*min(m, n)^2 floats for an m x n matrix, itself and its factors included (but not what
 * LAPACK's threads keep for themselves): as measured, 3.2 times a matrix of 11:4, but 7 times a
 * square one. For a model that is at most four times its largest tensor as fp32 where the matrices
 * that are nearer to square than 2:1 have at most 4/7 of that one's elements, as those of attention
 * have beside an MLP's. options may be NULL. Errors: NULL, VERSION, ARGUMENT (out is dir, or holds
 * another model or job; energy), MEMORY, NUMERIC (naming the tensor), STOPPED, IO, those of
 * svf_model_open, and those of svd, naming the layer. */
SVF_API svf_status svf_model_decompose(const char *dir, const char *out, svf_svd_fn *svd,
                                       const svf_decompose_options *options);

/* Set to zero first, but size = sizeof. */
typedef struct svf_pack_options {
  size_t size;
  const svf_model_options *model; /* formats, threads and progress; NULL: f32 */
  double bits;                    /* w84 only: the average number of bits of a weight of the layers
                                     in factors, scales included, from which svf_quant_plan chooses
                                     each head; 0: model->quant.head */
} svf_pack_options;

/* Pack every linear layer, dense or in factors, as svf_model_open with options->model would, into
 * one file that is run where it is mapped. options may be NULL. Errors: as svf_model_decompose;
 * FILE (a layer is packed already). */
SVF_API svf_status svf_model_pack(const char *dir, const char *out,
                                  const svf_pack_options *options);

/* Set to zero first, but size = sizeof. */
typedef struct svf_merge_options {
  size_t size;
  svf_dtype dtype;           /* of the dense weights */
  size_t threads;            /* 0: svf_max_threads() */
  size_t file_bytes;         /* of data in a file at most; a larger tensor is alone in its file; 0:
                                5 GB */
  svf_progress_fn *progress; /* or NULL */
  void *progress_context;
} svf_merge_options;

/* Multiply out the layers in factors, W' = U diag(d) V^T with these gains of the whole model (NULL:
 * sigma), into a model of dense weights that any program can read: model.safetensors, or, beyond
 * options->file_bytes, model-00001-of-0000N.safetensors and so on, and the index. options may be
 * NULL. Errors: as svf_model_decompose; ARGUMENT (no layer is in factors); UNSUPPORTED (the head is
 * in factors, but tied). Shards of another division that an earlier call left in `out` before it
 * was done are removed; what has the name of a shard of this one is replaced, whoever wrote it. */
SVF_API svf_status svf_model_merge(const char *dir, const char *out, const float *gains,
                                   const svf_merge_options *options);

#ifdef __cplusplus
}
#endif
#endif
