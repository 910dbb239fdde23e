/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to ids: added tokens are taken out of the text, what is between them is normalized, added
 * tokens are taken out of that too, and the rest is split into words, whose pairs are merged. */
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/tokenizer/tokenizer.h"
#include "src/tokenizer/utf8.h"

/* The memory of one call. */
typedef struct encoder {
  const svf_tokenizer *tokenizer;
  bool plain;          /* SVF_TOKENIZER_PLAIN */
  svf_tok_bytes clean; /* the text, if it was not well-formed */
  svf_tok_matcher matcher;
  svf_tok_pieces normal; /* one piece: a normalized text */
  svf_tok_pieces words;
  svf_tok_pieces spare;
  svf_tok_word word;
  svf_tok_ids ids;
} encoder;

static void free_encoder(encoder *e)
{
  free(e->clean.data);
  free(e->ids.data);
  svf_tok_matcher_free(&e->matcher);
  svf_tok_pieces_free(&e->normal);
  svf_tok_pieces_free(&e->words);
  svf_tok_pieces_free(&e->spare);
  svf_tok_word_free(&e->word);
}

/* Where the text stops being well-formed, or its end. */
static size_t well_formed(const char *text, size_t bytes)
{
  size_t at = 0;
  size_t length;
  while (at < bytes && svf_tok_utf8_next(text + at, bytes - at, &length) == SVF_TOK_CHARACTER) {
    at += length;
  }
  return at;
}

static svf_status repair(svf_tok_bytes *out, const char *text, size_t bytes)
{
  svf_status status = SVF_OK;
  for (size_t at = 0; at < bytes && status == SVF_OK;) {
    const size_t good = well_formed(text + at, bytes - at);
    status = svf_tok_bytes_append(out, text + at, good);
    at += good;
    if (at < bytes && status == SVF_OK) {
      size_t length;
      svf_tok_utf8_next(text + at, bytes - at, &length);
      status = svf_tok_bytes_append(out, SVF_TOK_REPLACEMENT, strlen(SVF_TOK_REPLACEMENT));
      at += length;
    }
  }
  return status;
}

/* Makes `pieces` one piece of text, and runs steps on it. */
static svf_status process(encoder *e, const svf_tok_steps *steps, svf_tok_pieces *pieces,
                          const char *text, size_t bytes, bool first)
{
  pieces->count = pieces->text.count = 0;
  svf_status status = svf_tok_bytes_append(&pieces->text, text, bytes);
  if (status == SVF_OK) status = svf_tok_pieces_add(pieces, 0, bytes, first);
  if (status == SVF_OK) status = svf_tok_steps_run(steps, &e->matcher, pieces, &e->spare);
  return status;
}

static svf_status encode_words(encoder *e, const char *text, size_t bytes, bool first)
{
  const svf_tokenizer *t = e->tokenizer;
  svf_status status = process(e, &t->pre_tokenizer, &e->words, text, bytes, first);
  for (size_t i = 0; i < e->words.count && status == SVF_OK; ++i) {
    const svf_tok_piece *piece = &e->words.list[i];
    status = svf_tok_bpe_encode(&t->bpe, &t->vocabulary, &e->word,
                                e->words.text.data + piece->begin, piece->bytes, &e->ids);
  }
  return status;
}

typedef svf_status encode_fn(encoder *e, const char *text, size_t bytes, bool first);

/* Encodes the tokens of a set in a text; what is between them is encoded by another function. */
static svf_status encode_around(encoder *e, const svf_tok_added_set *set, const char *text,
                                size_t bytes, bool first, encode_fn *between)
{
  svf_tok_hit hit = {0};
  svf_status status = SVF_OK;
  do {
    svf_tok_added_next(set, text, bytes, e->plain, &hit);
    if (hit.plain < hit.begin) {
      status = between(e, text + hit.plain, hit.begin - hit.plain, first && hit.plain == 0);
    }
    if (status == SVF_OK && hit.token) status = svf_tok_ids_append(&e->ids, hit.token->id);
  } while (status == SVF_OK && hit.token);
  return status;
}

static svf_status encode_verbatim(encoder *e, const char *text, size_t bytes, bool first)
{
  const svf_tokenizer *t = e->tokenizer;
  const svf_status status = process(e, &t->normalizer, &e->normal, text, bytes, first);
  if (status != SVF_OK || e->normal.count == 0) return status;
  return encode_around(e, &t->normalized, e->normal.text.data, e->normal.text.count, first,
                       encode_words);
}

static svf_status append_all(svf_tok_ids *ids, const svf_tok_ids *more, bool wanted)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; wanted && i < more->count && status == SVF_OK; ++i) {
    status = svf_tok_ids_append(ids, more->data[i]);
  }
  return status;
}

static svf_status encode(encoder *e, const char *text, size_t bytes, unsigned flags)
{
  const svf_tokenizer *t = e->tokenizer;
  const bool special = (flags & SVF_TOKENIZER_SPECIAL) != 0;
  svf_status status = append_all(&e->ids, &t->prefix, special);
  if (status == SVF_OK && well_formed(text, bytes) < bytes) {
    status = repair(&e->clean, text, bytes);
    text = e->clean.data;
    bytes = e->clean.count;
  }
  if (status == SVF_OK) status = encode_around(e, &t->verbatim, text, bytes, true, encode_verbatim);
  return status == SVF_OK ? append_all(&e->ids, &t->suffix, special) : status;
}

/* How long a text of `bytes` bytes may become on the way: spaces become marks of 3 bytes, bytes
 * become byte-level characters of 2, characters are decomposed, and each makes it at most a few
 * times longer. */
static size_t growth_limit(size_t bytes)
{
  return svf_size_min(32 * bytes + ((size_t)1 << 16), SVF_TOK_MAX_BYTES);
}

svf_status svf_tokenizer_encode(const svf_tokenizer *tokenizer, unsigned flags, const char *text,
                                size_t bytes, int32_t *ids, size_t capacity, size_t *count)
{
  const unsigned known = SVF_TOKENIZER_SPECIAL | SVF_TOKENIZER_PLAIN;
  const size_t limit = growth_limit(bytes);
  if (!tokenizer || !count || (!text && bytes > 0) || (!ids && capacity > 0)) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL",
                    !tokenizer       ? "tokenizer"
                    : !count         ? "count"
                    : !text && bytes ? "text"
                                     : "ids");
  }
  if (flags & ~known) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags, known);
  }
  if (bytes > SVF_TOKENIZER_MAX_TEXT) {
    return svf_fail(SVF_ERR_OVERFLOW, "the text has %zu bytes, the limit is %zu", bytes,
                    SVF_TOKENIZER_MAX_TEXT);
  }
  encoder e = {.tokenizer = tokenizer,
               .plain = (flags & SVF_TOKENIZER_PLAIN) != 0,
               .clean.limit = limit,
               .matcher.work = svf_tok_matcher_work(bytes),
               .normal.text.limit = limit,
               .words.text.limit = limit,
               .spare.text.limit = limit};
  svf_status status = encode(&e, text, bytes, flags);
  if (status == SVF_OK) {
    *count = e.ids.count;
    if (e.ids.count > capacity) {
      status = svf_fail(SVF_ERR_SPACE, "%zu ids, but capacity is %zu", e.ids.count, capacity);
    } else if (e.ids.count > 0) {
      memcpy(ids, e.ids.data, e.ids.count * sizeof *ids);
    }
  }
  free_encoder(&e);
  return status;
}
