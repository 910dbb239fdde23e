/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching under limits: neither a hostile file nor a hostile text may hang the process. So a match
 * is tried at one place at a time, on a window of the text that grows only while the match needs to
 * see beyond it. The window limits the steps of backtracking, and the length of the text limits all
 * windows together. With patterns that match everywhere, as those of tokenizers do, this takes
 * linear time. */
#define _GNU_SOURCE /* memmem */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "src/tokenizer/pattern.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"
#include "src/tokenizer/translate.h"
#include "src/tokenizer/utf8.h"

enum {
  WINDOW = 256,             /* characters: nearly every word is shorter */
  STEPS_PER_CHARACTER = 16, /* n spaces in a row need 2n steps, n letters at most 3n */
  MAX_TRANSLATED = 1 << 20, /* bytes of a translated pattern; PCRE2 refuses most that are near it */
  MIN_STEPS = 1000,
  MAX_HEAP = 1 << 16 /* KiB, for matches that need more stack than the JIT compiler's code has */
};

struct svf_tok_pattern {
  pcre2_code *code; /* of kinds of characters; NULL: the text is a literal */
  svf_tok_kinds kinds;
  size_t literal_bytes;
  char text[]; /* as in the file, terminated */
};

static svf_status compile_error(int code, const char *text)
{
  PCRE2_UCHAR reason[128] = {0};
  if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY) {
    return svf_fail(SVF_ERR_MEMORY, "no memory to compile the regular expression '%s'",
                    svf_text_show(text).text);
  }
  pcre2_get_error_message(code, reason, sizeof reason);
  return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': %s", svf_text_show(text).text,
                  (const char *)reason);
}

/* Compiles an anchored pattern: the JIT compiler's code ignores an anchor that is given with the
 * match. */
static svf_status compile(const char *text, const char *translated, pcre2_code **code)
{
  const uint32_t options =
      PCRE2_ANCHORED | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
  uint32_t empty = 0;
  int error;
  size_t offset;
  *code =
      pcre2_compile((PCRE2_SPTR)translated, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
  if (!*code) return compile_error(error, text);
  pcre2_pattern_info(*code, PCRE2_INFO_MATCHEMPTY, &empty);
  if (empty) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': it matches the empty string",
                    svf_text_show(text).text);
  }
  pcre2_jit_compile(*code,
                    PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD); /* interpreted if this fails */
  return SVF_OK;
}

static svf_status translate_and_compile(svf_tok_pattern *pattern)
{
  svf_tok_bytes translated = {.limit = MAX_TRANSLATED};
  svf_status status = svf_tok_translate(pattern->text, &translated, &pattern->kinds);
  if (status == SVF_ERR_OVERFLOW) {
    status = svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s' is too complicated",
                      svf_text_show(pattern->text).text);
  }
  if (status == SVF_OK) status = compile(pattern->text, translated.data, &pattern->code);
  free(translated.data);
  return status;
}

svf_status svf_tok_pattern_make(const char *text, bool literal, svf_tok_pattern **pattern)
{
  const size_t bytes = strlen(text);
  *pattern = NULL;
  if (bytes == 0 || bytes >= SVF_TOK_MAX_PATTERN) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "a pattern of %zu bytes; 1 to %d are supported", bytes,
                    SVF_TOK_MAX_PATTERN - 1);
  }
  svf_tok_pattern *made = calloc(1, sizeof *made + bytes + 1);
  if (!made) return svf_fail(SVF_ERR_MEMORY, "no memory for a pattern");
  memcpy(made->text, text, bytes + 1);
  made->literal_bytes = bytes;
  const svf_status status = literal ? SVF_OK : translate_and_compile(made);
  if (status != SVF_OK) {
    svf_tok_pattern_free(made);
    return status;
  }
  *pattern = made;
  return SVF_OK;
}

void svf_tok_pattern_free(svf_tok_pattern *pattern)
{
  if (!pattern) return;
  pcre2_code_free(pattern->code);
  svf_tok_kinds_free(&pattern->kinds);
  free(pattern);
}

static svf_status prepare(svf_tok_matcher *matcher)
{
  if (matcher->context) return SVF_OK;
  if (!matcher->data) matcher->data = pcre2_match_data_create(1, NULL);
  if (matcher->data) matcher->context = pcre2_match_context_create(NULL);
  if (!matcher->context) return svf_fail(SVF_ERR_MEMORY, "no memory to match");
  pcre2_set_heap_limit(matcher->context, MAX_HEAP);
  return SVF_OK;
}

void svf_tok_matcher_free(svf_tok_matcher *matcher)
{
  pcre2_match_data_free(matcher->data);
  pcre2_match_context_free(matcher->context);
  free(matcher->kinds);
  *matcher = (svf_tok_matcher){0};
}

