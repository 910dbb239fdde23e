/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory of a model, whose files' names may come from a file of it. A name is that of a file
 * in the directory itself. A symbolic link is refused, for it may lead anywhere, but for the one
 * kind that Hugging Face's cache is made of: "../../blobs/<name>", from snapshots/<revision>/ to a
 * regular file in blobs/. */
#ifndef SVF_IO_DIRECTORY_H
#define SVF_IO_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

/* close(*directory). Errors: IO; the message begins with the path. */
svf_status svf_directory_open(const char *path, int *directory);

/* There is something of that name, of whatever kind. */
bool svf_directory_has(int directory, const char *name);

/* Open a file for reading; close(*fd). Errors: FILE (no such name, a link as above), IO; messages
 * do not name the file. */
svf_status svf_directory_file(int directory, const char *name, int *fd);

/* svf_file_read_fd of a file of the directory; messages begin with the name. */
svf_status svf_directory_read(int directory, const char *name, size_t max_bytes, char **data,
                              size_t *bytes);

#endif
