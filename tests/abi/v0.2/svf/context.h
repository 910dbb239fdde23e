/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a model (library svf_model).
 *
 * A context holds the KV cache of a number of sequences. Each pass takes rows, in any mixture of
 * prompts and single tokens of any sequences, and every sequence has its own gains. A row's result
 * has the same bits whatever the threads, the size of the pass and the other sequences.
 *
 * One thread at a time may use a context, be it by svf_generate or svf_score. Contexts of the same
 * model are independent of each other, and may be used at once. */
#ifndef SVF_CONTEXT_H
#define SVF_CONTEXT_H

#include <svf/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct svf_context svf_context;

/* Set everything to zero first, then size. */
typedef struct svf_context_options {
  size_t size;      /* sizeof(svf_context_options) */
  size_t sequences; /* number of sequences at once; 0: 1 */
  size_t tokens;    /* positions that the KV cache holds for all sequences together, rounded up to
                       whole KV blocks, all of which one sequence can fill as far as the model's
                       context goes; what sequences share counts once. 0: sequences times the
                       model's context, at most 4096 each */
  size_t rows;      /* most rows of a pass; 0: 512, but not more than `tokens` */
  size_t threads;   /* 0: svf_max_threads() */
  svf_isa isa;
  /* Asked by svf_generate and svf_score before every pass, on the thread that called them, which
   * keeps a team meanwhile (svf_keep_team says what that forbids); returns true to stop them. May
   * be NULL. */
  bool (*stop)(void *context);
  void *stop_context;
} svf_context_options;

#define SVF_KV_BLOCK 64 /* positions of a KV block */

/* Allocate everything that passes need. options may be NULL. The model must outlive the context.
 * Errors: NULL, VERSION, ARGUMENT (the model is an outline), UNSUPPORTED, OVERFLOW, MEMORY. */
SVF_API svf_status svf_context_create(const svf_model *model, const svf_context_options *options,
                                      svf_context **context);

/* Free a context; NULL is ignored. It must be the last call on the context. */
SVF_API void svf_context_destroy(svf_context *context);

/* Start a sequence. What the cache still holds of its earlier use is kept as far as it was filled
 * with the same gains, compared by hash, and with the tokens that the prompt begins with: these
 * positions need not be computed again.
 *
 *   sequence  which one: 0 to options.sequences - 1
 *   gains     [svf_model_modules()->gains] the expert of this sequence; NULL: the base model. They
 *             belong to the caller and must not change while the sequence runs
 *   prompt    [count] the tokens that it is to begin with. They are only compared with what the
 *             cache holds; svf_context_forward reads them. NULL if count is 0
 *   count     tokens of the prompt; 0: nothing is kept
 *   kept      receives how many positions are kept, always fewer than `count`, so that there is a
 *             row left whose logits can be wanted; the caller goes on with prompt[*kept]. May be
 *             NULL
 *
 * Errors: NULL; ARGUMENT (sequence; gains for a model without factored layers). */
SVF_API svf_status svf_context_begin(svf_context *context, size_t sequence, const float *gains,
                                     const int32_t *prompt, size_t count, size_t *kept);

/* Give a sequence gains at another address; svf_generate and svf_score leave sequences without
 * gains, which need them again. They are refused, with both hashes in the message, unless they
 * equal those that filled the cache: another expert must begin anew. Errors: NULL, ARGUMENT. */
SVF_API svf_status svf_context_resume(svf_context *context, size_t sequence, const float *gains);

/* Start sequence `to` as a continuation of another one: it begins anew with the first `length`
 * positions of `from` (at most svf_context_length) and with its gains, the same array. Whole KV
 * blocks become shared by both, the remaining positions are copied; neither sequence can change
 * what the other one reads, and either may be begun anew or ended first. A sequence that later
 * goes on inside a KV block that it shares gets a copy of its own, for which the pass needs a free
 * KV block. Results have the bits that they would have without sharing. Errors, on which nothing
 * has changed: NULL; ARGUMENT (from, to, both the same; length); SPACE. */
SVF_API svf_status svf_context_fork(svf_context *context, size_t from, size_t to, size_t length);

/* Give back what the sequence holds of the cache. NULL and a sequence that does not exist are
 * ignored. */
SVF_API void svf_context_end(svf_context *context, size_t sequence);

/* Positions of a sequence that are filled; 0 for NULL and a sequence that does not exist. */
SVF_API size_t svf_context_length(const svf_context *context, size_t sequence);

/* One row of a pass: the next token of a sequence. Rows of the same sequence are given in the order
 * of their tokens. This struct has no size member: it never grows. */
typedef struct svf_row {
  size_t sequence;
  int32_t token;
  bool wants_logits;
} svf_row;

/* Run one pass. logits: out, [rows that want them][vocab], in the order of the rows; may be NULL if
 * no row wants them. Errors, on which nothing has changed: NULL; ARGUMENT (a token, sequence or
 * number of rows out of range; a sequence that svf_generate or svf_score left without its gains);
 * ALIGNMENT of logits; SPACE (the cache is full, or the sequence is longer than the model's
 * context). Runs on `threads` OpenMP threads. */
SVF_API svf_status svf_context_forward(svf_context *context, const svf_row *rows, size_t count,
                                       float *logits);

#ifdef __cplusplus
}
#endif
#endif
