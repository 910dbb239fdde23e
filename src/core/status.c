/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CUT "..."

static _Thread_local char message[512];

/* Ends a text that was cut at `at` so that it shows; at < sizeof message - 3. UTF-8 stays whole. */
static void mark_cut(char *text, size_t at)
{
  while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) --at;
  memcpy(text + at, CUT, sizeof CUT);
}

svf_status svf_fail(svf_status status, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(message, sizeof message, format, list);
  va_end(list);
  if (n >= (int)sizeof message) mark_cut(message, sizeof message - sizeof CUT);
  return status;
}

/* The reason is worth more than the place: this is what is cut, or left out, where both are too
 * long. */
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
  const size_t room = sizeof message > taken ? sizeof message - taken : 0;
  if (n < 0 || room < sizeof CUT) return status;
  if ((size_t)n > room) mark_cut(place, room - (sizeof CUT - 1));
  return svf_fail(status, "%s: %s", place, reason);
}

const char *svf_last_message(void) { return message; }

/* One byte more than a message has: svf_fail marks what it cuts. */
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
