/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_IO_ST_DTYPE_H
#define SVF_IO_ST_DTYPE_H

#include <stdbool.h>

#include <svf/safetensors.h>

/* The dtype of that name, as the files spell it; false if there is none. */
bool svf_st_dtype_parse(const char *name, svf_st_dtype *dtype);

/* A value that the enum names. */
bool svf_st_dtype_known(svf_st_dtype dtype);

/* Elements and bytes of a tensor, 0 if a dimension is; zeros hide no overflow of the others. false
 * on overflow. */
bool svf_st_shape_size(svf_st_dtype dtype, int ndim, const size_t *shape, size_t *elements,
                       size_t *bytes);

#endif
