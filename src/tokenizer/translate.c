/* SPDX-License-Identifier: Apache-2.0
 *
 * In two passes: the first writes the pattern with numbers of sets for all that matches a
 * character; when all sets are known, and so the kinds of characters that they tell apart, the
 * second writes the sets as classes of kinds. */
#include "src/tokenizer/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"
#include "src/tokenizer/unicode.h"
#include "src/tokenizer/utf8.h"

enum { MAX_GROUPS = 200, MAX_CLASSES = 16 }; /* in each other */

typedef struct translation {
  const char *text;
  const char *at;
  svf_tok_bytes out; /* a set is two bytes with the high bit set and 7 bits of its number each */
  svf_tok_set *sets;
  size_t count, capacity;
  bool fold[MAX_GROUPS + 1]; /* for each open group, whether case makes no difference in it */
  size_t groups;
} translation;

static svf_status refuse(const translation *t, const char *what)
{
  return svf_fail(SVF_ERR_UNSUPPORTED, "regular expression '%s': %s at byte %zu is not supported",
                  svf_text_show(t->text).text, what, (size_t)(t->at - t->text));
}

static svf_status put(translation *t, const char *text)
{
  return svf_tok_bytes_append(&t->out, text, strlen(text));
}

static svf_status copy(translation *t, size_t bytes)
{
  const svf_status status = svf_tok_bytes_append(&t->out, t->at, bytes);
  t->at += bytes;
  return status;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool repeats(char c) { return c == '+' || c == '?' || c == '*' || c == '{'; }

/* Writes a set, which is stored unless an equal one is; frees it. */
static svf_status put_set(translation *t, svf_tok_set *set)
{
  size_t i = 0;
  while (i < t->count && !svf_tok_set_equal(&t->sets[i], set)) ++i;
  if (i == t->count && t->count == t->capacity) {
    svf_tok_set *grown = svf_tok_grow(t->sets, &t->capacity, t->count + 1, sizeof *grown);
    if (!grown) {
      svf_tok_set_free(set);
      return svf_fail(SVF_ERR_MEMORY, "no memory for a regular expression");
    }
    t->sets = grown;
  }
  if (i == t->count) {
    t->sets[t->count++] = *set;
  } else {
    svf_tok_set_free(set);
  }
  const char number[] = {(char)(0x80 | i >> 7), (char)(0x80 | (i & 0x7f))};
  return svf_tok_bytes_append(&t->out, number, sizeof number);
}

/* Writes the set of one character or, inverted, of all others. */
static svf_status put_character(translation *t, uint32_t c, bool inverted)
{
  svf_tok_set set = {0};
  svf_status status = svf_tok_set_add(&set, &(svf_tok_range){c, c}, 1);
  if (status == SVF_OK && inverted) status = svf_tok_set_invert(&set);
  if (status == SVF_OK) return put_set(t, &set);
  svf_tok_set_free(&set);
  return status;
}

/* Adds what a letter of ASCII is equal to if case makes no difference. */
static svf_status fold_letter(svf_tok_set *set, uint32_t letter)
{
  const uint32_t other = letter == 's' ? 0x17f : letter == 'k' ? 0x212a : letter;
  const uint32_t upper = letter - 'a' + 'A';
  if (!svf_tok_set_has(set, letter) && !svf_tok_set_has(set, upper)) return SVF_OK;
  const svf_tok_range ranges[] = {{letter, letter}, {upper, upper}, {other, other}};
  return svf_tok_set_add(set, ranges, sizeof ranges / sizeof *ranges);
}

/* Makes a set in which case makes no difference. Only of ASCII is it known what that means. */
static svf_status fold_set(const translation *t, svf_tok_set *set)
{
  static const char *const cased[] = {"Lu", "Ll", "Lt", "Nl", "So", "Mn"};
  svf_tok_set others = {0};
  bool known;
  svf_status status = SVF_OK;
  for (size_t i = 0; i < sizeof cased / sizeof *cased && status == SVF_OK; ++i) {
    status = svf_tok_set_add_property(&others, cased[i], 2, &known);
  }
  if (status == SVF_OK) status = svf_tok_set_intersect(&others, set);
  const bool ascii = others.count == 0 || others.list[others.count - 1].last < 0x80;
  svf_tok_set_free(&others);
  if (status == SVF_OK && !ascii) {
    return refuse(t, "a set of letters beyond ASCII in '(?i:' before this");
  }
  for (uint32_t letter = 'a'; letter <= 'z' && status == SVF_OK; ++letter) {
    status = fold_letter(set, letter);
  }
  return status;
}

/* \p{name} */
static svf_status read_property(translation *t, svf_tok_set *set)
{
  const char *name = t->at + 3;
  size_t bytes = 0;
  bool known = false;
  if (t->at[2] != '{') return refuse(t, "a property without braces");
  while (is_alpha(name[bytes]) || name[bytes] == '_') ++bytes;
  if (bytes == 0 || name[bytes] != '}') return refuse(t, "a property");
  const svf_status status = svf_tok_set_add_property(set, name, bytes, &known);
  if (status == SVF_OK && !known) return refuse(t, "a property");
  t->at += 3 + bytes + 1;
  return status;
}

/* \x{...}. Two digits without braces are a byte in Oniguruma. */
static svf_status read_hexadecimal(translation *t, uint32_t *c)
{
  char *end = NULL;
  const bool braces = t->at[2] == '{' && (is_digit(t->at[3]) || is_alpha(t->at[3]));
  const unsigned long value = braces ? strtoul(t->at + 3, &end, 16) : 0;
  if (!braces || *end != '}') return refuse(t, "\\x without braces");
  if (value > SVF_TOK_MAX_CHARACTER) return refuse(t, "\\x of no character");
  *c = (uint32_t)value;
  t->at = end + 1;
  return SVF_OK;
}

/* One character, which may be escaped. */
static svf_status read_character(translation *t, uint32_t *c)
{
  static const char letters[] = "rntf";
  static const char controls[] = "\r\n\t\f";
  if (t->at[0] != '\\') {
    *c = svf_tok_utf8_at(t->at);
    t->at += svf_tok_utf8_length(t->at);
    return SVF_OK;
  }
  const char escaped = t->at[1];
  const char *control = escaped ? strchr(letters, escaped) : NULL;
  if (escaped == 'x') return read_hexadecimal(t, c);
  if (!control && (escaped <= ' ' || escaped > '~' || is_alpha(escaped) || is_digit(escaped))) {
    return refuse(t, "an escape");
  }
  *c = (unsigned char)(control ? controls[control - letters] : escaped);
  t->at += 2;
  return SVF_OK;
}

/* \s, \d or \p{...}, or the other characters: \S, \D or \P{...}. */
static bool begins_property(const char *at)
{
  return at[0] == '\\' && at[1] && strchr("sSdDpP", at[1]);
}

static svf_status read_escaped_set(translation *t, svf_tok_set *set)
{
  bool known;
  const char c = t->at[1];
  svf_status status;
  if (c == 'p' || c == 'P') {
    status = read_property(t, set);
  } else {
    t->at += 2;
    status = c == 's' || c == 'S' ? svf_tok_set_add_space(set)
                                  : svf_tok_set_add_property(set, "Nd", 2, &known);
  }
  return status == SVF_OK && (c == 'S' || c == 'D' || c == 'P') ? svf_tok_set_invert(set) : status;
}

/* A character or a range. A '-' is one of a range unless nothing but ']' or "&&" comes after it, or
 * it comes after another range or a class. */
static svf_status read_range(translation *t, svf_tok_set *set)
{
  svf_tok_range range;
  svf_status status = read_character(t, &range.first);
  range.last = range.first;
  const bool more = t->at[0] == '-' && t->at[1] != ']' && !(t->at[1] == '&' && t->at[2] == '&');
  if (status == SVF_OK && more) {
    ++t->at;
    if (!*t->at || *t->at == '[' || begins_property(t->at)) {
      return refuse(t, "a range up to a class");
    }
    status = read_character(t, &range.last);
    if (status == SVF_OK && range.last < range.first)
      return refuse(t, "an empty range before this");
    if (status == SVF_OK && t->at[0] == '-' && t->at[1] != ']') {
      ++t->at; /* it stands for itself */
      status = svf_tok_set_add(set, &(svf_tok_range){'-', '-'}, 1);
    }
  }
  return status == SVF_OK ? svf_tok_set_add(set, &range, 1) : status;
}

/* NOLINTBEGIN(misc-no-recursion): no deeper than MAX_CLASSES */
static svf_status read_class(translation *t, size_t depth, svf_tok_set *set);

/* One member of a class. */
static svf_status read_member(translation *t, size_t depth, svf_tok_set *set)
{
  svf_tok_set member = {0};
  svf_status status;
  if (t->at[0] == '[' && t->at[1] == ':') return refuse(t, "a class '[:'");
  if (t->at[0] != '[' && !begins_property(t->at)) return read_range(t, set);
  const bool class = t->at[0] == '[';
  status = class ? read_class(t, depth + 1, &member) : read_escaped_set(t, &member);
  if (status == SVF_OK) status = svf_tok_set_add(set, member.list, member.count);
  svf_tok_set_free(&member);
  if (status == SVF_OK && t->at[0] == '-' && t->at[1] != ']') {
    if (!class) return refuse(t, "a range from a class");
    ++t->at;
    status = svf_tok_set_add(set, &(svf_tok_range){'-', '-'}, 1);
  }
  return status;
}

/* Reads members up to "&&" or ']'. */
static svf_status read_members(translation *t, size_t depth, svf_tok_set *set)
{
  svf_status status = SVF_OK;
  const char *from = t->at;
  while (status == SVF_OK && *t->at && *t->at != ']' && !(t->at[0] == '&' && t->at[1] == '&')) {
    status = read_member(t, depth, set);
  }
  if (status == SVF_OK && !*t->at) return refuse(t, "a class without its end");
  if (status == SVF_OK && t->at == from) return refuse(t, "an empty class");
  return status;
}

/* Reads a class from '[' to ']'. "&&" binds less than all else in it, but for '^'. */
static svf_status read_class(translation *t, size_t depth, svf_tok_set *set)
{
  const bool inverted = t->at[1] == '^';
  if (depth == MAX_CLASSES) return refuse(t, "a class in too many others");
  t->at += inverted ? 2 : 1;
  svf_status status = read_members(t, depth, set);
  while (status == SVF_OK && *t->at == '&') {
    svf_tok_set other = {0};
    t->at += 2;
    status = read_members(t, depth, &other);
    if (status == SVF_OK) status = svf_tok_set_intersect(set, &other);
    svf_tok_set_free(&other);
  }
  if (status != SVF_OK) return status;
  ++t->at;
  return inverted ? svf_tok_set_invert(set) : SVF_OK;
}
/* NOLINTEND(misc-no-recursion) */

/* With case that makes no difference, some pairs of letters are equal to one character. */
static svf_status check_pair(const translation *t, const char *text)
{
  static const char *const pairs[] = {"ss", "st", "ff", "fi", "fl"};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    if ((text[0] | 0x20) == pairs[i][0] && (text[1] | 0x20) == pairs[i][1]) {
      return refuse(t, "a pair of letters with a ligature in '(?i:'");
    }
  }
  return SVF_OK;
}

