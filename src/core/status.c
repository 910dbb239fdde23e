/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ELLIPSIS "..."

static _Thread_local char message[512];

/* Ends a truncated text in "..." at byte `at` < sizeof message - 3, or up to 3 bytes earlier, so
 * that no character of UTF-8 is divided. */
static void add_ellipsis(char *text, size_t at)
{
  while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) --at;
  memcpy(text + at, ELLIPSIS, sizeof ELLIPSIS);
}

svf_status svf_fail(svf_status status, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(message, sizeof message, format, list);
  va_end(list);
  if (n >= (int)sizeof message) add_ellipsis(message, sizeof message - sizeof ELLIPSIS);
  return status;
}

/* The reason is worth more than the place: where both are too long together, the place is truncated
 * or left out. */
svf_status svf_fail_at(svf_status status, const char *format, ...)
{
  if (status == SVF_OK) return status;
  char place[sizeof message], reason[sizeof message];
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(place, sizeof place, format, list);
  va_end(list);
  memcpy(reason, message, sizeof reason);
  const size_t taken = strlen(reason) + sizeof ": ";
  const size_t space = sizeof message > taken ? sizeof message - taken : 0;
  if (n < 0 || space < sizeof ELLIPSIS) return status;
  if ((size_t)n > space) add_ellipsis(place, space - (sizeof ELLIPSIS - 1));
  return svf_fail(status, "%s: %s", place, reason);
}

const char *svf_last_message(void) { return message; }

/* The copy has one byte more than a message, so that svf_fail sees that a text is too long, and
 * ends it in "...". */
svf_status svf_set_message(svf_status status, const char *text)
{
  char copy[sizeof message + 1];
  snprintf(copy, sizeof copy, "%s", text ? text : "");
  return svf_fail(status, "%s", copy);
}

const char *svf_status_name(svf_status status)
{
  switch (status) {
    case SVF_OK: return "OK";
    case SVF_ERR_NULL: return "NULL";
    case SVF_ERR_ARGUMENT: return "ARGUMENT";
    case SVF_ERR_OVERFLOW: return "OVERFLOW";
    case SVF_ERR_SPACE: return "SPACE";
    case SVF_ERR_ALIGNMENT: return "ALIGNMENT";
    case SVF_ERR_MAGIC: return "MAGIC";
    case SVF_ERR_VERSION: return "VERSION";
    case SVF_ERR_ENDIAN: return "ENDIAN";
    case SVF_ERR_CORRUPT: return "CORRUPT";
    case SVF_ERR_UNSUPPORTED: return "UNSUPPORTED";
    case SVF_ERR_MEMORY: return "MEMORY";
    case SVF_ERR_IO: return "IO";
    case SVF_ERR_FILE: return "FILE";
    case SVF_ERR_NUMERIC: return "NUMERIC";
    case SVF_ERR_FAILED: return "FAILED";
    case SVF_ERR_STOPPED: return "STOPPED";
  }
  return "?";
}
