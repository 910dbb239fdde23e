/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of a caller's arrays. `name` is the argument or member that points to the array, for
 * messages; that of its type ends in "_type". */
#ifndef SVF_CORE_CHECK_H
#define SVF_CORE_CHECK_H

#include <stddef.h>

#include <svf/status.h>
#include <svf/types.h>

/* Errors: ARGUMENT if `type` is no element type. */
svf_status svf_check_type(const char *name, svf_dtype type);

/* Errors: ALIGNMENT if `data` is not aligned to elements of that type. NULL is. */
svf_status svf_check_aligned(const char *name, const void *data, svf_dtype type);

/* Checks `rows` >= 1 rows of `width` elements, `apart` elements from one row to the next: the type,
 * the pointer, and that all rows are addressable. Errors: ARGUMENT, NULL, ALIGNMENT, OVERFLOW. */
svf_status svf_check_matrix(const char *name, const void *data, svf_dtype type, size_t apart,
                            size_t rows, size_t width);

#endif
