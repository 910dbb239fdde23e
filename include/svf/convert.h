/* SPDX-License-Identifier: Apache-2.0
 *
 * Converting models on disk: decomposed once, packed for a machine's fastest start, or merged with
 * an expert (library svf_model). Each function reads a model's directory (svf/model.h) and makes
 * another one. `out` and the directories that lead to it are made if they are missing.
 *
 * Besides the tensors these files are copied, where they are there: config.json,
 * generation_config.json, tokenizer.json, tokenizer_config.json, special_tokens_map.json,
 * added_tokens.json, tokenizer.model, vocab.json, merges.txt, chat_template.jinja and
 * chat_template.json. svf_model_left_files names the others.
 *
 * Files appear whole or not at all, and the file that makes the new directory a model comes last,
 * so that an interrupted job leaves no model. Files of the names that a job writes, such as
 * config.json, are replaced; other files stay. A directory that holds a model already is refused,
 * and so, with IO, is one in which another job is at work (where the file system has locks, flock).
 * Thread-safe on distinct directories, as far as the SVD is. */
#ifndef SVF_CONVERT_H
#define SVF_CONVERT_H

#include <svf/model.h>
#include <svf/svd.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_DECOMPOSE_ATTENTION 1u /* q, k, v and o */
#define SVF_DECOMPOSE_MLP 2u       /* gate, up and down */

/* Set everything to zero first, then size. */
typedef struct svf_decompose_options {
  size_t size;               /* sizeof(svf_decompose_options) */
  unsigned layers;           /* SVF_DECOMPOSE_*; 0: all */
  size_t rank;               /* keep at most this many singular values; 0: all */
  double energy;             /* keep the fewest whose squares sum to at least this fraction of the
                                sum of all squares; 0: all */
  svf_dtype dtype;           /* of U and V */
  size_t threads;            /* matrices that are decomposed at once; 0: svf_max_threads() */
  svf_progress_fn *progress; /* or NULL */
  void *progress_context;
  size_t memory; /* bytes for matrices that are decomposed at once; 0: half of the machine's, or of
                    the limit on address space if that is less */
} svf_decompose_options;

/* Decompose the linear layers of `dir` into `out`, W = U diag(sigma) V^T, each by a call of `svd`.
 * This is svf_svd, for which the program links the library svf_svd, or a function of your own. It
 * is called in place, with rank = min(m, n), threads = 1 and no report, and unless
 * options->threads is 1, on several threads at once. Without OpenMP, or where a limit refuses
 * threads, there are fewer of them; the files are the same whatever their number.
 * options->progress is called on the thread that called this function, before each matrix, in the
 * order of the model; once it has asked to stop, matrices that are being decomposed are finished.
 * In `out` every matrix is a shard of its own, "factors-<i>.safetensors"; the other tensors are
 * copied as they are to "rest.safetensors"; "decomposition.json" reports the residual, the
 * orthogonality (both estimated, within a few per cent) and the seconds of each matrix; the index
 * comes last.
 *
 * Called again after an interruption, it keeps the shards that are finished and were made from the
 * same W with the same options; with another model or other options it is refused. Once everything
 * is done it does nothing and reports no progress. Until then all other functions refuse `out`,
 * with FILE.
 *
 * With svf_svd an m x n matrix takes about m*n + 6*min(m, n)^2 floats, itself and its factors
 * included: as measured, 3.2 times the matrix itself if that is 11:4, but 7 times if it is square.
 * On one thread this is at most four times the model's largest tensor as fp32, provided that
 * matrices nearer to square than 2:1 have at most 4/7 of that tensor's elements, as those of
 * attention have beside those of an MLP. On several threads it is so for each of them, but together
 * no more than options->memory, unless one matrix alone takes more: then it has no others beside
 * it. OpenBLAS's buffers come on top, for each thread up to 128 MB of address space, of which it
 * uses a small part. options may be NULL.
 *
 * Errors: NULL, VERSION, ARGUMENT (out is dir, or holds another model or job; energy), MEMORY,
 * NUMERIC (naming the tensor), STOPPED, IO, those of svf_model_open, and those of svd, naming the
 * layer; if several matrices fail, those of the first. */
SVF_API svf_status svf_model_decompose(const char *dir, const char *out, svf_svd_fn *svd,
                                       const svf_decompose_options *options);

/* Set everything to zero first, then size. */
typedef struct svf_pack_options {
  size_t size;                    /* sizeof(svf_pack_options) */
  const svf_model_options *model; /* formats, threads and progress; NULL: f32 */
  double bits;                    /* w84 only: the average number of bits per weight in layers in
                                     factors, including scales, from which svf_quant_plan chooses
                                     each head; 0: model->quant.head */
} svf_pack_options;

/* Pack every linear layer, dense or in factors, as svf_model_open with options->model would, into
 * one file whose blocks run where they are mapped. options may be NULL. Errors: as
 * svf_model_decompose; FILE (a layer is packed already). */
SVF_API svf_status svf_model_pack(const char *dir, const char *out,
                                  const svf_pack_options *options);

/* Set everything to zero first, then size. */
typedef struct svf_merge_options {
  size_t size;               /* sizeof(svf_merge_options) */
  svf_dtype dtype;           /* of the dense weights */
  size_t threads;            /* 0: svf_max_threads() */
  size_t file_bytes;         /* most bytes of data in a file; a larger tensor is alone in its file;
                                0: 5 GB */
  svf_progress_fn *progress; /* or NULL */
  void *progress_context;
} svf_merge_options;

/* Multiply out the layers in factors, W' = U diag(d) V^T with these gains of the whole model (NULL:
 * sigma), into a model of dense weights that any program can read: model.safetensors, or, beyond
 * options->file_bytes, model-00001-of-0000N.safetensors and so on, and the index. options may be
 * NULL. Errors: as svf_model_decompose; ARGUMENT (no layer is in factors); UNSUPPORTED (the lm_head
 * is in factors, but tied). If an earlier call that was interrupted left shards of another number
 * of files in `out`, they are removed; a file with the name of a shard of this call is replaced,
 * whoever wrote it. */
SVF_API svf_status svf_model_merge(const char *dir, const char *out, const float *gains,
                                   const svf_merge_options *options);

/* Called with the name of a file, which is valid during the call. */
typedef void svf_left_file_fn(void *context, const char *name);

/* Name the small files of a model's directory that the functions above do not copy, such as
 * README.md, in the order of strcmp: regular files and links to such, of at most 256 MiB. Hidden
 * files, subdirectories, files of weights in any program's format (.safetensors, .bin, .pt, .pth,
 * .ckpt, .gguf, .h5, .onnx, .msgpack), indexes of such (.index.json) and decomposition.json are not
 * named. Thread-safe. Errors: NULL, IO, MEMORY. */
SVF_API svf_status svf_model_left_files(const char *dir, svf_left_file_fn *left, void *context);

#ifdef __cplusplus
}
#endif
#endif
