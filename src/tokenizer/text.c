/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include <svf/text.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

struct svf_text {
  svf_decoder decoder;
  char **stops;
  int32_t *stop_tokens; /* the special token that each stop string spells, or -1 */
  size_t stop_count;
  char *held; /* [bytes]; the last call handed out the first `given` of them */
  size_t given, bytes, capacity;
  bool stopped; /* a stop string is complete */
};

/* The special token of that text, or -1. */
static int32_t special_token(const svf_tokenizer *tokenizer, const char *text)
{
  const int32_t id = svf_tokenizer_id(tokenizer, text);
  return svf_tokenizer_is_special(tokenizer, id) ? id : -1;
}

/* Takes the next stop string. */
static svf_status add_stop(svf_text *t, const svf_tokenizer *tokenizer, const char *stop)
{
  if (!stop || !*stop) {
    return svf_fail(SVF_ERR_ARGUMENT, "stops[%zu] is empty", t->stop_count);
  }
  t->stops[t->stop_count] = strdup(stop);
  if (!t->stops[t->stop_count]) return svf_fail(SVF_ERR_MEMORY, "no memory for a text");
  t->stop_tokens[t->stop_count++] = special_token(tokenizer, stop);
  return SVF_OK;
}

svf_status svf_text_create(const svf_tokenizer *tokenizer, unsigned flags, const char *const *stops,
                           size_t count, svf_text **text)
{
  if (!text) return svf_fail(SVF_ERR_NULL, "text is NULL");
  *text = NULL;
  if (count > 0 && !stops) return svf_fail(SVF_ERR_NULL, "stops is NULL");
  svf_text *t = calloc(1, sizeof *t);
  if (!t) return svf_fail(SVF_ERR_MEMORY, "no memory for a text");
  svf_status status = svf_decoder_init(&t->decoder, tokenizer, flags);
  t->stops = calloc(count + 1, sizeof *t->stops);
  t->stop_tokens = calloc(count + 1, sizeof *t->stop_tokens);
  if (status == SVF_OK && (!t->stops || !t->stop_tokens)) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for a text");
  }
  for (size_t i = 0; status == SVF_OK && i < count; ++i) status = add_stop(t, tokenizer, stops[i]);
  if (status == SVF_OK) {
    *text = t;
  } else {
    svf_text_destroy(t);
  }
  return status;
}

void svf_text_destroy(svf_text *text)
{
  if (!text) return;
  for (size_t i = 0; text->stops && i < text->stop_count; ++i) free(text->stops[i]);
  free(text->stops);
  free(text->stop_tokens);
  free(text->held);
  free(text);
}

/* Removes from the buffer what was handed out. */
static void forget(svf_text *t)
{
  if (t->given > 0) memmove(t->held, t->held + t->given, t->bytes - t->given);
  t->bytes -= t->given;
  t->given = 0;
}

/* Appends what the decoder gives for a token; token < 0 is the end. */
static svf_status append(svf_text *t, int32_t token)
{
  for (;;) {
    size_t more = 0;
    char *end = t->held ? t->held + t->bytes : NULL;
    const size_t space = t->capacity - t->bytes;
    const svf_status status = token < 0 ? svf_decoder_flush(&t->decoder, end, space, &more)
                                        : svf_decoder_push(&t->decoder, token, end, space, &more);
    if (status == SVF_OK) t->bytes += more;
    if (status != SVF_ERR_SPACE) return status;
    size_t capacity;
    char *held = svf_size_add(t->bytes + more, t->capacity + 64, &capacity)
                     ? realloc(t->held, capacity)
                     : NULL;
    if (!held) return svf_fail(SVF_ERR_MEMORY, "no memory for a text of %zu bytes", t->bytes);
    t->held = held;
    t->capacity = capacity;
  }
}

/* True if a stop string, or as much of it as has come, stands at `at`; *complete tells which. */
static bool stands(const svf_text *t, size_t at, const char *stop, bool *complete)
{
  const size_t length = strlen(stop), left = t->bytes - at;
  *complete = length <= left;
  return memcmp(t->held + at, stop, svf_size_min(length, left)) == 0;
}

/* The bytes that can be handed out: those before the stop string that ends first, which does not
 * depend on how tokens divide the text, or before what may become a stop string. */
static size_t certain(svf_text *t)
{
  size_t hold = t->bytes, begin = 0, end = SIZE_MAX;
  for (size_t at = 0; at < t->bytes; ++at) {
    for (size_t i = 0; i < t->stop_count; ++i) {
      bool complete;
      if (!stands(t, at, t->stops[i], &complete)) continue;
      const size_t last = at + strlen(t->stops[i]);
      if (!complete) {
        hold = svf_size_min(hold, at);
      } else if (last < end) {
        begin = at;
        end = last;
      }
    }
  }
  t->stopped = end < SIZE_MAX;
  return t->stopped ? begin : hold;
}

/* Ends the text with all that was held back, unless that completes a stop string. */
static svf_status finish(svf_text *t)
{
  const svf_status status = append(t, -1);
  if (status != SVF_OK) return status;
  const size_t end = certain(t); /* what flushing added may have completed a stop string */
  t->given = t->stopped ? end : t->bytes;
  return SVF_OK;
}

static bool is_stop_token(const svf_text *t, int32_t token)
{
  for (size_t i = 0; i < t->stop_count; ++i) {
    if (t->stop_tokens[i] == token) return true;
  }
  return false;
}

/* Takes a token in, and decides how much text it makes certain. */
static svf_status take_token(svf_text *t, int32_t token)
{
  if (is_stop_token(t, token)) {
    const svf_status status = finish(t);
    t->stopped |= status == SVF_OK;
    return status;
  }
  const svf_status status = append(t, token);
  if (status == SVF_OK) t->given = certain(t);
  return status;
}

svf_status svf_text_push(svf_text *text, int32_t token, const char **out, size_t *bytes,
                         bool *stopped)
{
  if (!text || !out || !bytes || !stopped) return svf_fail(SVF_ERR_NULL, "an argument is NULL");
  forget(text);
  *out = text->held;
  *bytes = 0;
  *stopped = text->stopped;
  if (text->stopped || token < 0) return SVF_OK;
  const svf_status status = take_token(text, token);
  if (status != SVF_OK) return status;
  *out = text->held;
  *bytes = text->given;
  *stopped = text->stopped;
  return SVF_OK;
}

svf_status svf_text_flush(svf_text *text, const char **out, size_t *bytes)
{
  if (!text || !out || !bytes) return svf_fail(SVF_ERR_NULL, "an argument is NULL");
  forget(text);
  *out = text->held;
  *bytes = 0;
  if (text->stopped) return SVF_OK;
  const svf_status status = finish(text);
  if (status != SVF_OK) return status;
  *out = text->held;
  *bytes = text->given;
  return SVF_OK;
}