static svf_status read_atom(translation *t, svf_tok_set *set)
{
  uint32_t c;
  if (t->at[0] == '[') return read_class(t, 0, set);
  if (begins_property(t->at)) return read_escaped_set(t, set);
  const svf_status status = read_character(t, &c);
  return status == SVF_OK ? svf_tok_set_add(set, &(svf_tok_range){c, c}, 1) : status;
}

/* A character, class or property. */
static svf_status put_atom(translation *t)
{
  svf_tok_set set = {0};
  const bool fold = t->fold[t->groups];
  svf_status status = fold ? check_pair(t, t->at) : SVF_OK;
  if (status == SVF_OK) status = read_atom(t, &set);
  if (status == SVF_OK && fold) status = fold_set(t, &set);
  if (status == SVF_OK) return put_set(t, &set);
  svf_tok_set_free(&set);
  return status;
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
  if (repeats(t->at[bytes])) return refuse(t, "a repeated repetition");
  return copy(t, bytes);
}

static svf_status open_group(translation *t, size_t bytes, bool fold)
{
  if (t->groups == MAX_GROUPS) return refuse(t, "a group in too many others");
  ++t->groups;
  t->fold[t->groups] = fold || t->fold[t->groups - 1];
  t->at += bytes;
  return SVF_OK;
}

