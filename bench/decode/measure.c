/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/decode/measure.h"

#include <stdio.h>
#include <stdlib.h>

#include <svf/generate.h>
#include <svf/matmul.h>

#include "bench/clock.h"
#include "bench/decode/synthetic.h"

enum { REPEATS_MAX = 200 };

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "svf_decode: %s\n", svf_last_message());
  exit(1);
}

static void *need(void *p)
{
  if (!p) must(SVF_ERR_MEMORY);
  return p;
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *times, size_t count)
{
  qsort(times, count, sizeof *times, ascending);
  return times[count / 2];
}

/* --- Passes ----------------------------------------------------------------------------------- */

/* Texts in a context, all of one length, each with an expert. */
typedef struct texts {
  svf_context *context;
  svf_row *rows;
  float *logits, **gains;
  size_t sequences, experts, length;
} texts;

static int32_t token_at(const svf_model *model, size_t sequence, size_t i)
{
  return (int32_t)((sequence * 7919 + i * 104729 + 1) % model->config.vocab);
}

static void fill_texts(const svf_model *model, texts *t, size_t length)
{
  enum { ROWS = 512 };
  for (size_t s = 0; s < t->sequences; ++s) {
    must(svf_context_begin(t->context, s, t->experts ? t->gains[s % t->experts] : NULL, NULL, 0,
                           NULL));
    for (size_t i = 0, n; i < length; i += n) {
      n = length - i < ROWS ? length - i : ROWS;
      for (size_t k = 0; k < n; ++k) t->rows[k] = (svf_row){s, token_at(model, s, i + k), false};
      must(svf_context_forward(t->context, t->rows, n, NULL));
    }
  }
}

static texts open_texts(const svf_model *model, size_t sequences, size_t experts, size_t length,
                        size_t more, size_t threads)
{
  enum { ROWS = 512 };
  texts t = {.sequences = sequences, .experts = experts, .length = length};
  const size_t block = SVF_KV_BLOCK, each = (length + more + block - 1) / block * block;
  const svf_context_options o = {.size = sizeof o,
                                 .sequences = sequences,
                                 .tokens = sequences * each,
                                 .rows = ROWS,
                                 .threads = threads};
  must(svf_context_create(model, &o, &t.context));
  t.rows = need(calloc(ROWS, sizeof *t.rows));
  t.logits = need(calloc(sequences * model->config.vocab, sizeof *t.logits));
  t.gains = need(calloc(experts + 1, sizeof *t.gains));
  for (size_t e = 0; e < experts; ++e) t.gains[e] = synthetic_gains(model, (unsigned)e);
  fill_texts(model, &t, length);
  return t;
}

static void close_texts(texts *t)
{
  svf_context_destroy(t->context);
  for (size_t e = 0; e < t->experts; ++e) free(t->gains[e]);
  free(t->gains);
  free(t->rows);
  free(t->logits);
}

/* A token of each text; returns seconds. */
static double decode(const svf_model *model, texts *t)
{
  for (size_t s = 0; s < t->sequences; ++s) {
    t->rows[s] = (svf_row){s, token_at(model, s, svf_context_length(t->context, s)), true};
  }
  const double start = clock_now();
  must(svf_context_forward(t->context, t->rows, t->sequences, t->logits));
  return clock_now() - start;
}

/* --- Linear layers alone ---------------------------------------------------------------------- */

typedef struct bare {
  float *x, *y;
  const float **gains;
  void *workspace;
  size_t bytes;
} bare;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static bare open_bare(const svf_model *model, size_t rows, size_t threads)
{
  bare b = {0};
  size_t widest = 0;
  for (size_t i = 0; i < model->linear_count; ++i) {
    const svf_model_linear *l = &model->linears[i];
    const svf_matmul_args args = {.size = sizeof args, .linear = l->block, .rows = rows};
    size_t bytes;
    must(svf_matmul_workspace(&args, threads, &bytes));
    b.bytes = larger(b.bytes, bytes);
    widest = larger(widest, larger(l->m, l->n));
  }
  b.workspace = need(aligned_alloc(64, (b.bytes + 63) / 64 * 64));
  b.x = need(calloc(rows * widest, sizeof *b.x));
  b.y = need(calloc(rows * widest, sizeof *b.y));
  b.gains = need(calloc(rows, sizeof *b.gains));
  for (size_t i = 0; i < rows * widest; ++i) b.x[i] = (float)(i % 17) / 8 - 1;
  return b;
}

static void close_bare(bare *b)
{
  free(b->workspace);
  free(b->x);
  free(b->y);
  free((void *)b->gains);
}

