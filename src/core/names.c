/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/names.h"

#include <stdio.h>
#include <string.h>

#include "src/core/status.h"

static void list_names(svf_name_fn *known, char *text, size_t bytes)
{
  text[0] = 0;
  for (size_t i = 0; known(i); ++i) {
    const size_t at = strlen(text);
    snprintf(text + at, bytes - at, "%s%s", i > 0 ? ", " : "", known(i));
  }
}

svf_status svf_name_find(const char *what, const char *name, const char *kind, svf_name_fn *known,
                         size_t *index)
{
  char text[256];
  if (!name) return svf_fail(SVF_ERR_NULL, "%s is NULL", what);
  for (size_t i = 0; known(i); ++i) {
    if (strcmp(name, known(i)) != 0) continue;
    *index = i;
    return SVF_OK;
  }
  list_names(known, text, sizeof text);
  return svf_fail(SVF_ERR_ARGUMENT, "%s is '%.32s', which is no %s: %s", what, name, kind, text);
}