static svf_status group(translation *t)
{
  static const char *const known[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
  if (t->at[1] == '*') return refuse(t, "'(*'");
  if (t->at[1] != '?') {
    const svf_status status = put(t, "(");
    return status == SVF_OK ? open_group(t, 1, false) : status;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    const size_t bytes = strlen(known[i]);
    if (strncmp(t->at, known[i], bytes) != 0) continue;
    const bool fold = t->at[2] == 'i';
    const svf_status status = put(t, fold ? "(?:" : known[i]);
    return status == SVF_OK ? open_group(t, bytes, fold) : status;
  }
  return refuse(t, "a group '(?'");
}

static svf_status close_group(translation *t)
{
  if (t->groups == 0) return refuse(t, "an unmatched closing parenthesis");
  --t->groups;
  return copy(t, 1);
}

/* Lines end at '\n' and at the end of the text; none begins there. */
static svf_status anchor(translation *t)
{
  const bool begins = t->at[0] == '^';
  if (repeats(t->at[1])) return refuse(t, "a repeated anchor");
  ++t->at;
  svf_status status = put(t, begins ? "(?<!" : "(?!");
  if (status == SVF_OK) status = put_character(t, '\n', true);
  return status == SVF_OK ? put(t, begins ? ")(?=.)" : ")") : status;
}

static svf_status step(translation *t)
{
  switch (t->at[0]) {
    case '(': return group(t);
    case ')': return close_group(t);
    case '{': return repetition(t);
    case '^':
    case '$': return anchor(t);
    case '.': ++t->at; return put_character(t, '\n', true);
    case '|':
    case '+':
    case '*':
    case '?': return copy(t, 1);
    default: return put_atom(t);
  }
}

/* Writes a set as a class of kinds. */
static svf_status put_class(const svf_tok_kinds *kinds, const svf_tok_set *set, svf_tok_bytes *out)
{
  bool in[SVF_TOK_MAX_KINDS + 1] = {false};
  char range[16];
  unsigned count = 0;
  for (unsigned i = 0; i < kinds->count; ++i)
    count += in[i] = svf_tok_set_has(set, kinds->example[i]);
  svf_status status = svf_tok_bytes_append(out, count ? "[" : "[^\\x00-\\xff", count ? 1 : 11);
  for (unsigned i = 0; i < kinds->count && status == SVF_OK; ++i) {
    const unsigned first = i;
    if (!in[i]) continue;
    while (in[i + 1]) ++i;
    const int bytes = snprintf(range, sizeof range, "\\x%02x-\\x%02x", first, i);
    status = svf_tok_bytes_append(out, range, (size_t)bytes);
  }
  return status == SVF_OK ? svf_tok_bytes_append(out, "]", 1) : status;
}

/* The second pass. */
static svf_status put_classes(const translation *t, const svf_tok_kinds *kinds, svf_tok_bytes *out)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < t->out.count && status == SVF_OK; ++i) {
    const unsigned char *at = (const unsigned char *)t->out.data + i;
    if (*at < 0x80) {
      status = svf_tok_bytes_append(out, (const char *)at, 1);
    } else {
      status = put_class(kinds, &t->sets[(at[0] & 0x7fu) << 7 | (at[1] & 0x7fu)], out);
      ++i;
    }
  }
  return status == SVF_OK ? svf_tok_bytes_append(out, "", 1) : status;
}

static svf_status too_many_kinds(const char *text)
{
  return svf_fail(SVF_ERR_UNSUPPORTED,
                  "regular expression '%s' tells more than %d kinds of characters apart",
                  svf_text_show(text).text, SVF_TOK_MAX_KINDS);
}

svf_status svf_tok_translate(const char *text, svf_tok_bytes *out, svf_tok_kinds *kinds)
{
  translation t = {.text = text, .at = text, .out.limit = 16 * SVF_TOK_MAX_PATTERN};
  svf_status status = SVF_OK;
  while (status == SVF_OK && *t.at) status = step(&t);
  if (status == SVF_OK) {
    status = svf_tok_kinds_make(kinds, t.sets, t.count);
    if (status == SVF_ERR_UNSUPPORTED) status = too_many_kinds(text);
  }
  if (status == SVF_OK) status = put_classes(&t, kinds, out);
  for (size_t i = 0; i < t.count; ++i) svf_tok_set_free(&t.sets[i]);
  free(t.sets);
  free(t.out.data);
  return status;
}
