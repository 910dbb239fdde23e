/* SPDX-License-Identifier: Apache-2.0
 *
 * A side, from whatever version's headers and bench/decode it is compiled with. */
#include "bench/compare/side.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/generate.h>
#include <svf/svf.h>

#include "bench/clock.h"
#include "bench/decode/synthetic.h"

#define OLD (SVF_VERSION_MAJOR == 0 && SVF_VERSION_MINOR < 2)

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "svf_compare: svf %s: %s\n", svf_version(), svf_last_message());
  exit(1);
}

static void *need(size_t bytes)
{
  void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (!p) must(SVF_ERR_MEMORY);
  memset(p, 0, bytes);
  return p;
}

static bool format_of(const char *name, svf_format *format)
{
#if OLD
  for (int f = 0; f < SVF_FORMAT_COUNT; ++f) {
    *format = (svf_format)f;
    if (strcmp(svf_format_name(*format), name) == 0) return true;
  }
  return false;
#else
  return svf_format_parse(name, format) == SVF_OK;
#endif
}

/* --- Layers ----------------------------------------------------------------------------------- */

static svf_linear_source source_of(const compare_layer *l, svf_format format)
{
  const bool w84 = format == SVF_FORMAT_W84;
  const bool grouped = w84 || format == SVF_FORMAT_W8 || format == SVF_FORMAT_W4;
  return (svf_linear_source)
  {
#if !OLD
    .size = sizeof(svf_linear_source),
#endif
    .m = l->m, .n = l->n, .r = l->r, .format = format, .u = l->u,
    .u_stride = l->r > 0 ? l->r : l->n, .vt = l->vt, .vt_stride = l->n, .sigma = l->sigma,
    .quant = {
      .group = grouped ? l->group : 0,
      .head = w84 ? l->r / 8 / 256 * 256 : 0
    }
  };
}

static size_t layer_bytes(const compare_layer *l)
{
  svf_format format;
  size_t bytes = 0;
  if (!format_of(l->format, &format)) return 0;
  const svf_linear_source s = source_of(l, format);
#if OLD
  must(svf_linear_bytes(s.m, s.n, s.r, s.format, &s.quant, &bytes));
#else
  must(svf_linear_bytes(&s, &bytes));
#endif
  return bytes;
}

static void layer_pack(const compare_layer *l, void *block, size_t bytes, size_t threads)
{
  svf_format format = SVF_FORMAT_F32;
  (void)format_of(l->format, &format);
  const svf_linear_source s = source_of(l, format);
#pragma omp parallel for num_threads((int)threads)
  for (size_t i = 0; i < threads; ++i) must(svf_linear_pack_part(&s, block, bytes, i, threads));
  must(svf_linear_seal(block, bytes));
}

/* --- Calls ------------------------------------------------------------------------------------ */

enum { CALLS_MAX = 4 };

typedef struct calls {
  svf_matmul_args args[CALLS_MAX];
  size_t count, threads;
  bool together;
  const compare_layer *layers;
  void *workspace;
  size_t bytes;
} calls;

static void *open_calls(const compare_layer *layers, size_t count, const compare_batch *b,
                        bool together)
{
  calls *c = need(sizeof *c);
  float *y = b->y;
  c->count = count;
  c->threads = b->threads;
  c->layers = layers;
#if OLD
  c->together = false;
  (void)together;
#else
  c->together = together;
#endif
  for (size_t i = 0; i < count; ++i) {
    c->args[i] = (svf_matmul_args){.size = sizeof *c->args,
                                   .rows = b->rows,
                                   .x = b->x,
                                   .x_stride = (ptrdiff_t)layers[i].n,
                                   .gains = layers[i].r > 0 ? b->gains : NULL,
                                   .y = y,
                                   .y_stride = (ptrdiff_t)layers[i].m};
    y += b->rows * layers[i].m;
  }
  return c;
}

static void *workspace_of(calls *c, size_t bytes)
{
  if (bytes > c->bytes || !c->workspace) {
    free(c->workspace);
    c->workspace = need(bytes);
    c->bytes = bytes;
  }
  return c->workspace;
}

static void run_calls(void *p, const void *const *blocks)
{
  calls *c = p;
  size_t bytes = 0;
  for (size_t i = 0; i < c->count; ++i) c->args[i].linear = blocks[i];
#if !OLD
  if (c->together) {
    if (!c->workspace) {
      must(svf_matmul_group_workspace(c->args, c->count, c->threads, &bytes));
      (void)workspace_of(c, bytes);
    }
    must(svf_matmul_group(c->args, c->count, c->threads, c->workspace, c->bytes));
    return;
  }
#endif
  if (!c->workspace) {
    for (size_t i = 0; i < c->count; ++i) {
      must(svf_matmul_workspace(&c->args[i], c->threads, &bytes));
      (void)workspace_of(c, bytes);
    }
  }
  for (size_t i = 0; i < c->count; ++i) {
    must(svf_matmul(&c->args[i], c->threads, c->workspace, c->bytes));
  }
}

static void end_calls(void *p)
{
  calls *c = p;
  free(c->workspace);
  free(c);
}

