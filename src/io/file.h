/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading regular files. Messages of functions that take a path begin with it. Those of functions
 * that take a descriptor do not; svf_file_at_path adds it. */
#ifndef SVF_IO_FILE_H
#define SVF_IO_FILE_H

#include <stddef.h>

#include <svf/status.h>

/* Fails with IO or MEMORY and the message "<what>: <errno's text>". */
svf_status svf_file_error(const char *what);

/* Puts the path before the last message, if status is not OK. Returns status. */
svf_status svf_file_at_path(svf_status status, const char *path);

/* Open for reading, to be closed by close(*fd); never waits for the writer of a FIFO. Errors:
 * IO. */
svf_status svf_file_open(const char *path, int *fd);

/* The size of a regular file; others have none to check against. Errors: IO, FILE. */
svf_status svf_file_size(int fd, size_t *bytes);

/* Read exactly `bytes` bytes from `offset`. Errors: IO, also if the file ends before that. */
svf_status svf_file_read_at(int fd, void *buffer, size_t bytes, size_t offset);

/* Read all of a regular file. A terminating 0 follows, which *bytes does not count. Free *data by
 * free(). Nothing is allocated for a file of more than max_bytes. Errors: IO, FILE (too long),
 * MEMORY. */
svf_status svf_file_read_fd(int fd, size_t max_bytes, char **data, size_t *bytes);
svf_status svf_file_read(const char *path, size_t max_bytes, char **data, size_t *bytes);

#endif
