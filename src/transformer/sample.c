/* SPDX-License-Identifier: Apache-2.0 */
#include <svf/generate.h>

#include <math.h>
#include <stdbool.h>

#include "src/core/status.h"

/* splitmix64 of (seed, index), in [0, 1). */
static double uniform(uint64_t seed, uint64_t index)
{
  uint64_t x = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  x ^= x >> 31;
  return (double)(x >> 11) * 0x1p-53;
}

static bool likelier(svf_candidate a, svf_candidate b)
{
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/* A heap with the likeliest on top. */
static void sift(svf_candidate *heap, size_t count, size_t at)
{
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && likelier(heap[child + 1], heap[child])) ++child;
    if (!likelier(heap[child], heap[at])) return;
    const svf_candidate c = heap[at];
    heap[at] = heap[child];
    heap[child] = c;
  }
}

/* The likeliest leaves the heap, for the place behind its end. */
static svf_candidate pop(svf_candidate *heap, size_t *count)
{
  const svf_candidate top = heap[0];
  heap[0] = heap[--*count];
  heap[*count] = top;
  sift(heap, *count, 0);
  return top;
}

static svf_status check(const svf_sampling *s)
{
  if (!(s->temperature >= 0) || !isfinite(s->temperature)) {
    return svf_fail(SVF_ERR_ARGUMENT, "temperature is %g, not in [0, inf)", (double)s->temperature);
  }
  if (!(s->top_p >= 0 && s->top_p <= 1)) {
    return svf_fail(SVF_ERR_ARGUMENT, "top_p is %g, not in [0, 1]", (double)s->top_p);
  }
  if (!(s->min_p >= 0 && s->min_p <= 1)) {
    return svf_fail(SVF_ERR_ARGUMENT, "min_p is %g, not in [0, 1]", (double)s->min_p);
  }
  return SVF_OK;
}

/* The likeliest token; NUMERIC unless there is a distribution. */
static svf_status find_best(const float *logits, size_t vocab, size_t *best)
{
  *best = 0;
  for (size_t i = 0; i < vocab; ++i) {
    if (isnan(logits[i])) return svf_fail(SVF_ERR_NUMERIC, "the logit of token %zu is NaN", i);
    if (logits[i] > logits[*best]) *best = i;
  }
  if (isfinite(logits[*best])) return SVF_OK;
  return svf_fail(SVF_ERR_NUMERIC, "the largest logit is %g", (double)logits[*best]);
}

/* Draws from what top_k, top_p and min_p leave: those popped, which stand behind the heap's end,
 * the likeliest last. Logits are relative to the largest. */
static int32_t draw_some(const svf_sampling *s, svf_candidate *heap, size_t vocab, double all,
                         double u)
{
  const bool limited = s->top_k > 0 && s->top_k < vocab;
  const double top_p = s->top_p > 0 ? (double)s->top_p : 1;
  size_t left = vocab, n = 0;
  double sum = 0;
  for (size_t i = vocab / 2; i-- > 0;) sift(heap, vocab, i);
  if (limited) { /* then probabilities are those among the top_k */
    all = 0;
    while (vocab - left < s->top_k) all += exp((double)pop(heap, &left).logit);
  }
  const size_t most = limited ? s->top_k : vocab;
  for (; n < most && (n == 0 || sum < top_p * all); ++n) {
    if (vocab - left == n) pop(heap, &left);
    const double p = exp((double)heap[vocab - 1 - n].logit);
    if (n > 0 && p < (double)s->min_p) break;
    sum += p;
  }
  double rest = u * sum;
  for (size_t i = 0; i < n; ++i) {
    rest -= exp((double)heap[vocab - 1 - i].logit);
    if (rest < 0) return heap[vocab - 1 - i].token;
  }
  return heap[vocab - n].token;
}

/* Without filters no order is needed. */
static int32_t draw_any(const svf_candidate *c, size_t vocab, double all, double u)
{
  double rest = u * all;
  size_t last = 0;
  for (size_t i = 0; i < vocab; ++i) {
    const double p = exp((double)c[i].logit);
    if (p > 0) last = i;
    rest -= p;
    if (rest < 0) break;
  }
  return c[last].token;
}

svf_status svf_sample(const svf_sampling *sampling, const float *logits, size_t vocab,
                      uint64_t index, svf_candidate *scratch, int32_t *token)
{
  size_t best;
  if (!sampling || !logits || !token) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL",
                    !sampling ? "sampling"
                    : !logits ? "logits"
                              : "token");
  }
  if (vocab == 0 || vocab > INT32_MAX) return svf_fail(SVF_ERR_ARGUMENT, "vocab is %zu", vocab);
  svf_status status = check(sampling);
  if (status == SVF_OK) status = find_best(logits, vocab, &best);
  if (status != SVF_OK) return status;
  if (sampling->temperature == 0) {
    *token = (int32_t)best;
    return SVF_OK;
  }
  if (!scratch) return svf_fail(SVF_ERR_NULL, "scratch is NULL");
  /* Divided after the largest was subtracted: no temperature overflows. */
  double all = 0;
  for (size_t i = 0; i < vocab; ++i) {
    scratch[i] = (svf_candidate){(logits[i] - logits[best]) / sampling->temperature, (int32_t)i};
    all += exp((double)scratch[i].logit);
  }
  const double u = uniform(sampling->seed, index);
  const bool filtered = (sampling->top_k > 0 && sampling->top_k < vocab) ||
                        (sampling->top_p > 0 && sampling->top_p < 1) || sampling->min_p > 0;
  *token =
      filtered ? draw_some(sampling, scratch, vocab, all, u) : draw_any(scratch, vocab, all, u);
  return SVF_OK;
}
