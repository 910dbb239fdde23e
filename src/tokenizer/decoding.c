/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/decoding.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/io/text.h"
#include "src/tokenizer/byte_level.h"
#include "src/tokenizer/json.h"
#include "src/tokenizer/utf8.h"

/* Decoders that work on tokens must come before those that work on the whole text. */
static svf_status misplaced(const char *type)
{
  return svf_fail(SVF_ERR_UNSUPPORTED, "the decoder %s in this place is not supported", type);
}

static svf_status read_replace(svf_tok_decoding *decoding, const json_t *node)
{
  if (decoding->kind != SVF_TOK_CHAIN || decoding->byte_fallback || decoding->fused) {
    return misplaced("Replace");
  }
  return svf_tok_replace_read(&decoding->replacements, node, "decoder Replace");
}

static svf_status read_strip(svf_tok_decoding *decoding, const json_t *node)
{
  const char *content;
  const json_int_t start = json_integer_value(json_object_get(node, "start"));
  const json_int_t stop = json_integer_value(json_object_get(node, "stop"));
  const svf_status status = svf_tok_string(node, "decoder Strip", "content", &content);
  if (status != SVF_OK) return status;
  if (!decoding->fused || decoding->strip_count > 0) return misplaced("Strip");
  if (!content[0] || strlen(content) != svf_tok_utf8_length(content)) {
    return svf_fail(SVF_ERR_FILE, "decoder Strip: '%s' is not one character",
                    svf_text_show(content).text);
  }
  if (start < 0 || start > INT32_MAX || stop != 0) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "decoder Strip from %lld to %lld is not supported",
                    (long long)start, (long long)stop);
  }
  memcpy(decoding->strip, content, strlen(content) + 1);
  decoding->strip_count = (uint32_t)start;
  return SVF_OK;
}

static svf_status read_metaspace(svf_tok_decoding *decoding, const json_t *node)
{
  const char *mark;
  bool first_only;
  svf_status status = svf_tok_string(node, "decoder Metaspace", "replacement", &mark);
  if (status == SVF_OK) status = svf_tok_scheme_read(node, &decoding->drop_first, &first_only);
  if (status != SVF_OK) return status;
  if (!mark[0] || strlen(mark) != svf_tok_utf8_length(mark)) {
    return svf_fail(SVF_ERR_FILE, "decoder Metaspace: '%s' is not one character",
                    svf_text_show(mark).text);
  }
  decoding->mark_bytes = strlen(mark);
  decoding->mark = malloc(decoding->mark_bytes + 1);
  if (!decoding->mark) return svf_fail(SVF_ERR_MEMORY, "no memory for a decoder");
  memcpy(decoding->mark, mark, decoding->mark_bytes + 1);
  return SVF_OK;
}

/* Sets a decoder that must be the only one; false if there was one before. */
static bool set_kind(svf_tok_decoding *decoding, svf_tok_decoding_kind kind)
{
  if (decoding->known) return false;
  decoding->kind = kind;
  decoding->known = true;
  return true;
}

static svf_status read_decoder(const json_t *node, const char *type, void *context)
{
  svf_tok_decoding *decoding = context;
  if (strcmp(type, "ByteLevel") == 0) {
    return set_kind(decoding, SVF_TOK_BYTE_LEVEL) ? SVF_OK : misplaced(type);
  }
  if (strcmp(type, "Metaspace") == 0) {
    return set_kind(decoding, SVF_TOK_METASPACE) ? read_metaspace(decoding, node) : misplaced(type);
  }
  if (!decoding->known) set_kind(decoding, SVF_TOK_CHAIN);
  if (strcmp(type, "Replace") == 0) return read_replace(decoding, node);
  if (strcmp(type, "Strip") == 0) return read_strip(decoding, node);
  bool *once = strcmp(type, "ByteFallback") == 0 ? &decoding->byte_fallback
               : strcmp(type, "Fuse") == 0       ? &decoding->fused
                                                 : NULL;
  if (!once) return svf_tok_unknown_type("a decoder", type);
  if (*once || decoding->fused || decoding->kind != SVF_TOK_CHAIN) return misplaced(type);
  *once = true;
  return SVF_OK;
}

