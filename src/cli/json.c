/* SPDX-License-Identifier: Apache-2.0
 *
 * This does not use jansson, which refuses text that is not UTF-8 and has to allocate. */
#include "src/cli/json.h"

#include <utf8proc.h>

/* The number of bytes at s that could begin a character: up to a byte that could not follow them,
 * or to the end of the text. */
static size_t ill_formed(const char *s, size_t bytes)
{
  const unsigned char first = (unsigned char)s[0];
  const size_t whole = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  utf8proc_uint8_t probe[4] = {first, 0x80, 0x80, 0x80};
  utf8proc_int32_t unused;
  size_t n = 1;
  for (; n < bytes && n < whole; ++n) {
    probe[n] = (unsigned char)s[n];
    if (utf8proc_iterate(probe, (utf8proc_ssize_t)whole, &unused) < 0) break;
  }
  return n;
}

static void put_character(FILE *to, const char *at, size_t bytes)
{
  const unsigned char c = (unsigned char)*at;
  if (c == '"' || c == '\\') {
    fprintf(to, "\\%c", c);
  } else if (c < 0x20 || c == 0x7f) {
    fprintf(to, "\\u%04x", c);
  } else {
    fwrite(at, 1, bytes, to);
  }
}

void cli_json_string(FILE *to, const char *text, size_t bytes)
{
  fputc('"', to);
  for (size_t i = 0, n = 0; i < bytes; i += n) {
    utf8proc_int32_t unused;
    const utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
                                                     (utf8proc_ssize_t)(bytes - i), &unused);
    n = length > 0 ? (size_t)length : ill_formed(text + i, bytes - i);
    if (length > 0) {
      put_character(to, text + i, n);
    } else {
      fputs("\xef\xbf\xbd", to);
    }
  }
  fputc('"', to);
}