/* Every linear layer once; the head on `head_rows`. */
static double run_bare(const svf_model *model, bare *b, const texts *t, size_t rows,
                       size_t head_rows, size_t threads)
{
  const double start = clock_now();
  for (size_t i = 0; i < model->linear_count; ++i) {
    const svf_model_linear *l = &model->linears[i];
    const size_t n = i + 1 < model->linear_count ? rows : head_rows;
    for (size_t k = 0; k < n && l->r > 0; ++k) {
      const float *gains = t->experts ? t->gains[k % t->sequences % t->experts] : NULL;
      b->gains[k] = gains ? gains + l->gains : NULL;
    }
    const svf_matmul_args args = {.size = sizeof args,
                                  .linear = l->block,
                                  .rows = n,
                                  .x = b->x,
                                  .x_stride = (ptrdiff_t)l->n,
                                  .gains = l->r > 0 ? b->gains : NULL,
                                  .y = b->y,
                                  .y_stride = (ptrdiff_t)l->m};
    if (n > 0) must(svf_matmul(&args, threads, b->workspace, b->bytes));
  }
  return clock_now() - start;
}

/* --- Measurements ----------------------------------------------------------------------------- */

measurement measure_decode(const svf_model *model, size_t sequences, size_t experts, size_t context,
                           size_t threads, size_t repeats)
{
  double pass[REPEATS_MAX], alone[REPEATS_MAX], ratio[REPEATS_MAX];
  measurement m = {0};
  texts many = open_texts(model, sequences, experts, context, repeats + 1, threads), one = {0};
  bare b = open_bare(model, sequences, threads);
  if (experts > 1) one = open_texts(model, sequences, 1, context, repeats + 1, threads);
  (void)decode(model, &many);
  if (experts > 1) (void)decode(model, &one);
  for (size_t i = 0; i < repeats; ++i) {
    pass[i] = decode(model, &many);
    ratio[i] = experts > 1 ? pass[i] / decode(model, &one) : 0;
    alone[i] = run_bare(model, &b, &many, sequences, sequences, threads);
  }
  m.many_to_one = median(ratio, repeats);
  m.pass = median(pass, repeats);
  m.bare = median(alone, repeats);
  close_texts(&many);
  if (experts > 1) close_texts(&one);
  close_bare(&b);
  return m;
}

measurement measure_prefill(const svf_model *model, size_t experts, size_t tokens, size_t threads,
                            size_t repeats)
{
  double pass[REPEATS_MAX], alone[REPEATS_MAX];
  texts t = open_texts(model, 1, experts, 1, tokens, threads);
  bare b = open_bare(model, tokens, threads);
  for (size_t i = 0; i < repeats; ++i) {
    must(svf_context_begin(t.context, 0, experts ? t.gains[0] : NULL, NULL, 0, NULL));
    for (size_t k = 0; k < tokens; ++k) {
      t.rows[k] = (svf_row){0, token_at(model, 0, k), k + 1 == tokens};
    }
    const double start = clock_now();
    must(svf_context_forward(t.context, t.rows, tokens, t.logits));
    pass[i] = clock_now() - start;
    alone[i] = run_bare(model, &b, &t, tokens, 1, threads);
  }
  close_texts(&t);
  close_bare(&b);
  return (measurement){.pass = median(pass, repeats), .bare = median(alone, repeats)};
}

/* --- Texts of a common prefix ----------------------------------------------------------------- */

typedef struct prompts {
  svf_request *requests;
  int32_t *tokens;
} prompts;

static prompts open_prompts(const svf_model *model, const prefix_shape *shape, const float *gains,
                            bool apart)
{
  const size_t length = shape->prefix + shape->own;
  prompts p = {.requests = need(calloc(shape->texts, sizeof *p.requests)),
               .tokens = need(calloc(shape->texts * length, sizeof *p.tokens))};
  for (size_t t = 0; t < shape->texts; ++t) {
    int32_t *tokens = p.tokens + t * length;
    for (size_t i = 0; i < length; ++i) {
      tokens[i] = token_at(model, apart || i >= shape->prefix ? t + 1 : 0, i);
    }
    p.requests[t] = (svf_request){.size = sizeof *p.requests,
                                  .prompt = tokens,
                                  .prompt_count = length,
                                  .gains = gains,
                                  .max_tokens = shape->more,
                                  .ignore_end = true};
  }
  return p;
}

static void close_prompts(prompts *p)
{
  free(p->requests);
  free(p->tokens);
}

static double generate(svf_context *context, const prompts *p, size_t count)
{
  for (size_t s = 0; s < count; ++s) svf_context_end(context, s);
  const double start = clock_now();
  must(svf_generate(context, p->requests, count));
  return clock_now() - start;
}

prefix_measurement measure_prefix(const svf_model *model, const prefix_shape *shape, size_t experts,
                                  size_t threads, size_t repeats)
{
  double shared[REPEATS_MAX], apart[REPEATS_MAX];
  texts t = open_texts(model, shape->texts, experts, 0, shape->prefix + shape->own + shape->more,
                       threads);
  const float *gains = experts ? t.gains[0] : NULL;
  prompts same = open_prompts(model, shape, gains, false);
  prompts different = open_prompts(model, shape, gains, true);
  (void)generate(t.context, &different, shape->texts);
  for (size_t i = 0; i < repeats; ++i) {
    shared[i] = generate(t.context, &same, shape->texts);
    apart[i] = generate(t.context, &different, shape->texts);
  }
  close_prompts(&same);
  close_prompts(&different);
  close_texts(&t);
  return (prefix_measurement){median(shared, repeats), median(apart, repeats)};
}
