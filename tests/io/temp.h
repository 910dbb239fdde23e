/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory for the files of a test; the including file defines _GNU_SOURCE. */
#ifndef SVF_TESTS_TEMP_H
#define SVF_TESTS_TEMP_H

#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"

static char temp_root[64];

/* "<root>/<formatted>", in one of a few buffers that are used in turn. */
__attribute__((format(printf, 1, 2))) static inline const char *temp_path(const char *format, ...)
{
  static char paths[8][512];
  static unsigned turn;
  char *path = paths[turn++ % 8];
  va_list list;
  va_start(list, format);
  const int at = snprintf(path, sizeof paths[0], "%s/", temp_root);
  vsnprintf(path + at, sizeof paths[0] - (size_t)at, format, list);
  va_end(list);
  return path;
}

static inline void temp_make(void)
{
  const char *dir = getenv("TMPDIR");
  snprintf(temp_root, sizeof temp_root, "%s/svf-XXXXXX", dir && strlen(dir) < 40 ? dir : P_tmpdir);
  if (!mkdtemp(temp_root)) {
    perror(temp_root);
    exit(1);
  }
}

static inline int temp_remove_one(const char *path, const struct stat *info, int type,
                                  struct FTW *at)
{
  (void)info, (void)type, (void)at;
  return remove(path);
}

static inline void temp_remove(void) { nftw(temp_root, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* Files in the directory. */
static inline int temp_count(void)
{
  DIR *dir = opendir(temp_root);
  int count = 0;
  ck_assert_ptr_nonnull(dir);
  while (readdir(dir)) ++count;
  closedir(dir);
  return count - 2;
}

static inline void temp_write(const char *path, const void *bytes, size_t count)
{
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
  fclose(file);
}

static inline void temp_write_text(const char *path, const char *text)
{
  temp_write(path, text, strlen(text));
}

/* A safetensors file from its JSON and `data` bytes of data (0, 1, 2, ...). */
static inline void temp_write_tensors(const char *path, const char *json, size_t data)
{
  unsigned char bytes[4096];
  const uint64_t length = strlen(json);
  ck_assert_uint_le(8 + length + data, sizeof bytes);
  for (int i = 0; i < 8; ++i) bytes[i] = (unsigned char)(length >> (8 * i));
  memcpy(bytes + 8, json, length);
  for (size_t i = 0; i < data; ++i) bytes[8 + length + i] = (unsigned char)i;
  temp_write(path, bytes, 8 + length + data);
}

#endif
