/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory of a model. The names of its files may come from one of those files, so a name must
 * be that of a file in the directory itself. Symbolic links may lead anywhere and are refused, with
 * two exceptions: "<name>", to a regular file of the same directory, and "../../blobs/<name>", of
 * which Hugging Face's cache is made, from snapshots/<revision>/ to a regular file in blobs/. */
#ifndef SVF_IO_DIRECTORY_H
#define SVF_IO_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

/* Open a directory, to be closed by close(*directory). Errors: IO; the message begins with the
 * path. */
svf_status svf_directory_open(const char *path, int *directory);

/* True if the directory has an entry of that name, of any kind. */
bool svf_directory_has(int directory, const char *name);

/* Open a file for reading, to be closed by close(*fd). Errors: FILE (the name is not that of a file
 * in a directory, or a link is refused), IO; messages do not name the file. */
svf_status svf_directory_file(int directory, const char *name, int *fd);

/* svf_file_read_fd for a file of the directory; messages begin with its name. */
svf_status svf_directory_read(int directory, const char *name, size_t max_bytes, char **data,
                              size_t *bytes);

#endif
