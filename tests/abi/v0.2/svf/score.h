/* SPDX-License-Identifier: Apache-2.0
 *
 * How likely a model finds given texts: the log-probability of each token after those before it
 * (library svf_model). */
#ifndef SVF_SCORE_H
#define SVF_SCORE_H

#include <svf/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The log-probability of a token: with x = logits / temperature, x[token] minus the logarithm of
 * the sum of exp(x). Everything that reports log-probabilities computes them with this function.
 *
 *   logits           [vocab]
 *   token            0 to vocab - 1
 *   temperature      > 0; 0 means 1, so that texts of the likeliest tokens have the model's own
 *                    log-probabilities
 *   log_probability  receives the result: a natural logarithm, at most 0 except for rounding; -Inf
 *                    for a token whose logit is -Inf
 *
 * The bits depend on nothing but the arguments and the C library's exp and log. Allocates nothing.
 * Errors: NULL; ARGUMENT (vocab = 0, token, temperature); NUMERIC (a logit is NaN, or +Inf, or all
 * are -Inf). Thread-safe. */
SVF_API svf_status svf_log_probability(const float *logits, size_t vocab, int32_t token,
                                       float temperature, double *log_probability);

/* A text to be scored. Set everything to zero first, then size. Arrays belong to the caller and are
 * neither freed nor kept. */
typedef struct svf_score_request {
  size_t size;           /* sizeof(svf_score_request) */
  const int32_t *tokens; /* [count], at least two tokens */
  size_t count;
  size_t first;       /* the first token that is scored; >= 1, since nothing precedes token 0 */
  const float *gains; /* as in svf_context_begin; NULL: the base model */
  float temperature;  /* as in svf_log_probability */
  /* Called on the thread that called svf_score, which keeps a team meanwhile (svf_keep_team says
   * what that forbids), once this text is scored; may be NULL. */
  void (*on_finish)(void *context);
  void *on_finish_context;

  double *log_probabilities; /* out: [count - first] of tokens[first] and those after it */
} svf_score_request;

/* Score `count` texts, as many at once as the context has sequences and KV blocks for. A pass
 * reads many tokens of a text and gives the logits of at most 128 rows. What texts with equal
 * gains have in common at their beginnings is read once, as in svf_generate. A beginning that is
 * scored itself is read once only where one earlier text scores it too, at the same temperature (0
 * and 1 are the same): the first of those that have the longest beginning in common with the text.
 *
 * The results have the bits that svf_generate reports for the same tokens after the same ones with
 * the same gains and temperature, whatever the threads, the context's sizes and the other texts.
 * Sequences of the context that were in use are left as svf_generate leaves them. All requests have
 * the size of the first one. Their arrays, also of texts that are finished, may not change before
 * svf_score returns.
 *
 * Errors: NULL, MEMORY, VERSION; ARGUMENT (naming the request: fewer than two tokens, one beyond
 * the vocabulary, more than the context holds, first, gains for a dense model, temperature), before
 * anything is computed; NUMERIC, naming the request and the token whose logits are not numbers;
 * STOPPED if the context's `stop` returned true. On an error the results of texts whose on_finish
 * was not called are unspecified. One thread at a time may use a context. */
SVF_API svf_status svf_score(svf_context *context, const svf_score_request *requests, size_t count);

#ifdef __cplusplus
}
#endif
#endif
