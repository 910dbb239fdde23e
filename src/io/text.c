/* SPDX-License-Identifier: Apache-2.0 */
#include "src/io/text.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MAX_FILE_NAME = 255 };

svf_printable svf_text_show(const char *string)
{
  svf_printable p;
  size_t i = 0;
  for (; string[i] && i < sizeof p.text - 1; ++i) {
    p.text[i] = (char)(string[i] >= ' ' && string[i] <= '~' ? string[i] : '?');
  }
  p.text[i] = 0;
  return p;
}

/* Bytes of the UTF-8 character that begins with this one; 0 if none does. */
static int character_bytes(unsigned char first)
{
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

bool svf_text_is_utf8(const char *string)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const unsigned char *at = (const unsigned char *)string;
  while (*at) {
    const int length = character_bytes(*at);
    uint32_t code = length == 1 ? *at : *at & (0x7fu >> length);
    if (length == 0) return false;
    for (int i = 1; i < length; ++i) {
      if ((at[i] & 0xc0) != 0x80) return false; /* the terminator is refused here too */
      code = code << 6 | (at[i] & 0x3fu);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    at += length;
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
