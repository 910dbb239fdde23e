/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[512];

svf_status svf_fail(svf_status status, const char *format, ...)
{
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  return status;
}

svf_status svf_fail_at(svf_status status, const char *format, ...)
{
  if (status == SVF_OK) return status;
  char place[sizeof message], reason[sizeof message];
  va_list list;
  va_start(list, format);
  vsnprintf(place, sizeof place, format, list);
  va_end(list);
  memcpy(reason, message, sizeof reason);
  return svf_fail(status, "%s: %s", place, reason);
}

const char *svf_last_message(void) { return message; }

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