/* --- Models ----------------------------------------------------------------------------------- */

static void *open_model(const char *shape, const char *name, size_t group)
{
  svf_config config;
  svf_format format;
  if (!format_of(name, &format) || !synthetic_config(shape, &config)) return NULL;
  return synthetic_model(&config, FORM_MLP, format, group);
}

static void end_model(void *model) { svf_model_close(model); }

typedef struct texts {
  svf_model *model;
  svf_context *context;
  svf_row *rows;
  float *logits, **gains;
  size_t texts, length, read;
} texts;

static int32_t token_at(size_t text, size_t i)
{
  return (int32_t)(text * 7919 + i * 104729) % 32000;
}

static void *open_texts(void *model, size_t count, size_t length, size_t passes, size_t rows,
                        size_t threads)
{
  texts *t = need(sizeof *t);
  const size_t each = (length + passes + rows + SVF_KV_BLOCK) / SVF_KV_BLOCK * SVF_KV_BLOCK;
  const svf_context_options o = {.size = sizeof o,
                                 .sequences = count,
                                 .tokens = count * each,
                                 .rows = 512,
                                 .threads = threads};
  *t = (texts){.model = model, .texts = count, .length = length, .read = length > 0 ? 0 : rows};
  must(svf_context_create(model, &o, &t->context));
  t->rows = need(512 * sizeof *t->rows);
  t->logits = need(count * 49152 * sizeof *t->logits);
  t->gains = need(count * sizeof *t->gains);
  for (size_t s = 0; s < count; ++s) {
    t->gains[s] = synthetic_gains(model, (unsigned)s);
    must(svf_context_begin(t->context, s, t->gains[s], NULL, 0, NULL));
    for (size_t i = 0; i < length; ++i) t->rows[i] = (svf_row){s, token_at(s, i), 0};
    if (length > 0) must(svf_context_forward(t->context, t->rows, length, NULL));
  }
  return t;
}

static double seconds_of(texts *t, size_t rows)
{
  const double start = clock_now();
  must(svf_context_forward(t->context, t->rows, rows, t->logits));
  return clock_now() - start;
}

static double pass(void *p)
{
  texts *t = p;
  if (t->read == 0) {
    for (size_t s = 0; s < t->texts; ++s) t->rows[s] = (svf_row){s, token_at(s, t->length), 1};
    ++t->length;
    return seconds_of(t, t->texts);
  }
  must(svf_context_begin(t->context, 0, t->gains[0], NULL, 0, NULL));
  for (size_t i = 0; i < t->read; ++i) t->rows[i] = (svf_row){0, token_at(0, i), i + 1 == t->read};
  return seconds_of(t, t->read);
}

static void end_texts(void *p)
{
  texts *t = p;
  for (size_t s = 0; s < t->texts; ++s) free(t->gains[s]);
  svf_context_destroy(t->context);
  free(t->rows);
  free(t->logits);
  free(t->gains);
  free(t);
}

static double generate(void *model, size_t count, size_t prefix, size_t own, size_t tokens,
                       size_t sequences, size_t threads, unsigned long long *sum)
{
  const size_t each = (prefix + own + tokens + SVF_KV_BLOCK) / SVF_KV_BLOCK * SVF_KV_BLOCK;
  const svf_context_options o = {.size = sizeof o,
                                 .sequences = sequences,
                                 .tokens = sequences * each,
                                 .rows = 512,
                                 .threads = threads};
  svf_context *context;
  svf_request *requests = need(count * sizeof *requests);
  int32_t *prompts = need(count * (prefix + own) * sizeof *prompts);
  int32_t *out = need(count * tokens * sizeof *out);
  float *gains = synthetic_gains(model, 1);
  must(svf_context_create(model, &o, &context));
  for (size_t i = 0; i < count; ++i) {
    int32_t *prompt = prompts + i * (prefix + own);
    for (size_t k = 0; k < prefix + own; ++k) prompt[k] = token_at(k < prefix ? 0 : i + 1, k);
    requests[i] = (svf_request)
    {
#if !OLD
      .size = sizeof *requests,
#endif
      .prompt = prompt, .prompt_count = prefix + own, .gains = gains, .max_tokens = tokens,
      .ignore_end = 1, .tokens = out + i * tokens
    };
  }
  const double start = clock_now();
  must(svf_generate(context, requests, count));
  const double seconds = clock_now() - start;
  *sum = 0;
  for (size_t i = 0; i < count * tokens; ++i) *sum = *sum * 31 + (unsigned long long)out[i];
  svf_context_destroy(context);
  free(requests);
  free(prompts);
  free(out);
  free(gains);
  return seconds;
}

const compare_side *svf_compare_side(void)
{
  static const compare_side side = {.version = svf_version,
                                    .bytes = layer_bytes,
                                    .pack = layer_pack,
                                    .calls = open_calls,
                                    .run = run_calls,
                                    .end_calls = end_calls,
                                    .model = open_model,
                                    .end_model = end_model,
                                    .texts = open_texts,
                                    .pass = pass,
                                    .end_texts = end_texts,
                                    .generate = generate};
  return &side;
}
