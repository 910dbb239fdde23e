/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/core/status.h"

svf_status svf_file_error(const char *what)
{
  const int error = errno;
  return svf_fail(error == ENOMEM ? SVF_ERR_MEMORY : SVF_ERR_IO, "%s: %s", what, strerror(error));
}

svf_status svf_file_at_path(svf_status status, const char *path)
{
  return svf_fail_at(status, "%s", path);
}

svf_status svf_file_open(const char *path, int *fd)
{
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  return *fd >= 0 ? SVF_OK : svf_file_at_path(svf_file_error("cannot open"), path);
}

svf_status svf_file_size(int fd, size_t *bytes)
{
  struct stat info;
  if (fstat(fd, &info) != 0) return svf_file_error("cannot stat");
  if (!S_ISREG(info.st_mode)) return svf_fail(SVF_ERR_IO, "not a regular file");
  if ((uintmax_t)info.st_size > SIZE_MAX) {
    return svf_fail(SVF_ERR_FILE, "larger than the address space");
  }
  *bytes = (size_t)info.st_size;
  return SVF_OK;
}

svf_status svf_file_read_at(int fd, void *buffer, size_t bytes, size_t offset)
{
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got = pread(fd, (char *)buffer + done, bytes - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return svf_file_error("cannot read");
    if (got == 0) return svf_fail(SVF_ERR_IO, "the file shrank to %zu bytes", offset + done);
    done += (size_t)got;
  }
  return SVF_OK;
}

svf_status svf_file_read_fd(int fd, size_t max_bytes, char **data, size_t *bytes)
{
  size_t size;
  svf_status status = svf_file_size(fd, &size);
  if (status != SVF_OK) return status;
  if (size > max_bytes) {
    return svf_fail(SVF_ERR_FILE, "the file has %zu bytes, the limit is %zu", size, max_bytes);
  }
  char *buffer = malloc(size + 1);
  if (!buffer) return svf_fail(SVF_ERR_MEMORY, "no memory for a file of %zu bytes", size);
  status = svf_file_read_at(fd, buffer, size, 0);
  if (status != SVF_OK) {
    free(buffer);
    return status;
  }
  buffer[size] = 0;
  *data = buffer;
  *bytes = size;
  return SVF_OK;
}

svf_status svf_file_read(const char *path, size_t max_bytes, char **data, size_t *bytes)
{
  int fd;
  svf_status status = svf_file_open(path, &fd);
  if (status != SVF_OK) return status;
  status = svf_file_read_fd(fd, max_bytes, data, bytes);
  close(fd);
  return svf_file_at_path(status, path);
}
