/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of other programs: of another kind than their name says, or weights by their name. */
#ifndef SVF_IO_FOREIGN_H
#define SVF_IO_FOREIGN_H

#include <stddef.h>

#include <svf/status.h>

enum { SVF_FOREIGN_BYTES = 256 }; /* of a file's beginning, in which its kind is seen */

/* Returns FILE, with a message that says what the file is and what to do, if its first `count`
 * bytes are those of a Git LFS pointer, an HTML page, a GGUF file or a PyTorch checkpoint; else
 * OK. */
svf_status svf_foreign_check(const void *bytes, size_t count);

/* What a file is whose name is that of weights which svf does not read, such as "a GGUF file"; NULL
 * if the name is no such one. */
const char *svf_foreign_weights(const char *name);

#endif
