/* SPDX-License-Identifier: Apache-2.0
 *
 * Contexts: their memory, their sequences, and the checks before a pass. */
#include "src/transformer/context.h"

#include <stdlib.h>
#include <string.h>

#include <svf/cpu.h>
#include <svf/matmul.h>

#include "src/core/digest.h"
#include "src/core/dispatch.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/transformer/pass.h"

enum { USUAL_ROWS = 512, USUAL_TOKENS = 4096 };

/* --- Creation --------------------------------------------------------------------------------- */

static svf_status read_options(const svf_context_options *options, svf_context_options *o)
{
  enum { FIRST = SVF_SIZE_TO(svf_context_options, stop_context) };
  const svf_status status = svf_struct_read_options("options", options, FIRST, o, sizeof *o);
  if (status != SVF_OK) return status;
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
  const svf_state_sizes sizes = {.rows = svf_size_min(o->rows ? o->rows : USUAL_ROWS, tokens),
                                 .threads = o->threads ? o->threads : svf_max_threads(),
                                 .slots = 1};
  svf_status status = svf_kv_create(&c->kv, f->layers, f->kv_heads, f->head_dim, f->max_positions,
                                    sequences, tokens);
  if (status != SVF_OK) return status;
  c->gains = calloc(sequences, sizeof *c->gains);
  c->more = calloc(sequences, sizeof *c->more);
  if (!c->gains || !c->more) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for %zu sequences", sequences);
  }
  return svf_state_create(&c->state, c->model, &c->kv, &sizes, svf_isa_settle(o->isa));
}

svf_status svf_context_create(const svf_model *model, const svf_context_options *options,
                              svf_context **context)
{
  svf_context_options o;
  if (!model || !context) return svf_fail(SVF_ERR_NULL, "%s is NULL", model ? "context" : "model");
  *context = NULL;
  svf_status status = read_options(options, &o);
  if (status == SVF_OK) status = svf_model_check_blocks(model);
  if (status != SVF_OK) return status;
  svf_context *c = calloc(1, sizeof *c);
  if (!c) return svf_fail(SVF_ERR_MEMORY, "no memory for a context");
  c->model = model;
  c->stop = o.stop;
  c->stop_context = o.stop_context;
  status = create(c, &o);
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
  svf_state_free(&c->state);
  svf_kv_free(&c->kv);
  free((void *)c->gains);
  free(c->more);
  free(c);
}

/* --- Sequences -------------------------------------------------------------------------------- */

static svf_status check_sequence(const svf_context *c, const char *name, size_t sequence)
{
  if (!c) return svf_fail(SVF_ERR_NULL, "context is NULL");
  if (sequence < c->kv.sequences) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "%s is %zu, the context has %zu", name, sequence,
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

size_t svf_context_capacity(const svf_context *c) { return c->kv.limit; }

void svf_context_start(svf_context *c, size_t sequence, const float *gains, uint64_t hash,
                       size_t kept)
{
  svf_kv_truncate(&c->kv, sequence, kept);
  c->kv.sequence[sequence].hash = hash;
  c->gains[sequence] = gains;
}

svf_status svf_context_begin(svf_context *context, size_t sequence, const float *gains,
                             const int32_t *prompt, size_t count, size_t *kept)
{
  svf_status status = check_sequence(context, "sequence", sequence);
  if (status == SVF_OK) status = svf_context_check_gains(context, gains);
  if (status != SVF_OK) return status;
  if (count > 0 && !prompt) return svf_fail(SVF_ERR_NULL, "prompt is NULL");
  const uint64_t hash = svf_context_hash(context, gains);
  size_t same = svf_kv_matching(&context->kv, sequence, hash, prompt, count);
  if (same == count && same > 0) --same; /* the last token's logits are still to be computed */
  svf_context_start(context, sequence, gains, hash, same);
  if (kept) *kept = same;
  return SVF_OK;
}

svf_status svf_context_resume(svf_context *context, size_t sequence, const float *gains)
{
  svf_status status = check_sequence(context, "sequence", sequence);
  if (status == SVF_OK) status = svf_context_check_gains(context, gains);
  if (status != SVF_OK) return status;
  const svf_kv_sequence *s = &context->kv.sequence[sequence];
  const uint64_t hash = svf_context_hash(context, gains);
  if (s->length > 0 && hash != s->hash) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "the cache of sequence %zu was filled with gains %016llx, not with %016llx",
                    sequence, (unsigned long long)s->hash, (unsigned long long)hash);
  }
  svf_context_start(context, sequence, gains, hash, s->length);
  return SVF_OK;
}

svf_status svf_context_fork(svf_context *context, size_t from, size_t to, size_t length)
{
  svf_status status = check_sequence(context, "from", from);
  if (status == SVF_OK) status = check_sequence(context, "to", to);
  if (status != SVF_OK) return status;
  if (from == to) return svf_fail(SVF_ERR_ARGUMENT, "from and to are both %zu", from);
  if (length > context->kv.sequence[from].length) {
    return svf_fail(SVF_ERR_ARGUMENT, "length is %zu, sequence %zu has %zu positions", length, from,
                    context->kv.sequence[from].length);
  }
  status = svf_kv_fork(&context->kv, from, to, length);
  if (status == SVF_OK) context->gains[to] = context->gains[from];
  return status;
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

static svf_status check_row(const svf_context *c, const svf_row *r, size_t i, const float *logits)
{
  if (r->sequence >= c->kv.sequences) {
    return svf_fail(SVF_ERR_ARGUMENT, "rows[%zu].sequence is %zu, the context has %zu", i,
                    r->sequence, c->kv.sequences);
  }
  if (!c->gains[r->sequence] && c->kv.sequence[r->sequence].hash != 0) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "rows[%zu].sequence is %zu, which was left without its gains by "
                    "svf_generate or svf_score: call svf_context_begin or svf_context_resume",
                    i, r->sequence);
  }
  if (r->token < 0 || (size_t)r->token >= c->model->config.vocab) {
    return svf_fail(SVF_ERR_ARGUMENT, "rows[%zu].token is %ld, the vocabulary has %zu", i,
                    (long)r->token, c->model->config.vocab);
  }
  if (r->wants_logits && !logits) {
    return svf_fail(SVF_ERR_NULL, "logits is NULL, but rows[%zu] wants them", i);
  }
  return SVF_OK;
}

/* Checks the rows, gives each its position and gains, and takes KV blocks for them. */
static svf_status place(svf_context *c, const svf_row *rows, size_t count, const float *logits)
{
  memset(c->more, 0, c->kv.sequences * sizeof *c->more);
  for (size_t i = 0; i < count; ++i) {
    const svf_row *r = &rows[i];
    const svf_status status = check_row(c, r, i, logits);
    if (status != SVF_OK) return status;
    c->state.position[i] = c->kv.sequence[r->sequence].length + c->more[r->sequence]++;
    c->state.gains[i] = c->gains[r->sequence];
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
  if (count > context->state.sizes.rows) {
    return svf_fail(SVF_ERR_ARGUMENT, "count is %zu, a pass of this context has at most %zu rows",
                    count, context->state.sizes.rows);
  }
  svf_status status = place(context, rows, count, logits);
  svf_pass pass = {
      .state = &context->state, .kv = &context->kv, .rows = rows, .count = count, .logits = logits};
  if (status == SVF_OK) status = svf_forward(&pass);
  for (size_t i = 0; status == SVF_OK && i < count; ++i) {
    svf_kv_sequence *s = &context->kv.sequence[rows[i].sequence];
    s->tokens[s->length++] = rows[i].token;
  }
  return status;
}
