/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE = 1024 }; /* more than the library keeps, which marks where it cuts */

int cli_exit_code(svf_status status)
{
  switch (status) {
    case SVF_OK: return EXIT_OK;
    case SVF_ERR_ARGUMENT: return EXIT_USAGE;
    case SVF_ERR_IO:
    case SVF_ERR_FILE:
    case SVF_ERR_UNSUPPORTED: /* a model's architecture, a tokenizer's rule, a tensor's type */
    case SVF_ERR_NUMERIC:     /* NaN among its weights */
    case SVF_ERR_OVERFLOW:    /* sizes in a file that cannot be counted */
    case SVF_ERR_MAGIC:
    case SVF_ERR_VERSION:
    case SVF_ERR_ENDIAN:
    case SVF_ERR_CORRUPT: return EXIT_BAD_FILE;
    case SVF_ERR_STOPPED: return EXIT_INTERRUPTED;
    default: return EXIT_FAILED;
  }
}

svf_status cli_fail(svf_status status, const char *format, ...)
{
  char text[MESSAGE];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  return svf_set_message(status, text);
}

/* The reason matters more than the place, of which only as much is kept as fits. */
svf_status cli_fail_at(svf_status status, const char *format, ...)
{
  enum { WHOLE = 500 }; /* bytes that the library keeps uncut */
  char place[MESSAGE];
  va_list list;
  if (status == SVF_OK) return status;
  va_start(list, format);
  vsnprintf(place, sizeof place, format, list);
  va_end(list);
  const char *reason = svf_last_message();
  const size_t taken = strlen(reason) + sizeof "...: ";
  const size_t room = taken < WHOLE ? WHOLE - taken : 0;
  const char *dots = strlen(place) > room ? "..." : "";
  return cli_fail(status, "%.*s%s: %s", (int)room, place, dots, reason);
}

bool cli_take_index(const char *array, size_t *i)
{
  static const char after[] = "]: ";
  const char *message = svf_last_message();
  const size_t length = strlen(array);
  if (strncmp(message, array, length) != 0 || message[length] != '[') return false;
  char *end;
  const unsigned long long index = strtoull(message + length + 1, &end, 10);
  if (strncmp(end, after, sizeof after - 1) != 0) return false;
  *i = (size_t)index;
  (void)cli_fail(SVF_ERR_FAILED, "%s", end + sizeof after - 1);
  return true;
}

svf_status cli_fail_errno(const char *what)
{
  const int error = errno;
  return cli_fail(error == ENOMEM ? SVF_ERR_MEMORY : SVF_ERR_IO, "%s: %s", what, strerror(error));
}

cli_short cli_shorten(const char *text)
{
  cli_short s;
  size_t n = sizeof s.text - sizeof "...";
  if (strlen(text) < sizeof s.text) {
    snprintf(s.text, sizeof s.text, "%s", text);
    return s;
  }
  while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) --n;
  snprintf(s.text, sizeof s.text, "%.*s...", (int)n, text);
  return s;
}
