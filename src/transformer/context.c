/* SPDX-License-Identifier: Apache-2.0
 *
 * Contexts: their memory, their sequences, and the checks before a pass. */
#include "src/transformer/context.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>

#include "src/core/digest.h"
#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/pages.h"
#include "src/transformer/rope.h"

enum { USUAL_ROWS = 512, USUAL_TOKENS = 4096 };

/* --- Memory ----------------------------------------------------------------------------------- */

/* `count` elements of `size` bytes on a cache line; NULL, too, where that overflows. */
static void *allocate(size_t count, size_t width, size_t size)
{
  size_t bytes;
  if (!svf_size_mul(count, width, &bytes) || !svf_size_mul(bytes, size, &bytes)) return NULL;
  return svf_pages_alloc(bytes);
}

static float *floats(size_t rows, size_t width) { return allocate(rows, width, sizeof(float)); }

/* How many layers from layer i on are carried out as one. */
static size_t together(const svf_model *m, size_t i)
{
  if (i == m->linear_count - 1) return 1;
  switch (i % SVF_LAYER_LINEARS) {
    case SVF_Q: return 3;
    case SVF_GATE: return 2;
    default: return 1;
  }
}

static svf_status size_workspace(svf_context *c)
{
  const svf_model *m = c->model;
  for (size_t i = 0, count; i < m->linear_count; i += count) {
    svf_matmul_args args[SVF_ABREAST];
    size_t bytes = 0;
    count = together(m, i);
    for (size_t j = 0; j < count; ++j) {
      args[j] = (svf_matmul_args){.size = sizeof args[j],
                                  .linear = m->linears[i + j].block,
                                  .rows = c->rows,
                                  .isa = c->isa};
    }
    const svf_status status = svf_matmul_group_workspace(args, count, c->threads, &bytes);
    if (status != SVF_OK) return status;
    c->workspace_bytes = svf_size_max(c->workspace_bytes, bytes);
  }
  return SVF_OK;
}

static svf_status allocate_all(svf_context *c)
{
  const svf_config *f = &c->model->config;
  const size_t rows = c->rows, half = f->head_dim / 2;
  const size_t q = f->heads * f->head_dim, kv = f->kv_heads * f->head_dim;
  const svf_status status = size_workspace(c);
  if (status != SVF_OK) return status;
  const bool all = (c->cos = floats(c->kv.limit, half)) && (c->sin = floats(c->kv.limit, half)) &&
                   (c->x = floats(rows, f->hidden)) && (c->h = floats(rows, f->hidden)) &&
                   (c->q = floats(rows, q)) && (c->attended = floats(rows, q)) &&
                   (c->k = floats(rows, kv)) && (c->v = floats(rows, kv)) &&
                   (c->gate = floats(rows, f->intermediate)) &&
                   (c->up = floats(rows, f->intermediate)) &&
                   (c->scratch = floats(c->threads, c->scratch_floats)) &&
                   (c->gains = allocate(c->threads * SVF_ABREAST, rows, sizeof *c->gains)) &&
                   (c->more = allocate(c->kv.sequences, 1, sizeof *c->more)) &&
                   (c->position = allocate(rows, 1, sizeof *c->position)) &&
                   (c->run = allocate(rows + 1, 1, sizeof *c->run)) &&
                   (c->workspace = allocate(c->workspace_bytes, 1, 1));
  return all ? SVF_OK : svf_fail(SVF_ERR_MEMORY, "no memory for a context of %zu rows", rows);
}

/* --- Creation --------------------------------------------------------------------------------- */

static svf_status check_options(const svf_context_options *o)
{
  if (o->size != sizeof *o) {
    return svf_fail(SVF_ERR_VERSION, "options->size is %zu, this library expects %zu", o->size,
                    sizeof *o);
  }
  if (!svf_isa_supported(o->isa)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "options->isa is %s, which cannot run here",
                    svf_isa_name(o->isa));
  }
  return SVF_OK;
}

