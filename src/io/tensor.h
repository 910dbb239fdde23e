/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_IO_TENSOR_H
#define SVF_IO_TENSOR_H

#include <stdbool.h>

#include <svf/safetensors.h>

/* The dtype of that name, as the files spell it; false if there is none. */
bool svf_tensor_type_parse(const char *name, svf_tensor_type *dtype);

/* A value that the enum names. */
bool svf_tensor_type_known(svf_tensor_type dtype);

/* Elements and bytes of a tensor, 0 if a dimension is; zeros hide no overflow of the others. false
 * on overflow. */
bool svf_tensor_shape_size(svf_tensor_type dtype, int ndim, const size_t *shape, size_t *elements,
                           size_t *bytes);

#endif
