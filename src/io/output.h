/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that appears whole or not at all: it is written beside its place as
 * ".<name>.<pid>-<number>.tmp" and renamed over it when all of it is on the disk. Whatever happens
 * before, a full disk or a kill, leaves what was there alone; a kill also leaves the temporary.
 *
 * Messages begin with the path. */
#ifndef SVF_IO_OUTPUT_H
#define SVF_IO_OUTPUT_H

#include <stddef.h>

#include <svf/status.h>

typedef struct svf_output svf_output;

/* Errors: ARGUMENT (no file name at the end of the path), IO (also: something is there that is no
 * file, such as a directory; a symbolic link is replaced, not followed), MEMORY. */
svf_status svf_output_open(const char *path, svf_output **output);

/* Append. After a failure every other one, and commit, fails too. Errors: IO. */
svf_status svf_output_write(svf_output *output, const void *data, size_t bytes);

/* The path, for messages of the caller's own. */
const char *svf_output_path(const svf_output *output);

/* Put the file in its place, or remove the temporary; frees in any case. Errors: IO. */
svf_status svf_output_commit(svf_output **output);

/* Remove the temporary and free. */
void svf_output_discard(svf_output **output);

/* All of it at once: `path` holds its old content, or all of the new one and that is on the disk.
 * Errors: as open and write; the old content is left alone then. */
svf_status svf_output_replace(const char *path, const void *data, size_t bytes);

#endif