/* Matches at the character `at`, looking at the text up to `stop`. */
static int match_in(const svf_tok_search *s, size_t at, size_t stop, uint32_t options)
{
  const pcre2_code *code = s->pattern->code;
  svf_tok_matcher *matcher = s->matcher;
  pcre2_set_match_limit(matcher->context,
                        (uint32_t)(MIN_STEPS + STEPS_PER_CHARACTER * (stop - at)));
  const int result =
      pcre2_match(code, matcher->kinds, stop, at, options, matcher->data, matcher->context);
  if (result != PCRE2_ERROR_JIT_STACKLIMIT) return result;
  return pcre2_match(code, matcher->kinds, stop, at, options | PCRE2_NO_JIT, matcher->data,
                     matcher->context);
}

static svf_status too_much(const svf_tok_search *s, size_t at)
{
  return svf_fail(SVF_ERR_UNSUPPORTED,
                  "regular expression '%s' takes too many steps at character %zu of a text",
                  svf_text_show(s->pattern->text).text, at);
}

/* *end becomes the end of the match at the character `at`, or `at` if there is none. */
static svf_status match_at(const svf_tok_search *s, size_t at, size_t *end)
{
  for (size_t window = WINDOW;; window *= 4) {
    const bool whole = window >= s->characters - at;
    const size_t stop = whole ? s->characters : at + window;
    const int result = match_in(s, at, stop, whole ? 0 : PCRE2_PARTIAL_HARD);
    if (result == PCRE2_ERROR_NOMEMORY) return svf_fail(SVF_ERR_MEMORY, "no memory to match");
    *end = result < 0 ? at : pcre2_get_ovector_pointer(s->matcher->data)[1];
    if (result >= 0 || result == PCRE2_ERROR_NOMATCH) return SVF_OK;
    if (result != PCRE2_ERROR_PARTIAL || s->matcher->work < window) return too_much(s, at);
    s->matcher->work -= window;
  }
}

/* Writes the kinds of all characters, and counts them. */
static size_t write_kinds(const svf_tok_kinds *kinds, const char *text, size_t bytes, uint8_t *out)
{
  size_t count = 0;
  for (size_t at = 0; at < bytes;) {
    const unsigned char c = (unsigned char)text[at];
    if (c < 0x80) {
      out[count++] = kinds->ascii[c];
      ++at;
    } else {
      out[count++] = svf_tok_kind(kinds, svf_tok_utf8_at(text + at));
      at += svf_tok_utf8_length(text + at);
    }
  }
  return count;
}

svf_status svf_tok_search_begin(svf_tok_search *search, const svf_tok_pattern *pattern,
                                svf_tok_matcher *matcher, const char *text, size_t bytes)
{
  *search = (svf_tok_search){.pattern = pattern, .matcher = matcher, .text = text, .bytes = bytes};
  if (!pattern->code) return SVF_OK;
  const svf_status status = prepare(matcher);
  if (status != SVF_OK) return status;
  if (bytes > matcher->capacity) {
    uint8_t *grown = svf_tok_grow(matcher->kinds, &matcher->capacity, bytes, 1);
    if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory to match in %zu bytes", bytes);
    matcher->kinds = grown;
  }
  search->characters = write_kinds(&pattern->kinds, text, bytes, matcher->kinds);
  return SVF_OK;
}

/* Goes on by `count` characters, and returns where they end. */
static size_t go_on(svf_tok_search *s, size_t count)
{
  s->at_character += count;
  if (s->bytes == s->characters) return s->at_byte += count; /* all of them are ASCII */
  for (; count > 0; --count) s->at_byte += svf_tok_utf8_length(s->text + s->at_byte);
  return s->at_byte;
}

static void find_literal(svf_tok_search *s, size_t *begin, size_t *end)
{
  const size_t bytes = s->pattern->literal_bytes;
  const char *found = s->at_byte < s->bytes ? memmem(s->text + s->at_byte, s->bytes - s->at_byte,
                                                     s->pattern->text, bytes)
                                            : NULL;
  *begin = found ? (size_t)(found - s->text) : s->bytes;
  *end = s->at_byte = found ? *begin + bytes : s->bytes;
}

svf_status svf_tok_search_next(svf_tok_search *search, size_t *begin, size_t *end)
{
  if (!search->pattern->code) {
    find_literal(search, begin, end);
    return SVF_OK;
  }
  for (size_t at = search->at_character; at < search->characters; ++at) {
    size_t stop = at;
    const svf_status status = match_at(search, at, &stop);
    if (status != SVF_OK) return status;
    if (stop == at) continue;
    *begin = go_on(search, at - search->at_character);
    *end = go_on(search, stop - at);
    return SVF_OK;
  }
  *begin = *end = go_on(search, search->characters - search->at_character);
  return SVF_OK;
}