static svf_status create(svf_context *c, const svf_context_options *o)
{
  const svf_config *f = &c->model->config;
  const size_t sequences = o->sequences ? o->sequences : 1;
  size_t tokens = o->tokens;
  if (tokens == 0 &&
      !svf_size_mul(sequences, svf_size_min(f->max_positions, USUAL_TOKENS), &tokens)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%zu sequences are too many", sequences);
  }
  c->threads = o->threads ? o->threads : svf_max_threads();
  c->rows = svf_size_min(o->rows ? o->rows : USUAL_ROWS, tokens);
  c->isa = o->isa == SVF_ISA_AUTO ? svf_isa_selected() : o->isa;
  c->attention.ops = svf_dispatch_ops();
  c->attention.group = f->heads / f->kv_heads;
  c->attention.scale = (float)(1 / sqrt((double)f->head_dim));
  svf_status status = svf_dispatch(c->isa, SVF_FORMAT_F32, 0, 1, &c->attention.kernel);
  if (status == SVF_OK) {
    status = svf_kv_create(&c->kv, f->layers, f->kv_heads, f->head_dim,
                           svf_size_min(f->max_positions, tokens), sequences, tokens);
  }
  if (status != SVF_OK) return status;
  c->scratch_floats = svf_attention_scratch(&c->attention, &c->kv, c->kv.limit);
  status = allocate_all(c);
  if (status == SVF_OK) svf_rope_tables(f, c->kv.limit, c->cos, c->sin);
  return status;
}

static svf_status check_model(const svf_model *model)
{
  for (size_t i = 0; i < model->linear_count; ++i) {
    if (model->linears[i].block) continue;
    return svf_fail(SVF_ERR_ARGUMENT, "the model was opened as an outline: '%s' is not packed",
                    model->linears[i].name);
  }
  return SVF_OK;
}

svf_status svf_context_create(const svf_model *model, const svf_context_options *options,
                              svf_context **context)
{
  const svf_context_options defaults = {.size = sizeof defaults};
  if (!model || !context) return svf_fail(SVF_ERR_NULL, "%s is NULL", model ? "context" : "model");
  *context = NULL;
  if (!options) options = &defaults;
  svf_status status = check_options(options);
  if (status == SVF_OK) status = check_model(model);
  if (status != SVF_OK) return status;
  svf_context *c = calloc(1, sizeof *c);
  if (!c) return svf_fail(SVF_ERR_MEMORY, "no memory for a context");
  c->model = model;
  c->stop = options->stop;
  c->stop_context = options->stop_context;
  status = create(c, options);
  if (status == SVF_OK) {
    *context = c;
  } else {
    svf_context_destroy(c);
  }
  return status;
}

void svf_context_destroy(svf_context *c)
{
  if (!c) return;
  void *const all[] = {c->cos,      c->sin,  c->x,  c->h,       c->q,    c->k,        c->v,
                       c->attended, c->gate, c->up, c->scratch, c->more, c->position, c->run};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) free(all[i]);
  free(c->workspace);
  free((void *)c->gains);
  svf_kv_free(&c->kv);
  free(c);
}

/* --- Sequences -------------------------------------------------------------------------------- */

static svf_status check_sequence(const svf_context *c, size_t sequence)
{
  if (!c) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (sequence < c->kv.sequences) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "sequence is %zu, the context has %zu", sequence,
                  c->kv.sequences);
}

uint64_t svf_context_hash(const svf_context *c, const float *gains)
{
  if (!gains) return 0;
  svf_digest d = svf_digest_begin();
  svf_digest_add(&d, gains, c->model->modules.gains * sizeof *gains);
  return svf_digest_end(&d);
}

svf_status svf_context_check_gains(const svf_context *c, const float *gains)
{
  if (!gains || c->model->modules.count > 0) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "gains are given, but no layer of the model is in factors");
}

