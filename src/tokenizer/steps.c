/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/steps.h"

#include <string.h>

#include "src/tokenizer/byte_level.h"
#include "src/tokenizer/utf8.h"

typedef struct run {
  const svf_tok_step *step;
  svf_tok_matcher *matcher;
  const char *text; /* of the span */
  size_t bytes;
  bool first;
  size_t begin;        /* of the span in the text that it is split in */
  svf_tok_pieces *out; /* rewritten text is appended; spans are added */
} run;

static svf_status rewrite_prefix(const run *r)
{
  const svf_tok_step *step = r->step;
  const bool there =
      r->bytes >= step->content_bytes && memcmp(r->text, step->content, step->content_bytes) == 0;
  svf_status status = SVF_OK;
  if (!(step->unless_there && there) && !(step->first_only && !r->first)) {
    status = svf_tok_bytes_append(&r->out->text, step->content, step->content_bytes);
  }
  return status == SVF_OK ? svf_tok_bytes_append(&r->out->text, r->text, r->bytes) : status;
}

static svf_status rewrite_replace(const run *r)
{
  svf_status status = SVF_OK;
  for (size_t at = 0; at < r->bytes && status == SVF_OK;) {
    size_t begin;
    size_t end;
    status =
        svf_tok_pattern_find(r->step->pattern, r->matcher, r->text, r->bytes, at, &begin, &end);
    if (status == SVF_OK) {
      status = svf_tok_bytes_append(&r->out->text, r->text + at, begin - at);
    }
    if (status == SVF_OK && begin < r->bytes) {
      status = svf_tok_bytes_append(&r->out->text, r->step->content, r->step->content_bytes);
    }
    at = end;
  }
  return status;
}

static svf_status rewrite_bytes(const run *r)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < r->bytes && status == SVF_OK; ++i) {
    char c[4];
    const size_t length = svf_tok_utf8_put(svf_tok_byte_to_char((unsigned char)r->text[i]), c);
    status = svf_tok_bytes_append(&r->out->text, c, length);
  }
  return status;
}

static svf_status rewrite(const run *r)
{
  switch (r->step->kind) {
    case SVF_TOK_NFC: return svf_tok_nfc(r->text, r->bytes, &r->out->text);
    case SVF_TOK_PREFIX: return rewrite_prefix(r);
    case SVF_TOK_REPLACE: return rewrite_replace(r);
    default: return rewrite_bytes(r);
  }
}

/* Parts of a span come in order, matches and what is between them; `from` is the beginning of the
 * part that the next one may still join. */
typedef struct cut {
  size_t from;
  bool match; /* the part that ended last */
} cut;

static svf_status add_part(const run *r, size_t from, size_t to)
{
  return svf_tok_pieces_add(r->out, r->begin + from, to - from, r->first && from == 0);
}

/* The part [begin, end) comes: whether what was cut before it ends where it begins. */
static bool ends_before(const svf_tok_step *step, const cut *c, bool match)
{
  switch (step->behavior) {
    case SVF_TOK_MERGED_WITH_PREVIOUS: return !match || c->match;
    case SVF_TOK_MERGED_WITH_NEXT: return match || !c->match;
    case SVF_TOK_CONTIGUOUS: return match != c->match;
    default: return true;
  }
}

static svf_status part(const run *r, cut *c, size_t begin, size_t end, bool match)
{
  svf_status status = SVF_OK;
  const bool is_match = match != r->step->invert;
  if (begin == end) return SVF_OK;
  if (begin > 0 && ends_before(r->step, c, is_match)) {
    status = add_part(r, c->from, begin);
    c->from = begin;
  }
  c->match = is_match;
  if (is_match && r->step->behavior == SVF_TOK_REMOVED) c->from = end;
  return status;
}

static svf_status split(const run *r)
{
  cut c = {0, false};
  svf_status status = SVF_OK;
  for (size_t at = 0; at < r->bytes && status == SVF_OK;) {
    size_t begin;
    size_t end;
    status =
        svf_tok_pattern_find(r->step->pattern, r->matcher, r->text, r->bytes, at, &begin, &end);
    if (status == SVF_OK) status = part(r, &c, at, begin, false);
    if (status == SVF_OK) status = part(r, &c, begin, end, true);
    at = end;
  }
  return status == SVF_OK ? add_part(r, c.from, r->bytes) : status;
}

/* One step over all spans of `in`. */
static svf_status run_step(const svf_tok_step *step, svf_tok_matcher *matcher,
                           const svf_tok_pieces *in, svf_tok_pieces *out)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < in->count && status == SVF_OK; ++i) {
    const svf_tok_span *span = &in->spans[i];
    const run r = {step,        matcher, in->text.data + span->begin, span->bytes, span->first,
                   span->begin, out};
    if (step->kind == SVF_TOK_SPLIT) {
      status = split(&r);
    } else {
      const size_t begin = out->text.count;
      status = rewrite(&r);
      if (status == SVF_OK) {
        status = svf_tok_pieces_add(out, begin, out->text.count - begin, span->first);
      }
    }
  }
  return status;
}

static void swap_texts(svf_tok_pieces *a, svf_tok_pieces *b)
{
  const svf_tok_bytes text = a->text;
  a->text = b->text;
  b->text = text;
}

svf_status svf_tok_steps_run(const svf_tok_steps *steps, svf_tok_matcher *matcher,
                             svf_tok_pieces *pieces, svf_tok_pieces *spare)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < steps->count && status == SVF_OK; ++i) {
    const bool splits = steps->list[i].kind == SVF_TOK_SPLIT;
    spare->count = 0;
    spare->text.count = 0;
    status = run_step(&steps->list[i], matcher, pieces, spare);
    if (splits) swap_texts(pieces, spare); /* the new spans are of the old text */
    const svf_tok_pieces done = *spare;
    *spare = *pieces;
    *pieces = done;
  }
  return status;
}
