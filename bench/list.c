/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/list.h"

#include <stdio.h>
#include <string.h>

bool list_next(const char **list, char *element, size_t bytes)
{
  if (!*list) return false;
  const size_t length = strcspn(*list, ",");
  snprintf(element, bytes, "%.*s", (int)length, *list);
  *list = (*list)[length] ? *list + length + 1 : NULL;
  return true;
}

bool list_has(const char *list, const char *name)
{
  char element[64];
  while (list_next(&list, element, sizeof element)) {
    if (strcmp(element, name) == 0) return true;
  }
  return false;
}

void list_add(char *text, size_t bytes, const char *name)
{
  const size_t length = strlen(text);
  snprintf(text + length, bytes - length, "%s%s", length ? "," : "", name);
}
