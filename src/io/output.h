/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that appears whole or not at all: it is written next to its place as
 * ".<name>.<pid>-<number>.tmp" and renamed when all of it is on the disk. Whatever happens before
 * that, such as a full disk or a kill, does not touch the old content; a kill also leaves the
 * temporary file.
 *
 * Messages begin with the path. */
#ifndef SVF_IO_OUTPUT_H
#define SVF_IO_OUTPUT_H

#include <stddef.h>

#include <svf/status.h>

typedef struct svf_output svf_output;

/* Begin a file. A symbolic link in its place is replaced, not followed. Errors: ARGUMENT (the path
 * does not end in a file name), IO (also if the place is taken by something that is not a file,
 * such as a directory), MEMORY. */
svf_status svf_output_open(const char *path, svf_output **output);

/* Append. After a failure every later write, and commit, fails too. Errors: IO. */
svf_status svf_output_write(svf_output *output, const void *data, size_t bytes);

/* The path, for the caller's own messages. */
const char *svf_output_path(const svf_output *output);

/* Put the file in its place or, on error, remove the temporary file; frees in either case. Errors:
 * IO. */
svf_status svf_output_commit(svf_output **output);

/* Remove the temporary file and free; NULL is ignored. */
void svf_output_discard(svf_output **output);

/* Open, write and commit at once: `path` holds either its old content or all of the new, which is
 * then on the disk. Errors: those of open and write; the old content is left alone then. */
svf_status svf_output_replace(const char *path, const void *data, size_t bytes);

#endif
