/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/show.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/cli/json.h"

/* Of a well-formed character. */
static uint32_t code_of(const char *s, size_t bytes)
{
  uint32_t code = (unsigned char)*s & (bytes == 1 ? 0x7fu : 0x7fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) code = code << 6 | ((unsigned char)s[i] & 0x3fu);
  return code;
}

/* As src/io/text.c has it, which the commands must not use; tests/cli/show.c compares the two. No
 * controls, line and paragraph separators, marks of direction, and characters without width. */
static bool is_visible(uint32_t code)
{
  return code >= ' ' && !(code >= 0x7f && code < 0xa0) && !(code >= 0x200b && code <= 0x200f) &&
         !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
         code != 0xfeff;
}

void cli_show(FILE *to, const char *text)
{
  bool well_formed;
  for (size_t left = strlen(text), n; left > 0; left -= n, text += n) {
    n = cli_next_character(text, left, &well_formed);
    const uint32_t code = well_formed ? code_of(text, n) : 0;
    if (well_formed && is_visible(code)) {
      fwrite(text, 1, n, to);
    } else if (well_formed) {
      fprintf(to, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    } else {
      for (size_t i = 0; i < n; ++i) fprintf(to, "\\x%02x", (unsigned char)text[i]);
    }
  }
}
