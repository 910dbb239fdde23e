/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/io/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/foreign.h"
#include "src/io/text.h"

#define BLOBS "../../blobs"

static svf_status not_a_directory(const char *path)
{
  char begin[SVF_FOREIGN_BYTES];
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  const ssize_t count = fd >= 0 ? read(fd, begin, sizeof begin) : 0;
  if (fd >= 0) close(fd);
  svf_status status = svf_foreign_check(begin, count > 0 ? (size_t)count : 0);
  if (status == SVF_OK) {
    status = svf_fail(
        SVF_ERR_IO,
        "cannot open the directory: this is a file. A model is a directory with config.json "
        "and *.safetensors");
  }
  return svf_file_at_path(status, path);
}

svf_status svf_directory_open(const char *path, int *directory)
{
  *directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*directory >= 0) return SVF_OK;
  if (errno == ENOTDIR && access(path, F_OK) == 0) return not_a_directory(path);
  return svf_file_at_path(svf_file_error("cannot open the directory"), path);
}

bool svf_directory_has(int directory, const char *name)
{
  struct stat info;
  return fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_plain(int directory, const char *name)
{
  return openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
}

/* Opens a file in blobs/ of a cache. */
static svf_status open_blob(int directory, const char *name, int *fd)
{
  const int blobs = openat(directory, BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (blobs < 0) return svf_file_error("cannot open the directory " BLOBS);
  *fd = open_plain(blobs, name);
  const svf_status status =
      *fd >= 0 ? SVF_OK : svf_file_error("cannot open the file in " BLOBS " that it links to");
  close(blobs);
  return status;
}

/* The link's target is parsed instead of followed, so that nothing on the way can be a link. */
static svf_status open_link(int directory, const char *name, int *fd)
{
  char target[512];
  const size_t prefix = sizeof BLOBS; /* with the '/' */
  const ssize_t length = readlinkat(directory, name, target, sizeof target - 1);
  if (length < 0) return svf_file_error("cannot read the symbolic link");
  target[length] = 0;
  if (svf_text_is_file_name(target)) {
    *fd = open_plain(directory, target);
    return *fd >= 0 ? SVF_OK : svf_file_error("cannot open the file that it links to");
  }
  if (strncmp(target, BLOBS "/", prefix) == 0 && svf_text_is_file_name(target + prefix)) {
    return open_blob(directory, target + prefix, fd);
  }
  return svf_fail(SVF_ERR_FILE,
                  "a symbolic link to '%s', not to a file of the same directory or in %s/",
                  svf_text_show(target).text, BLOBS);
}

svf_status svf_directory_file(int directory, const char *name, int *fd)
{
  if (!svf_text_is_file_name(name)) {
    return svf_fail(SVF_ERR_FILE, "is not the name of a file in this directory");
  }
  *fd = open_plain(directory, name);
  if (*fd >= 0) return SVF_OK;
  if (errno == ELOOP) return open_link(directory, name, fd);
  return svf_file_error("cannot open");
}

svf_status svf_directory_read(int directory, const char *name, size_t max_bytes, char **data,
                              size_t *bytes)
{
  int fd;
  svf_status status = svf_directory_file(directory, name, &fd);
  if (status == SVF_OK) {
    status = svf_file_read_fd(fd, max_bytes, data, bytes);
    close(fd);
  }
  return svf_file_at_path(status, svf_text_show(name).text);
}
