/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids to text, one id at a time; a whole text is decoded in the same way. */
#include <string.h>

#include "src/core/status.h"
#include "src/tokenizer/tokenizer.h"
#include "src/tokenizer/utf8.h"

/* What an svf_decoder holds; it has twice this size, for later versions. */
typedef struct decoder_state {
  const svf_tokenizer *tokenizer;
  unsigned flags;
  uint32_t strip; /* characters that may still be stripped from the beginning of the text */
  unsigned char pending[4]; /* the first bytes of a character */
  unsigned char pending_bytes;
  bool started; /* a token has been decoded */
} decoder_state;

_Static_assert(2 * sizeof(decoder_state) <= sizeof(svf_decoder),
               "svf_decoder has space for twice this");

static decoder_state load(const svf_decoder *from)
{
  decoder_state d;
  memcpy(&d, from, sizeof d);
  return d;
}

static void store(const decoder_state *d, svf_decoder *to)
{
  *to = (svf_decoder){{0}};
  memcpy(to, d, sizeof *d);
}

/* The caller's memory; `bytes` also counts what it is too small for. */
typedef struct sink {
  char *text;
  size_t capacity, bytes;
} sink;

static void put(sink *out, const char *data, size_t bytes)
{
  if (bytes > 0 && bytes <= out->capacity && out->bytes <= out->capacity - bytes) {
    memcpy(out->text + out->bytes, data, bytes);
  }
  out->bytes += bytes;
}

/* Puts one whole character, unless it is one that is stripped from the beginning of the text. */
static void put_character(decoder_state *d, sink *out, const char *c, size_t bytes)
{
  const char *strip = d->tokenizer->decoding.strip;
  if (d->strip > 0) {
    if (strlen(strip) == bytes && memcmp(c, strip, bytes) == 0) {
      --d->strip;
      return;
    }
    d->strip = 0;
  }
  put(out, c, bytes);
}

static void put_replacement(decoder_state *d, sink *out)
{
  put_character(d, out, SVF_TOK_REPLACEMENT, strlen(SVF_TOK_REPLACEMENT));
}

/* Makes characters from bytes that come one by one. */
static void put_byte(decoder_state *d, sink *out, char byte)
{
  char pending[sizeof d->pending];
  size_t count = d->pending_bytes;
  memcpy(pending, d->pending, count);
  pending[count++] = byte;
  while (count > 0) {
    size_t length;
    const svf_tok_sequence sequence = svf_tok_utf8_next(pending, count, &length);
    if (sequence == SVF_TOK_BEGINNING) break;
    if (sequence == SVF_TOK_CHARACTER) {
      put_character(d, out, pending, length);
    } else {
      put_replacement(d, out);
    }
    count -= length;
    memmove(pending, pending + length, count);
  }
  memcpy(d->pending, pending, count);
  d->pending_bytes = (unsigned char)count;
}

/* A character that was begun will not be completed. */
static void end_bytes(decoder_state *d, sink *out)
{
  if (d->pending_bytes > 0) put_replacement(d, out);
  d->pending_bytes = 0;
}

static void put_text(decoder_state *d, sink *out, const char *text, size_t bytes)
{
  while (bytes > 0 && d->strip > 0) {
    const size_t length = svf_tok_utf8_length(text);
    put_character(d, out, text, length);
    text += length;
    bytes -= length;
  }
  put(out, text, bytes);
}

static void put_metaspace(decoder_state *d, sink *out, const char *text, size_t bytes)
{
  const svf_tok_decoding *decoding = &d->tokenizer->decoding;
  const bool drop = decoding->drop_first && !d->started;
  for (size_t at = 0; at < bytes;) {
    const size_t length = svf_tok_utf8_length(text + at);
    if (length != decoding->mark_bytes || memcmp(text + at, decoding->mark, length) != 0) {
      put(out, text + at, length);
    } else if (!drop) {
      put(out, " ", 1);
    }
    at += length;
  }
}

