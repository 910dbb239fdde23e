/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/sample.h"

#include <math.h>
#include <stdbool.h>

#include <svf/generate.h>

#include "src/core/status.h"
#include "src/core/structs.h"

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

/* Restores a heap with the likeliest candidate on top. */
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

/* Moves the likeliest candidate out of the heap, to the place after its new end. */
static svf_candidate pop(svf_candidate *heap, size_t *count)
{
  const svf_candidate top = heap[0];
  heap[0] = heap[--*count];
  heap[*count] = top;
  sift(heap, *count, 0);
  return top;
}

svf_status svf_sampling_read(const svf_sampling *sampling, svf_sampling *s)
{
  enum { FIRST = SVF_SIZE_TO(svf_sampling, seed) };
  const svf_status status = svf_struct_read_options("sampling", sampling, FIRST, s, sizeof *s);
  if (status != SVF_OK) return status;
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

static bool any_nan(const float *x, size_t n)
{
  int bad = 0;
  for (size_t i = 0; i < n; ++i) bad |= x[i] != x[i];
  return bad != 0;
}

/* In lanes, which compilers turn into vectors. */
static float largest(const float *x, size_t n)
{
  enum { LANES = 16 };
  float lane[LANES];
  size_t i = 0;
  for (int j = 0; j < LANES; ++j) lane[j] = -INFINITY;
  for (; i + LANES <= n; i += LANES) {
    for (int j = 0; j < LANES; ++j)
      lane[j] = x[i + (size_t)j] > lane[j] ? x[i + (size_t)j] : lane[j];
  }
  for (; i < n; ++i) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
  for (int j = 1; j < LANES; ++j) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
  return lane[0];
}

svf_status svf_logits_best(const float *logits, size_t vocab, size_t *best)
{
  size_t i = 0;
  if (any_nan(logits, vocab)) {
    while (logits[i] == logits[i]) ++i;
    return svf_fail(SVF_ERR_NUMERIC, "the logit of token %zu is NaN", i);
  }
  const float max = largest(logits, vocab);
  if (!isfinite(max)) return svf_fail(SVF_ERR_NUMERIC, "the largest logit is %g", (double)max);
  while (logits[i] < max) ++i;
  *best = i;
  return SVF_OK;
}

/* Draws from the candidates that top_k, top_p and min_p leave. These are popped and stand after the
 * heap's end, the likeliest last. Logits are relative to the largest one. */
static int32_t draw_some(const svf_sampling *s, svf_candidate *heap, size_t vocab, double all,
                         double u)
{
  const bool limited = s->top_k > 0 && s->top_k < vocab;
  const double top_p = s->top_p > 0 ? (double)s->top_p : 1;
  size_t left = vocab, n = 0;
  double sum = 0;
  for (size_t i = vocab / 2; i-- > 0;) sift(heap, vocab, i);
  if (limited) { /* probabilities are then relative to the sum of the top_k */
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

/* Draws from all candidates, which without filters need no order. */
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

/* Logits relative to the largest one, divided by the temperature after that is subtracted, so that
 * no temperature overflows. Returns the sum of their exponentials. */
static double scale(const float *logits, size_t vocab, size_t best, float temperature,
                    svf_candidate *to)
{
  double sum = 0;
  for (size_t i = 0; i < vocab; ++i) {
    to[i] = (svf_candidate){(logits[i] - logits[best]) / temperature, (int32_t)i};
    sum += exp((double)to[i].logit);
  }
  return sum;
}

svf_status svf_sample(const svf_sampling *sampling, uint64_t index, const float *logits,
                      size_t vocab, svf_candidate *scratch, int32_t *token)
{
  svf_sampling s;
  size_t best;
  if (!logits || !token) return svf_fail(SVF_ERR_NULL, "%s is NULL", logits ? "token" : "logits");
  if (vocab == 0 || vocab > INT32_MAX) return svf_fail(SVF_ERR_ARGUMENT, "vocab is %zu", vocab);
  svf_status status = svf_sampling_read(sampling, &s);
  if (status == SVF_OK) status = svf_logits_best(logits, vocab, &best);
  if (status != SVF_OK) return status;
  if (s.temperature == 0) {
    *token = (int32_t)best;
    return SVF_OK;
  }
  if (!scratch) return svf_fail(SVF_ERR_NULL, "scratch is NULL");
  const double all = scale(logits, vocab, best, s.temperature, scratch);
  const double u = uniform(s.seed, index);
  const bool filtered =
      (s.top_k > 0 && s.top_k < vocab) || (s.top_p > 0 && s.top_p < 1) || s.min_p > 0;
  *token = filtered ? draw_some(&s, scratch, vocab, all, u) : draw_any(scratch, vocab, all, u);
  return SVF_OK;
}
