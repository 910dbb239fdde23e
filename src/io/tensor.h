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

/* False if one of the numbers in `bytes` of data, of any alignment, is NaN or Inf: the one such
 * check of F32, F16 and BF16. Always true for other types. */
bool svf_tensor_data_is_finite(svf_tensor_type dtype, const void *data, size_t bytes);

/* NUMERIC, naming a tensor that has NaN or Inf. */
svf_status svf_tensor_not_finite(const svf_tensor *tensor);
svf_status svf_tensor_check_finite(const svf_tensor *tensor);

#endif