static void put_token(decoder_state *d, sink *out, const svf_tok_token *token)
{
  const svf_tokenizer *t = d->tokenizer;
  const svf_tok_form *form = &t->decoding.forms[token - t->vocabulary.tokens];
  const char *text = t->decoding.texts.data + form->begin;
  switch (t->decoding.kind) {
    case SVF_TOK_BYTE_LEVEL:
      for (size_t i = 0; i < form->bytes; ++i) put_byte(d, out, text[i]);
      break;
    case SVF_TOK_METASPACE: put_metaspace(d, out, text, form->bytes); break;
    case SVF_TOK_JOINED:
      if (d->started) put(out, " ", 1);
      put(out, text, form->bytes);
      break;
    case SVF_TOK_CHAIN:
      if (form->byte) {
        put_byte(d, out, text[0]);
      } else {
        end_bytes(d, out);
        put_text(d, out, text, form->bytes);
      }
      break;
  }
  d->started = true;
}

static void put_id(decoder_state *d, sink *out, int32_t id)
{
  const svf_tok_token *token = svf_tok_at(&d->tokenizer->vocabulary, id);
  if (!token || (token->special && d->flags & SVF_TOKENIZER_SKIP_SPECIAL)) return;
  put_token(d, out, token);
}

static svf_status report_bytes(const sink *out, size_t *bytes)
{
  *bytes = out->bytes;
  if (out->bytes <= out->capacity) return SVF_OK;
  return svf_fail(SVF_ERR_SPACE, "%zu bytes of text, but capacity is %zu", out->bytes,
                  out->capacity);
}

static svf_status check(bool given, const char *text, size_t capacity, const size_t *bytes)
{
  if (given && bytes && (text || capacity == 0)) return SVF_OK;
  return svf_fail(SVF_ERR_NULL, "%s is NULL", !given ? "decoder" : !bytes ? "bytes" : "text");
}

static svf_status begin(const svf_tokenizer *tokenizer, unsigned flags, decoder_state *d)
{
  const unsigned known = SVF_TOKENIZER_SKIP_SPECIAL;
  if (!tokenizer) return svf_fail(SVF_ERR_NULL, "tokenizer is NULL");
  if (flags & ~known) {
    return svf_fail(SVF_ERR_ARGUMENT, "flags is 0x%x, known are 0x%x", flags, known);
  }
  *d = (decoder_state){
      .tokenizer = tokenizer, .flags = flags, .strip = tokenizer->decoding.strip_count};
  return SVF_OK;
}

svf_status svf_decoder_init(svf_decoder *decoder, const svf_tokenizer *tokenizer, unsigned flags)
{
  decoder_state d;
  if (!decoder) return svf_fail(SVF_ERR_NULL, "decoder is NULL");
  const svf_status status = begin(tokenizer, flags, &d);
  if (status == SVF_OK) store(&d, decoder);
  return status;
}

svf_status svf_decoder_push(svf_decoder *decoder, int32_t id, char *text, size_t capacity,
                            size_t *bytes)
{
  svf_status status = check(decoder != NULL, text, capacity, bytes);
  if (status != SVF_OK) return status;
  sink out = {text, capacity, 0};
  decoder_state d = load(decoder);
  put_id(&d, &out, id);
  status = report_bytes(&out, bytes);
  if (status == SVF_OK) store(&d, decoder);
  return status;
}

svf_status svf_decoder_flush(svf_decoder *decoder, char *text, size_t capacity, size_t *bytes)
{
  svf_status status = check(decoder != NULL, text, capacity, bytes);
  if (status != SVF_OK) return status;
  sink out = {text, capacity, 0};
  decoder_state d = load(decoder);
  end_bytes(&d, &out);
  status = report_bytes(&out, bytes);
  if (status != SVF_OK) return status;
  return svf_decoder_init(decoder, d.tokenizer, d.flags);
}

svf_status svf_tokenizer_decode(const svf_tokenizer *tokenizer, unsigned flags, const int32_t *ids,
                                size_t count, char *text, size_t capacity, size_t *bytes)
{
  decoder_state d;
  svf_status status = check(true, text, capacity, bytes);
  if (status == SVF_OK && !ids && count > 0) status = svf_fail(SVF_ERR_NULL, "ids is NULL");
  if (status == SVF_OK) status = begin(tokenizer, flags, &d);
  if (status != SVF_OK) return status;
  sink out = {text, capacity, 0};
  for (size_t i = 0; i < count; ++i) put_id(&d, &out, ids[i]);
  end_bytes(&d, &out);
  return report_bytes(&out, bytes);
}