static int hexadecimal(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of a token such as <0xE2>, or -1 for another token. */
static int byte_token(const char *text, size_t bytes)
{
  if (bytes != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
  const int high = hexadecimal(text[3]);
  const int low = hexadecimal(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Appends the bytes that a token of the byte-level alphabet stands for, or any other token
 * itself. */
static svf_status form_bytes(svf_tok_bytes *texts, const char *text, size_t bytes)
{
  const size_t begin = texts->count;
  for (size_t at = 0; at < bytes; at += svf_tok_utf8_length(text + at)) {
    const int byte = svf_tok_char_to_byte(svf_tok_utf8_at(text + at));
    if (byte < 0) {
      texts->count = begin;
      return svf_tok_bytes_append(texts, text, bytes);
    }
    const char c = (char)byte;
    const svf_status status = svf_tok_bytes_append(texts, &c, 1);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

typedef struct scratch {
  svf_tok_matcher matcher;
  svf_tok_pieces pieces, spare;
} scratch;

/* Appends a token as the replacements leave it. */
static svf_status form_chain(svf_tok_decoding *decoding, scratch *s, const char *text, size_t bytes,
                             svf_tok_form *form)
{
  s->pieces.count = s->pieces.text.count = 0;
  svf_status status = svf_tok_bytes_append(&s->pieces.text, text, bytes);
  if (status == SVF_OK) status = svf_tok_pieces_add(&s->pieces, 0, bytes, true);
  if (status == SVF_OK) {
    status = svf_tok_steps_run(&decoding->replacements, &s->matcher, &s->pieces, &s->spare);
  }
  if (status != SVF_OK || s->pieces.count == 0) return status;
  const char *made = s->pieces.text.data;
  const int byte = decoding->byte_fallback ? byte_token(made, s->pieces.text.count) : -1;
  form->byte = byte >= 0;
  const char c = (char)byte;
  return byte >= 0 ? svf_tok_bytes_append(&decoding->texts, &c, 1)
                   : svf_tok_bytes_append(&decoding->texts, made, s->pieces.text.count);
}

static svf_status form_all(svf_tok_decoding *decoding, const svf_tok_vocabulary *vocabulary,
                           scratch *s)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < vocabulary->count && status == SVF_OK; ++i) {
    const svf_tok_token *token = &vocabulary->tokens[i];
    const char *text = svf_tok_text(vocabulary, token);
    svf_tok_form *form = &decoding->forms[i];
    form->begin = (uint32_t)decoding->texts.count;
    if (decoding->kind == SVF_TOK_BYTE_LEVEL) {
      status = form_bytes(&decoding->texts, text, token->bytes);
    } else if (decoding->kind == SVF_TOK_CHAIN) {
      status = form_chain(decoding, s, text, token->bytes, form);
    } else {
      status = svf_tok_bytes_append(&decoding->texts, text, token->bytes);
    }
    form->bytes = (uint32_t)decoding->texts.count - form->begin;
  }
  return status;
}

svf_status svf_tok_decoding_read(svf_tok_decoding *decoding, const json_t *node,
                                 const svf_tok_vocabulary *vocabulary)
{
  svf_status status = svf_tok_each(node, "the decoder", "decoders", read_decoder, decoding);
  if (status != SVF_OK) return status;
  /* The replacements of real files make a token shorter. */
  const size_t limit = 4 * vocabulary->text_bytes + SVF_TOK_MAX_CONTENT;
  scratch s = {.matcher.work = svf_tok_matcher_work(vocabulary->text_bytes),
               .pieces.text.limit = limit,
               .spare.text.limit = limit};
  decoding->texts.limit = svf_size_min(limit, SVF_TOK_MAX_BYTES);
  decoding->forms = calloc(vocabulary->count + 1, sizeof *decoding->forms);
  if (!decoding->forms) return svf_fail(SVF_ERR_MEMORY, "no memory to decode");
  status = svf_tok_bytes_append(&decoding->texts, "", 1); /* never NULL */
  if (status == SVF_OK) status = form_all(decoding, vocabulary, &s);
  svf_tok_pieces_free(&s.pieces);
  svf_tok_pieces_free(&s.spare);
  svf_tok_matcher_free(&s.matcher);
  return status;
}

void svf_tok_decoding_free(svf_tok_decoding *decoding)
{
  svf_tok_steps_free(&decoding->replacements);
  free(decoding->mark);
  free(decoding->forms);
  free(decoding->texts.data);
  *decoding = (svf_tok_decoding){0};
}
