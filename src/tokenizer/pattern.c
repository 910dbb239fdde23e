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
#include "src/tokenizer/utf8.h"

enum {
  WINDOW = 256,        /* bytes: nearly every word is shorter */
  STEPS_PER_BYTE = 16, /* n spaces in a row need 2n steps, n letters at most 3n */
  MIN_STEPS = 1000,
  MAX_HEAP = 1 << 16 /* KiB, for matches that need more stack than the JIT compiler's code has */
};

struct svf_tok_pattern {
  pcre2_code *code; /* NULL: the text is a literal */
  size_t literal_bytes;
  char text[]; /* as in the file, terminated */
};

static svf_status compile_error(int code, size_t offset, const char *text)
{
  PCRE2_UCHAR reason[128] = {0};
  if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY) {
    return svf_fail(SVF_ERR_MEMORY, "no memory to compile the regular expression '%s'",
                    svf_text_show(text).text);
  }
  pcre2_get_error_message(code, reason, sizeof reason);
  return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': %s at byte %zu",
                  svf_text_show(text).text, (const char *)reason, offset);
}

/* Compiles an anchored pattern: the JIT compiler's code ignores an anchor that is given with the
 * match. */
static svf_status compile_in(pcre2_compile_context *context, const char *text,
                             const char *translated, pcre2_code **code)
{
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED |
                           PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
  uint32_t empty = 0;
  int error;
  size_t offset;
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  *code = pcre2_compile((PCRE2_SPTR)translated, PCRE2_ZERO_TERMINATED, options, &error, &offset,
                        context);
  if (!*code) return compile_error(error, offset, text);
  pcre2_pattern_info(*code, PCRE2_INFO_MATCHEMPTY, &empty);
  if (empty) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': it matches the empty string",
                    svf_text_show(text).text);
  }
  pcre2_jit_compile(*code,
                    PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD); /* interpreted if this fails */
  return SVF_OK;
}

static svf_status compile(const char *text, pcre2_code **code)
{
  char translated[SVF_TOK_MAX_PATTERN * 8];
  svf_status status = svf_tok_pattern_translate(text, translated);
  if (status != SVF_OK) return status;
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  if (!context) return svf_fail(SVF_ERR_MEMORY, "no memory to compile a regular expression");
  status = compile_in(context, text, translated, code);
  pcre2_compile_context_free(context);
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
  const svf_status status = literal ? SVF_OK : compile(text, &made->code);
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
  *matcher = (svf_tok_matcher){0};
}

/* Matches at `at`, looking at the text up to `stop`. */
static int match_in(const svf_tok_pattern *pattern, const svf_tok_matcher *matcher,
                    const char *text, size_t at, size_t stop, uint32_t options)
{
  pcre2_set_match_limit(matcher->context, (uint32_t)(MIN_STEPS + STEPS_PER_BYTE * (stop - at)));
  const int result = pcre2_match(pattern->code, (PCRE2_SPTR)text, stop, at, options, matcher->data,
                                 matcher->context);
  if (result != PCRE2_ERROR_JIT_STACKLIMIT) return result;
  return pcre2_match(pattern->code, (PCRE2_SPTR)text, stop, at, options | PCRE2_NO_JIT,
                     matcher->data, matcher->context);
}

static svf_status too_much(const svf_tok_pattern *pattern, size_t at)
{
  return svf_fail(SVF_ERR_UNSUPPORTED,
                  "regular expression '%s' takes too many steps at byte %zu of a text",
                  svf_text_show(pattern->text).text, at);
}

/* *end becomes the end of the match at `at`, or `at` if there is none. */
static svf_status match_at(const svf_tok_pattern *pattern, svf_tok_matcher *matcher,
                           const char *text, size_t bytes, size_t at, size_t *end)
{
  for (size_t window = WINDOW;; window *= 4) {
    const bool whole = window >= bytes - at;
    size_t stop = whole ? bytes : at + window;
    while (!whole && ((unsigned char)text[stop] & 0xc0) == 0x80) --stop;
    const int result = match_in(pattern, matcher, text, at, stop,
                                PCRE2_NO_UTF_CHECK | (whole ? 0 : PCRE2_PARTIAL_HARD));
    if (result == PCRE2_ERROR_NOMEMORY) return svf_fail(SVF_ERR_MEMORY, "no memory to match");
    *end = result < 0 ? at : pcre2_get_ovector_pointer(matcher->data)[1];
    if (result >= 0 || result == PCRE2_ERROR_NOMATCH) return SVF_OK;
    if (result != PCRE2_ERROR_PARTIAL || matcher->work < window) return too_much(pattern, at);
    matcher->work -= window;
  }
}

svf_status svf_tok_pattern_find(const svf_tok_pattern *pattern, svf_tok_matcher *matcher,
                                const char *text, size_t bytes, size_t from, size_t *begin,
                                size_t *end)
{
  *begin = *end = bytes;
  if (from >= bytes) return SVF_OK;
  if (!pattern->code) {
    const char *found = memmem(text + from, bytes - from, pattern->text, pattern->literal_bytes);
    if (!found) return SVF_OK;
    *begin = (size_t)(found - text);
    *end = *begin + pattern->literal_bytes;
    return SVF_OK;
  }
  svf_status status = prepare(matcher);
  for (size_t at = from; at < bytes && status == SVF_OK; at += svf_tok_utf8_length(text + at)) {
    size_t stop = at;
    status = match_at(pattern, matcher, text, bytes, at, &stop);
    if (status == SVF_OK && stop > at) {
      *begin = at;
      *end = stop;
      break;
    }
  }
  return status;
}
