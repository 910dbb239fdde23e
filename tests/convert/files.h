/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of model directories share; the including file defines _GNU_SOURCE. */
#ifndef SVF_TESTS_CONVERT_FILES_H
#define SVF_TESTS_CONVERT_FILES_H

#include <svf/convert.h>

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

static inline svf_status pack_with(const char *dir, const char *out, const svf_model_options *model,
                                   double bits)
{
  const svf_pack_options o = {.size = sizeof o, .model = model, .bits = bits};
  return svf_model_pack(dir, out, &o);
}

/* On one thread, because OpenMP's other threads do not exist after a fork. */
static inline svf_status merge_with(const char *dir, const char *out, const float *gains,
                                    svf_dtype dtype, size_t file_bytes, svf_progress_fn *progress,
                                    void *context)
{
  const svf_merge_options o = {.size = sizeof o,
                               .dtype = dtype,
                               .threads = 1,
                               .file_bytes = file_bytes,
                               .progress = progress,
                               .progress_context = context};
  return svf_model_merge(dir, out, gains, &o);
}

#endif
