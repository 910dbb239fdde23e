/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a model (library svf_model).
 *
 * A context holds the KV cache of a number of sequences. Each pass takes rows, any mixture of
 * prompts and single tokens of any sequences, and every sequence has its own gains. The result of a
 * row has the same bits whatever the threads, the size of the pass and the other sequences. */
#ifndef SVF_CONTEXT_H
#define SVF_CONTEXT_H

#include <svf/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_context svf_context;

/* Set to zero first, but size = sizeof. */
typedef struct svf_context_options {
  size_t size;
  size_t sequences; /* at once; 0: 1 */
  size_t tokens;    /* positions that the KV cache holds, of all sequences together, rounded up to
                       whole blocks; 0: sequences times the model's context, at most 4096 each */
  size_t rows;      /* most rows of a pass; 0: 512, but not more than `tokens` */
  size_t threads;   /* 0: svf_max_threads() */
  svf_isa isa;
  /* Asked by svf_generate before every pass, on the thread that called it; a result other than 0
   * stops it. May be NULL. */
  int (*stop)(void *context);
  void *stop_context;
} svf_context_options;

#define SVF_KV_BLOCK 64 /* positions of a block of the KV cache */

/* Allocates everything that passes need. options may be NULL. Errors: NULL, VERSION, ARGUMENT,
 * UNSUPPORTED, OVERFLOW, MEMORY. */
SVF_API svf_status svf_context_create(const svf_model *model, const svf_context_options *options,
                                      svf_context **context);
SVF_API void svf_context_destroy(svf_context *context);

/* Start `sequence` with `gains`: svf_model_modules()->gains values that stay the caller's and must
 * not change while the sequence runs; NULL: the base model. What the cache still holds of its
 * earlier use is kept where it was filled with the same gains (compared by hash) and the same
 * tokens as the prompt's, but never the whole prompt; *kept receives how many positions that are,
 * and the caller goes on with prompt[*kept]. prompt may be NULL if count is 0: nothing is kept.
 * Errors: NULL, ARGUMENT. */
SVF_API svf_status svf_context_begin(svf_context *context, size_t sequence, const float *gains,
                                     const int32_t *prompt, size_t count, size_t *kept);

/* Make other gains those of a running sequence. Refused, with both hashes in the message,
 * unless they equal those that filled its cache: another expert must begin anew. Errors:
 * NULL, ARGUMENT. */
SVF_API svf_status svf_context_resume(svf_context *context, size_t sequence, const float *gains);

/* Give back what the sequence holds of the cache. */
SVF_API void svf_context_end(svf_context *context, size_t sequence);

/* Positions of a sequence that are filled. */
SVF_API size_t svf_context_length(const svf_context *context, size_t sequence);

/* One row of a pass: the next token of a sequence. Rows of one sequence follow each other in
 * order. */
typedef struct svf_row {
  size_t sequence;
  int32_t token;
  int wants_logits;
} svf_row;

/* One pass. logits: out, [rows that want them][vocab], in the order of the rows; may be NULL if
 * there is none. Errors, on which nothing has changed: NULL; ARGUMENT (a token, sequence or number
 * of rows out of range); ALIGNMENT of logits; SPACE (the cache is full, or the sequence is longer
 * than the model's context). One thread at a time may use a context; it runs on `threads` OpenMP
 * threads. */
SVF_API svf_status svf_context_forward(svf_context *context, const svf_row *rows, size_t count,
                                       float *logits);

#ifdef __cplusplus
}
#endif
#endif
