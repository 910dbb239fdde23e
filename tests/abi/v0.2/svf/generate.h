/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing tokens, and texts for many requests at once, each with its own expert (library
 * svf_model). */
#ifndef SVF_GENERATE_H
#define SVF_GENERATE_H

#include <svf/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Sampling --------------------------------------------------------------------------------- */

/* In this order: logits are divided by the temperature; the top_k largest stay; of these the fewest
 * that together have at least top_p of their probability; of these those with at least min_p times
 * that of the likeliest; one is drawn. */
typedef struct svf_sampling {
  float temperature; /* 0: the likeliest token, the lowest id of equals; else > 0 */
  size_t top_k;      /* 0: all */
  float top_p;       /* in (0, 1]; 0 stands for 1 */
  float min_p;       /* in [0, 1] */
  uint64_t seed;
} svf_sampling;

/* Scratch of svf_sample. */
typedef struct svf_candidate {
  float logit; /* over temperature */
  int32_t token;
} svf_candidate;

/* Choose a token by logits[vocab]. `index` is its number in the text: the draw depends on seed and
 * index alone, so that a text does not depend on what else is generated. scratch: [vocab], not read
 * before it is written; may be NULL if temperature is 0. Allocates nothing. Errors: NULL; ARGUMENT
 * (a parameter out of range, vocab = 0); NUMERIC (a logit is NaN, or +Inf, or all are -Inf).
 * Thread-safe. */
SVF_API svf_status svf_sample(const svf_sampling *sampling, const float *logits, size_t vocab,
                              uint64_t index, svf_candidate *scratch, int32_t *token);

/* --- Generation ------------------------------------------------------------------------------- */

typedef enum svf_finish {
  SVF_FINISH_LENGTH = 0, /* max_tokens */
  SVF_FINISH_END,        /* an end token, which is not among the tokens */
  SVF_FINISH_CALLER      /* on_token, or the context's stop, said so */
} svf_finish;

/* Set to zero first. */
typedef struct svf_request {
  const int32_t *prompt; /* [prompt_count], at least one */
  size_t prompt_count;
  const float *gains; /* of the whole model, see svf_context_begin; NULL: the base model */
  svf_sampling sampling;
  size_t max_tokens;
  int ignore_end; /* go on behind end tokens */
  /* Called for each token as it comes, on the thread that called svf_generate; a result other than
   * 0 ends this request. May be NULL. */
  int (*on_token)(void *context, int32_t token);
  void *on_token_context;
  /* Called on the same thread when the request has ended and its results stand, with
   * on_token_context; not for those that an error of svf_generate ends. May be NULL. */
  void (*on_finish)(void *context);

  /* Results. */
  int32_t *tokens; /* [max_tokens], the caller's; may be NULL */
  size_t count;    /* tokens generated */
  svf_finish finish;
} svf_request;

/* Carry out `count` requests, as many at once as the context has sequences and room: whenever one
 * ends the next one begins. Prompts are read in blocks beside the tokens of running texts. A
 * prefix that the cache holds from an earlier request with the same gains is not read again. A
 * request's tokens are the same whatever the threads, the context's sizes and the other requests.
 * Sequences of the context that are in use are begun anew. Errors: NULL, MEMORY; ARGUMENT (naming
 * the request: a prompt that is empty or has a token beyond the vocabulary, more positions than the
 * context holds, gains for a dense model, sampling), before anything is generated; NUMERIC, naming
 * the request: all end then, and `count` says how many tokens each has so far; STOPPED if the
 * context's `stop` said so: requests under way end with SVF_FINISH_CALLER, on_finish included, and
 * those that have not begun with SVF_FINISH_CALLER and count = 0, but without on_finish. */
SVF_API svf_status svf_generate(svf_context *context, svf_request *requests, size_t count);

#ifdef __cplusplus
}
#endif
#endif
