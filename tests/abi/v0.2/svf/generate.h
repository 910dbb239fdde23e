/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing tokens, and generating texts for many requests at once, each with its own expert
 * (library svf_model). */
#ifndef SVF_GENERATE_H
#define SVF_GENERATE_H

#include <svf/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Sampling --------------------------------------------------------------------------------- */

/* How a token is chosen, in this order: the logits are divided by the temperature; the top_k
 * largest are kept; of these, the fewest that together have at least top_p of their probability; of
 * these, those with at least min_p times the probability of the likeliest; one of them is drawn.
 * Set everything to zero first, then size. */
typedef struct svf_sampling {
  size_t size;       /* sizeof(svf_sampling) */
  float temperature; /* 0: the likeliest token, among equals the lowest id; else > 0 */
  size_t top_k;      /* 0: all */
  float top_p;       /* in (0, 1]; 0 means 1 */
  float min_p;       /* in [0, 1] */
  uint64_t seed;
} svf_sampling;

/* Scratch of svf_sample. This struct has no size member: it never grows. */
typedef struct svf_candidate {
  float logit; /* divided by the temperature */
  int32_t token;
} svf_candidate;

/* Choose a token.
 *
 *   sampling  how; NULL: the likeliest token
 *   index     the number of the token in its text. The draw depends on seed and index alone, so
 *             that a text does not depend on what else is generated
 *   logits    [vocab]
 *   scratch   [vocab], not read before it is written; may be NULL if the temperature is 0
 *   token     receives the choice
 *
 * Allocates nothing. Errors: NULL; VERSION (sampling->size); ARGUMENT (a parameter out of range,
 * vocab = 0); NUMERIC (a logit is NaN, or +Inf, or all are -Inf). Thread-safe. */
SVF_API svf_status svf_sample(const svf_sampling *sampling, uint64_t index, const float *logits,
                              size_t vocab, svf_candidate *scratch, int32_t *token);

/* --- Generation ------------------------------------------------------------------------------- */

typedef enum svf_finish {
  SVF_FINISH_LENGTH = 0, /* max_tokens are generated */
  SVF_FINISH_END,        /* an end token came, which is not counted */
  SVF_FINISH_CALLER      /* on_token or the context's stop returned true */
} svf_finish;

/* A text to be generated. Set everything to zero first, then size. Arrays belong to the caller and
 * are neither freed nor kept. */
typedef struct svf_request {
  size_t size;           /* sizeof(svf_request) */
  const int32_t *prompt; /* [prompt_count], at least one token */
  size_t prompt_count;
  const float *gains;           /* as in svf_context_begin; NULL: the base model */
  const svf_sampling *sampling; /* NULL: always the likeliest token */
  size_t max_tokens;
  bool ignore_end; /* continue past end tokens */
  /* Called for each token as it comes, on the thread that called svf_generate, which keeps a team
   * meanwhile (svf_keep_team says what that forbids); returns true to end this request. May be
   * NULL. */
  bool (*on_token)(void *context, int32_t token);
  void *on_token_context;
  /* Called on the same thread, with on_token_context, when the request has ended and its results
   * are final; not called for requests that an error of svf_generate ends, except STOPPED
   * for those under way. May be NULL. */
  void (*on_finish)(void *context);

  /* Results. If the text ends by an end token, that token is at [count] of both arrays, not
   * counted. */
  int32_t *tokens; /* [max_tokens] the tokens; may be NULL */
  /* [max_tokens] the log-probability of each token as svf_log_probability (svf/score.h) computes
   * it, at the temperature of the sampling and before top_k, top_p and min_p; may be NULL. */
  double *log_probabilities;
  size_t count; /* tokens generated */
  svf_finish finish;
} svf_request;

/* Carry out `count` requests, as many at once as the context has sequences and KV blocks for:
 * whenever one ends another one begins. Prompts are read many tokens at a time, beside the tokens
 * of running texts.
 *
 * A prefix that the prompts of requests with equal gains have in common is read once: the other
 * requests wait until one of them has read it, unless waiting would save less than a pass costs,
 * and continue as its forks (svf_context_fork). For that, requests begin in an order in which those
 * with the longest common prefix follow each other, and otherwise in the order given. A prefix that
 * the cache holds from an earlier call is not read again either.
 *
 * A request's tokens and log-probabilities are the same whatever the threads, the context's sizes
 * and the other requests. Where there are more texts than rows of a pass, they take turns.
 *
 * Sequences that were in use are begun anew. They end with some request's tokens, but without its
 * gains: svf_context_forward refuses those that an expert filled until svf_context_begin or
 * svf_context_resume gives them gains again, and so it does their forks. All requests have the size
 * of the first one.
 *
 * Errors: NULL, MEMORY, VERSION; ARGUMENT (naming the request: a prompt that is empty or has a
 * token beyond the vocabulary, more positions than the context holds, gains for a dense model,
 * sampling), before anything is generated; NUMERIC, naming the request: all requests end then, and
 * `count` is how many tokens each has so far; STOPPED if the context's `stop` returned true:
 * requests under way then end with SVF_FINISH_CALLER and a call of on_finish, those that have not
 * begun with SVF_FINISH_CALLER and count = 0, but without on_finish. One thread at a time may use a
 * context. */
SVF_API svf_status svf_generate(svf_context *context, svf_request *requests, size_t count);

#ifdef __cplusplus
}
#endif
#endif
