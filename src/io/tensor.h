/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_IO_TENSOR_H
#define SVF_IO_TENSOR_H

#include <stdbool.h>

#include <svf/safetensors.h>

/* The type of that name as files spell it; false if there is none. */
bool svf_tensor_type_parse(const char *name, svf_tensor_type *dtype);

/* True for a value that the enum names. */
bool svf_tensor_type_known(svf_tensor_type dtype);

/* The numbers of elements and bytes of a tensor, which are 0 if a dimension is. False on overflow
 * of the other dimensions, even if one is 0, and for elements of less than a byte that end within a
 * byte. */
bool svf_tensor_shape_size(svf_tensor_type dtype, int ndim, const size_t *shape, size_t *elements,
                           size_t *bytes);

/* False if a number in `bytes` bytes of F32, F16 or BF16 data is NaN or Inf; data may have any
 * alignment. Always true for other types. */
bool svf_tensor_data_is_finite(svf_tensor_type dtype, const void *data, size_t bytes);

/* Fails with NUMERIC and a message that names the tensor, which has NaN or Inf. */
svf_status svf_tensor_not_finite(const svf_tensor *tensor);

/* Checks the tensor's data. Errors: NUMERIC, as above. */
svf_status svf_tensor_check_finite(const svf_tensor *tensor);

#endif
