/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/show.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

static bool is_visible(utf8proc_int32_t code)
{
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF: /* marks of direction, characters without width */
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
  }
}

void cli_show(FILE *to, const char *text)
{
  utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text), length;
  for (; left > 0; left -= length, text += length) {
    utf8proc_int32_t code;
    length = utf8proc_iterate((const utf8proc_uint8_t *)text, left, &code);
    if (length <= 0) {
      fprintf(to, "\\x%02x", (unsigned char)*text);
      length = 1;
    } else if (is_visible(code)) {
      fwrite(text, 1, (size_t)length, to);
    } else {
      fprintf(to, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    }
  }
}