svf_status svf_context_begin(svf_context *context, size_t sequence, const float *gains,
                             const int32_t *prompt, size_t count, size_t *kept)
{
  svf_status status = check_sequence(context, sequence);
  if (status == SVF_OK) status = svf_context_check_gains(context, gains);
  if (status != SVF_OK) return status;
  if (count > 0 && !prompt) return svf_fail(SVF_ERR_NULL, "prompt is NULL");
  svf_kv_sequence *s = &context->kv.sequence[sequence];
  const uint64_t hash = svf_context_hash(context, gains);
  size_t same = svf_kv_matching(&context->kv, sequence, hash, prompt, count);
  if (same == count && same > 0) --same; /* the last token's logits are still to be computed */
  svf_kv_truncate(&context->kv, sequence, same);
  s->gains = gains;
  s->hash = hash;
  if (kept) *kept = same;
  return SVF_OK;
}

svf_status svf_context_resume(svf_context *context, size_t sequence, const float *gains)
{
  svf_status status = check_sequence(context, sequence);
  if (status == SVF_OK) status = svf_context_check_gains(context, gains);
  if (status != SVF_OK) return status;
  svf_kv_sequence *s = &context->kv.sequence[sequence];
  const uint64_t hash = svf_context_hash(context, gains);
  if (s->length > 0 && hash != s->hash) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "the cache of sequence %zu was filled with gains %016llx, not with %016llx",
                    sequence, (unsigned long long)s->hash, (unsigned long long)hash);
  }
  s->gains = gains;
  s->hash = hash;
  return SVF_OK;
}

void svf_context_end(svf_context *context, size_t sequence)
{
  if (!context || sequence >= context->kv.sequences) return;
  svf_kv_truncate(&context->kv, sequence, 0);
}

size_t svf_context_length(const svf_context *context, size_t sequence)
{
  if (!context || sequence >= context->kv.sequences) return 0;
  return context->kv.sequence[sequence].length;
}

/* --- A pass ----------------------------------------------------------------------------------- */

/* Checks rows and gives each its position. */
static svf_status place(svf_context *c, const svf_row *rows, size_t count, const float *logits)
{
  memset(c->more, 0, c->kv.sequences * sizeof *c->more);
  for (size_t i = 0; i < count; ++i) {
    const svf_row *r = &rows[i];
    if (r->sequence >= c->kv.sequences) {
      return svf_fail(SVF_ERR_ARGUMENT, "rows[%zu].sequence is %zu, the context has %zu", i,
                      r->sequence, c->kv.sequences);
    }
    if (r->token < 0 || (size_t)r->token >= c->model->config.vocab) {
      return svf_fail(SVF_ERR_ARGUMENT, "rows[%zu].token is %ld, the vocabulary has %zu", i,
                      (long)r->token, c->model->config.vocab);
    }
    if (r->wants_logits && !logits) {
      return svf_fail(SVF_ERR_NULL, "logits is NULL, but rows[%zu] wants them", i);
    }
    c->position[i] = c->kv.sequence[r->sequence].length + c->more[r->sequence]++;
  }
  if ((uintptr_t)logits % sizeof *logits != 0) {
    return svf_fail(SVF_ERR_ALIGNMENT, "logits is at %p, not aligned to fp32",
                    (const void *)logits);
  }
  return svf_kv_grow(&c->kv, c->more);
}

svf_status svf_context_forward(svf_context *context, const svf_row *rows, size_t count,
                               float *logits)
{
  if (!context) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (count == 0) return SVF_OK;
  if (!rows) return svf_fail(SVF_ERR_NULL, "rows is NULL");
  if (count > context->rows) {
    return svf_fail(SVF_ERR_ARGUMENT, "count is %zu, a pass of this context has at most %zu rows",
                    count, context->rows);
  }
  svf_status status = place(context, rows, count, logits);
  if (status == SVF_OK) status = svf_forward(context, rows, count, logits);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    svf_kv_sequence *s = &context->kv.sequence[rows[i].sequence];
    s->tokens[s->length++] = rows[i].token;
  }
  return status;
}
