/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FILE_NAME = 255 };

/* Bytes of the UTF-8 character that begins with this one; 0 if none does. */
static int character_bytes(unsigned char first)
{
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* The character at `at` of a terminated string, and its bytes; 0 bytes if it is not well-formed. */
static uint32_t character(const unsigned char *at, int *bytes)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const int length = character_bytes(*at);
  uint32_t code = length == 1 ? *at : *at & (0x7fu >> length);
  *bytes = 0;
  if (length == 0) return 0;
  for (int i = 1; i < length; ++i) {
    if ((at[i] & 0xc0) != 0x80) return 0; /* the terminator is refused here too */
    code = code << 6 | (at[i] & 0x3fu);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
  *bytes = length;
  return code;
}

/* False for what a terminal would obey or hide: controls, line and paragraph separators, marks of
 * direction, and characters without width. */
static bool is_visible(uint32_t code)
{
  return code >= ' ' && !(code >= 0x7f && code < 0xa0) && !(code >= 0x200b && code <= 0x200f) &&
         !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
         code != 0xfeff;
}

svf_printable svf_text_show(const char *string)
{
  const unsigned char *at = (const unsigned char *)string;
  svf_printable p;
  size_t n = 0;
  for (int bytes; *at; at += bytes) {
    char piece[16];
    const uint32_t code = character(at, &bytes);
    if (bytes == 0) {
      snprintf(piece, sizeof piece, "\\x%02x", *at);
      bytes = 1;
    } else if (is_visible(code)) {
      snprintf(piece, sizeof piece, "%.*s", bytes, (const char *)at);
    } else {
      snprintf(piece, sizeof piece, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    }
    const size_t length = strlen(piece);
    if (n + length >= sizeof p.text) break;
    memcpy(p.text + n, piece, length);
    n += length;
  }
  p.text[n] = 0;
  return p;
}

bool svf_text_is_utf8(const char *string)
{
  const unsigned char *at = (const unsigned char *)string;
  for (int bytes; *at; at += bytes) {
    (void)character(at, &bytes);
    if (bytes == 0) return false;
  }
  return true;
}

bool svf_text_is_file_name(const char *string)
{
  const size_t length = strlen(string);
  if (length == 0 || length > MAX_FILE_NAME) return false;
  if (strcmp(string, ".") == 0 || strcmp(string, "..") == 0) return false;
  for (size_t i = 0; i < length; ++i) {
    const unsigned char c = (unsigned char)string[i];
    if (c == '/' || c < ' ' || c == 0x7f) return false;
  }
  return true;
}

bool svf_text_ends_in(const char *string, const char *ending)
{
  const size_t n = strlen(string), m = strlen(ending);
  return n > m && strcmp(string + n - m, ending) == 0;
}
