/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/steps.h"

#include <string.h>

#include "src/tokenizer/byte_level.h"
#include "src/tokenizer/utf8.h"

/* One step at work on one piece. */
typedef struct step_work {
  const svf_tok_step *step;
  svf_tok_matcher *matcher;
  const char *text;    /* of the piece */
  size_t bytes;        /* of the piece */
  bool first;          /* as in svf_tok_piece */
  size_t begin;        /* of the piece, in the whole text */
  svf_tok_pieces *out; /* gets rewritten text and new pieces */
} step_work;

static svf_status rewrite_prefix(const step_work *w)
{
  const svf_tok_step *step = w->step;
  const bool there =
      w->bytes >= step->content_bytes && memcmp(w->text, step->content, step->content_bytes) == 0;
  svf_status status = SVF_OK;
  if (!(step->unless_there && there) && !(step->first_only && !w->first)) {
    status = svf_tok_bytes_append(&w->out->text, step->content, step->content_bytes);
  }
  return status == SVF_OK ? svf_tok_bytes_append(&w->out->text, w->text, w->bytes) : status;
}

static svf_status rewrite_replace(const step_work *w)
{
  svf_tok_search search;
  svf_status status =
      svf_tok_search_begin(&search, w->step->pattern, w->matcher, w->text, w->bytes);
  for (size_t at = 0; at < w->bytes && status == SVF_OK;) {
    size_t begin;
    size_t end;
    status = svf_tok_search_next(&search, &begin, &end);
    if (status == SVF_OK) {
      status = svf_tok_bytes_append(&w->out->text, w->text + at, begin - at);
    }
    if (status == SVF_OK && begin < w->bytes) {
      status = svf_tok_bytes_append(&w->out->text, w->step->content, w->step->content_bytes);
    }
    at = end;
  }
  return status;
}

static svf_status rewrite_bytes(const step_work *w)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < w->bytes && status == SVF_OK; ++i) {
    char c[4];
    const size_t length = svf_tok_utf8_put(svf_tok_byte_to_char((unsigned char)w->text[i]), c);
    status = svf_tok_bytes_append(&w->out->text, c, length);
  }
  return status;
}

static svf_status rewrite(const step_work *w)
{
  switch (w->step->kind) {
    case SVF_TOK_NFC: return svf_tok_nfc(w->text, w->bytes, &w->out->text);
    case SVF_TOK_PREFIX: return rewrite_prefix(w);
    case SVF_TOK_REPLACE: return rewrite_replace(w);
    default: return rewrite_bytes(w);
  }
}

/* The stretches of a piece, which are matches and what is between them, come in order and are
 * joined to new pieces. This is the new piece that the next stretch may still join. */
typedef struct open_piece {
  size_t from;
  bool match; /* its last stretch is a match */
} open_piece;

static svf_status add_piece(const step_work *w, size_t from, size_t to)
{
  return svf_tok_pieces_add(w->out, w->begin + from, to - from, w->first && from == 0);
}

/* True if the open piece ends before the next stretch, which is a match or not. */
static bool ends_before(const svf_tok_step *step, const open_piece *open, bool match)
{
  switch (step->behavior) {
    case SVF_TOK_MERGED_WITH_PREVIOUS: return !match || open->match;
    case SVF_TOK_MERGED_WITH_NEXT: return match || !open->match;
    case SVF_TOK_CONTIGUOUS: return match != open->match;
    default: return true;
  }
}

static svf_status add_stretch(const step_work *w, open_piece *open, size_t begin, size_t end,
                              bool match)
{
  svf_status status = SVF_OK;
  const bool is_match = match != w->step->invert;
  if (begin == end) return SVF_OK;
  if (begin > 0 && ends_before(w->step, open, is_match)) {
    status = add_piece(w, open->from, begin);
    open->from = begin;
  }
  open->match = is_match;
  if (is_match && w->step->behavior == SVF_TOK_REMOVED) open->from = end;
  return status;
}

static svf_status split_piece(const step_work *w)
{
  open_piece open = {0, false};
  svf_tok_search search;
  svf_status status =
      svf_tok_search_begin(&search, w->step->pattern, w->matcher, w->text, w->bytes);
  for (size_t at = 0; at < w->bytes && status == SVF_OK;) {
    size_t begin;
    size_t end;
    status = svf_tok_search_next(&search, &begin, &end);
    if (status == SVF_OK) status = add_stretch(w, &open, at, begin, false);
    if (status == SVF_OK) status = add_stretch(w, &open, begin, end, true);
    at = end;
  }
  return status == SVF_OK ? add_piece(w, open.from, w->bytes) : status;
}

/* Runs one step on all pieces of `in`. */
static svf_status run_step(const svf_tok_step *step, svf_tok_matcher *matcher,
                           const svf_tok_pieces *in, svf_tok_pieces *out)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < in->count && status == SVF_OK; ++i) {
    const svf_tok_piece *piece = &in->list[i];
    const step_work w = {
        step, matcher, in->text.data + piece->begin, piece->bytes, piece->first, piece->begin, out};
    if (step->kind == SVF_TOK_SPLIT) {
      status = split_piece(&w);
    } else {
      const size_t begin = out->text.count;
      status = rewrite(&w);
      if (status == SVF_OK) {
        status = svf_tok_pieces_add(out, begin, out->text.count - begin, piece->first);
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
    if (splits) swap_texts(pieces, spare); /* the new pieces are of the old text */
    const svf_tok_pieces done = *spare;
    *spare = *pieces;
    *pieces = done;
  }
  return status;
}
