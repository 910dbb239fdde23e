/* SPDX-License-Identifier: Apache-2.0
 *
 * From Oniguruma's Ruby dialect to PCRE2's. What is not refused means the same in both. */
#include <stdbool.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"
#include "src/tokenizer/pattern.h"

typedef struct translation {
  const char *text;
  const char *at;
  char *out;
  bool in_class;
} translation;

static svf_status refuse(const translation *t, const char *what)
{
  return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': %s at byte %zu is not supported",
                  svf_text_show(t->text).text, what, (size_t)(t->at - t->text));
}

static void put(translation *t, const char *text)
{
  const size_t bytes = strlen(text);
  memcpy(t->out, text, bytes);
  t->out += bytes;
}

static void copy(translation *t, size_t bytes)
{
  memcpy(t->out, t->at, bytes);
  t->out += bytes;
  t->at += bytes;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* \p{name}: general categories stay as they are. Longer names can only be scripts, which in PCRE2
 * have more characters unless "sc:" comes before the name. */
static svf_status property(translation *t)
{
  const char *name = t->at + 3;
  size_t bytes = 0;
  if (t->at[2] != '{') return refuse(t, "a property without braces");
  while (is_alpha(name[bytes]) || name[bytes] == '_') ++bytes;
  if (bytes == 0 || name[bytes] != '}') return refuse(t, "a property");
  copy(t, 3);
  if (bytes > 2) put(t, "sc:");
  copy(t, bytes + 1);
  return SVF_OK;
}

/* \x{...}. Two digits without braces are a byte in one dialect and a character in the other. */
static svf_status hexadecimal(translation *t)
{
  const char *close = t->at[2] == '{' ? strchr(t->at, '}') : NULL;
  if (!close) return refuse(t, "\\x without braces");
  copy(t, (size_t)(close - t->at) + 1);
  return SVF_OK;
}

static svf_status escape(translation *t)
{
  const char c = t->at[1];
  switch (c) {
    case 's':
    case 'S': /* PCRE2's \s also has U+180E */
      put(t, c == 's' ? "\\p{White_Space}" : "\\P{White_Space}");
      t->at += 2;
      return SVF_OK;
    case 'p':
    case 'P': return property(t);
    case 'x': return hexadecimal(t);
    case 'd':
    case 'D':
    case 'r':
    case 'n':
    case 't':
    case 'f': copy(t, 2); return SVF_OK;
    default: break;
  }
  if (c <= ' ' || c > '~' || is_alpha(c) || is_digit(c)) return refuse(t, "an escape");
  copy(t, 2);
  return SVF_OK;
}

/* In Ruby {n,m}+ is not possessive and {n}? is not lazy; {,m} is a repetition only there. */
static svf_status repetition(translation *t)
{
  size_t bytes = 1;
  while (is_digit(t->at[bytes])) ++bytes;
  if (bytes == 1) return refuse(t, "an unescaped '{'");
  if (t->at[bytes] == ',') ++bytes;
  while (is_digit(t->at[bytes])) ++bytes;
  if (t->at[bytes] != '}') return refuse(t, "an unescaped '{'");
  ++bytes;
  if (strchr("+?*{", t->at[bytes]) && t->at[bytes]) return refuse(t, "a repeated repetition");
  copy(t, bytes);
  return SVF_OK;
}

static svf_status group(translation *t)
{
  static const char *const known[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
  if (t->at[1] == '*') return refuse(t, "'(*'");
  if (t->at[1] != '?') {
    copy(t, 1);
    return SVF_OK;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    const size_t bytes = strlen(known[i]);
    if (strncmp(t->at, known[i], bytes) == 0) {
      copy(t, bytes);
      return SVF_OK;
    }
  }
  return refuse(t, "a group '(?'");
}

/* Begins a class, and refuses a ']' as its first character, which may be its end. */
static svf_status open_class(translation *t)
{
  const size_t bytes = t->at[1] == '^' ? 2 : 1;
  if (t->at[bytes] == ']') return refuse(t, "an empty class");
  copy(t, bytes);
  t->in_class = true;
  return SVF_OK;
}

static svf_status in_class(translation *t)
{
  if (t->at[0] == '[') return refuse(t, "a class in a class");
  if (t->at[0] == '&' && t->at[1] == '&') return refuse(t, "an intersection of classes");
  t->in_class = t->at[0] != ']';
  copy(t, 1);
  return SVF_OK;
}

static svf_status step(translation *t)
{
  const char c = t->at[0];
  if (c == '\\') return escape(t);
  if (t->in_class) return in_class(t);
  if (c == '[') return open_class(t);
  if (c == '(') return group(t);
  if (c == '{') return repetition(t);
  if (c == '^' || c == '$') return refuse(t, "an anchor");
  copy(t, 1);
  return SVF_OK;
}

svf_status svf_tok_pattern_translate(const char *text, char *out)
{
  translation t = {.text = text, .at = text, .out = out};
  svf_status status = SVF_OK;
  while (*t.at && status == SVF_OK) status = step(&t);
  *t.out = 0;
  return status;
}
