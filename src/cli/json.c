/* SPDX-License-Identifier: Apache-2.0
 *
 * This does not use jansson, which refuses text that is not UTF-8 and has to allocate. */
#include "src/cli/json.h"

#include <string.h>

#include "src/cli/fail.h"

size_t cli_next_character(const char *s, size_t bytes, bool *well_formed)
{
  const unsigned char first = (unsigned char)s[0];
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  const bool begins = first < 0x80 || (first >= 0xc2 && first <= 0xf4);
  const size_t whole = first < 0x80 || !begins ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  size_t n = 1;
  for (; n < whole && n < bytes; ++n) {
    const unsigned char c = (unsigned char)s[n];
    if (c < low || c > high) break;
    low = 0x80;
    high = 0xbf;
  }
  *well_formed = begins && n == whole;
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
    bool well_formed;
    n = cli_next_character(text + i, bytes - i, &well_formed);
    if (well_formed) {
      put_character(to, text + i, n);
    } else {
      fputs("\xef\xbf\xbd", to);
    }
  }
  fputc('"', to);
}

/* A byte-order mark of UTF-16, or an ASCII character in it. */
static bool seems_utf16(const char *text, size_t bytes)
{
  if (bytes < 2) return false;
  return memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 || !text[0] ||
         !text[1];
}

svf_status cli_check_text(const char *text, size_t bytes)
{
  const char *hint = seems_utf16(text, bytes) ? "; this seems to be UTF-16" : "";
  for (size_t i = 0, n; i < bytes; i += n) {
    bool well_formed;
    n = cli_next_character(text + i, bytes - i, &well_formed);
    if (!well_formed) return cli_fail(SVF_ERR_FILE, "byte %zu is not UTF-8%s", i + 1, hint);
    if (!text[i]) return cli_fail(SVF_ERR_FILE, "byte %zu is NUL%s", i + 1, hint);
  }
  return SVF_OK;
}
