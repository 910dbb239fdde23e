/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything is relative to the directory's descriptor, so it does not matter if the working
 * directory, or a link on the way, changes between open and commit. */
#define _POSIX_C_SOURCE 200809L
#include "src/io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/text.h"

enum {
  MAX_KEPT = 200,     /* bytes of the name in that of the temporary file, to keep below NAME_MAX */
  MAX_NUMBERS = 10000 /* temporary files of one process for one name */
};

struct svf_output {
  char *path;
  const char *name; /* points into path */
  char temporary[MAX_KEPT + 48];
  int directory;
  int fd;
  bool failed;
};

static svf_status open_directory(svf_output *output)
{
  const size_t length = (size_t)(output->name - output->path);
  char *copy = NULL;
  if (length > 0) {
    copy = malloc(length + 1);
    if (!copy) return svf_fail(SVF_ERR_MEMORY, "no memory for a path of %zu bytes", length);
    memcpy(copy, output->path, length);
    copy[length] = 0;
  }
  output->directory = open(copy ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const svf_status status =
      output->directory >= 0 ? SVF_OK : svf_file_error("cannot open the directory");
  free(copy);
  return status;
}

/* If rename cannot replace what is in the place, this finds out before hours of writing. */
static svf_status check_place(const svf_output *output)
{
  struct stat info;
  if (!svf_text_is_file_name(output->name)) {
    return svf_fail(SVF_ERR_ARGUMENT, "the path does not end in the name of a file");
  }
  if (fstatat(output->directory, output->name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? SVF_OK : svf_file_error("cannot stat");
  }
  if (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) return SVF_OK;
  return svf_fail(SVF_ERR_IO, "is there and not a regular file");
}

static svf_status create_temporary(svf_output *output)
{
  for (int number = 0; number < MAX_NUMBERS; ++number) {
    snprintf(output->temporary, sizeof output->temporary, ".%.*s.%ld-%d.tmp", (int)MAX_KEPT,
             output->name, (long)getpid(), number);
    output->fd = openat(output->directory, output->temporary,
                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (output->fd >= 0) return SVF_OK;
    if (errno != EEXIST) break; /* a killed process of the same id may have left it */
  }
  return svf_file_error("cannot create a temporary file next to it");
}

/* Closes and frees without removing any file. */
static void release(svf_output **output)
{
  if ((*output)->fd >= 0) close((*output)->fd);
  if ((*output)->directory >= 0) close((*output)->directory);
  free((*output)->path);
  free(*output);
  *output = NULL;
}

svf_status svf_output_open(const char *path, svf_output **out)
{
  *out = NULL;
  const size_t bytes = strlen(path) + 1;
  svf_output *output = calloc(1, sizeof *output);
  char *copy = malloc(bytes);
  if (!output || !copy) {
    free(output);
    free(copy);
    return svf_file_at_path(svf_fail(SVF_ERR_MEMORY, "no memory to write it"), path);
  }
  output->path = memcpy(copy, path, bytes);
  const char *slash = strrchr(output->path, '/');
  output->name = slash ? slash + 1 : output->path;
  output->directory = output->fd = -1;
  svf_status status = open_directory(output);
  if (status == SVF_OK) status = check_place(output);
  if (status == SVF_OK) status = create_temporary(output);
  if (status == SVF_OK) {
    *out = output;
    return SVF_OK;
  }
  release(&output);
  return svf_file_at_path(status, path);
}

const char *svf_output_path(const svf_output *output) { return output->path; }

svf_status svf_output_write(svf_output *output, const void *data, size_t bytes)
{
  const char *at = data;
  if (output->failed) {
    return svf_file_at_path(svf_fail(SVF_ERR_IO, "an earlier write failed"), output->path);
  }
  while (bytes > 0) {
    const ssize_t written = write(output->fd, at, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      output->failed = true;
      return svf_file_at_path(svf_file_error("cannot write"), output->path);
    }
    at += written;
    bytes -= (size_t)written;
  }
  return SVF_OK;
}

/* The content must be on the disk before the name is, and the name before success is reported. */
static svf_status put_in_place(svf_output *output)
{
  if (output->failed) return svf_fail(SVF_ERR_IO, "an earlier write failed");
  if (fsync(output->fd) != 0) return svf_file_error("cannot write to the disk");
  const int closed = close(output->fd);
  output->fd = -1;
  if (closed != 0) return svf_file_error("cannot close");
  if (renameat(output->directory, output->temporary, output->directory, output->name) != 0) {
    return svf_file_error("cannot rename the temporary file");
  }
  output->temporary[0] = 0;
  if (fsync(output->directory) != 0 &&
      errno != EINVAL) { /* EINVAL: the file system has no such thing */
    return svf_file_error("cannot write its directory to the disk");
  }
  return SVF_OK;
}

svf_status svf_output_commit(svf_output **output)
{
  const svf_status status = svf_file_at_path(put_in_place(*output), (*output)->path);
  svf_output_discard(output);
  return status;
}

void svf_output_discard(svf_output **output)
{
  if (!*output) return;
  if ((*output)->temporary[0]) unlinkat((*output)->directory, (*output)->temporary, 0);
  release(output);
}

svf_status svf_output_replace(const char *path, const void *data, size_t bytes)
{
  svf_output *output;
  svf_status status = svf_output_open(path, &output);
  if (status != SVF_OK) return status;
  status = svf_output_write(output, data, bytes);
  if (status == SVF_OK) return svf_output_commit(&output);
  svf_output_discard(&output);
  return status;
}
