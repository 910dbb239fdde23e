/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of model directories share; the including file defines _GNU_SOURCE. */
#ifndef SVF_TESTS_DECOMPOSE_FILES_H
#define SVF_TESTS_DECOMPOSE_FILES_H

#include "tests/io/temp.h"

static inline char *slurp(const char *dir, const char *name, size_t *bytes)
{
  char path[600];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "rb");
  ck_assert_msg(f != NULL, "%s", path);
  char *data = malloc(1 << 20);
  *bytes = fread(data, 1, 1 << 20, f);
  fclose(f);
  return data;
}

static inline void same_file(const char *a, const char *b, const char *name)
{
  size_t n, m;
  char *x = slurp(a, name, &n), *y = slurp(b, name, &m);
  ck_assert_msg(n == m && memcmp(x, y, n) == 0, "%s differs", name);
  free(x);
  free(y);
}

/* svf_progress_fn: stops before step *context. */
static inline bool stop_at(void *context, size_t done, size_t all, const char *what)
{
  (void)all, (void)what;
  return done == *(size_t *)context;
}

#endif
