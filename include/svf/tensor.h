/* SPDX-License-Identifier: Apache-2.0
 *
 * A tensor of a file: its name, type, shape and bytes (library svf_model). */
#ifndef SVF_TENSOR_H
#define SVF_TENSOR_H

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum svf_tensor_type {
  SVF_TENSOR_BOOL,
  SVF_TENSOR_U8,
  SVF_TENSOR_I8,
  SVF_TENSOR_F8_E4M3,
  SVF_TENSOR_F8_E5M2,
  SVF_TENSOR_U16,
  SVF_TENSOR_I16,
  SVF_TENSOR_F16,
  SVF_TENSOR_BF16,
  SVF_TENSOR_U32,
  SVF_TENSOR_I32,
  SVF_TENSOR_F32,
  SVF_TENSOR_U64,
  SVF_TENSOR_I64,
  SVF_TENSOR_F64,
  SVF_TENSOR_F4, /* 4 bits, two elements in a byte */
  SVF_TENSOR_F6_E2M3,
  SVF_TENSOR_F6_E3M2, /* 6 bits, four elements in three bytes */
  SVF_TENSOR_F8_E8M0,
  SVF_TENSOR_F8_E4M3FNUZ,
  SVF_TENSOR_F8_E5M2FNUZ,
  SVF_TENSOR_C64 /* complex: two F32 */
} svf_tensor_type;

#define SVF_TENSOR_MAX_DIMS 8

/* Set to zero first, except size = sizeof; the tensors of a file have the library's size. */
typedef struct svf_tensor {
  size_t size;
  const char *name; /* UTF-8, terminated; belongs to the file's handle */
  svf_tensor_type dtype;
  int ndim; /* 0 (a scalar) to SVF_TENSOR_MAX_DIMS */
  size_t shape[SVF_TENSOR_MAX_DIMS];
  size_t elements;
  const void *data; /* row-major, little-endian, any alignment; belongs to the file's handle */
  size_t bytes;     /* of data */
} svf_tensor;

/* Convert an F32, F16 or BF16 tensor exactly to fp32, into the caller's out[elements], which has
 * space for `capacity` floats. Errors: NULL, VERSION, SPACE (capacity < elements), UNSUPPORTED
 * (dtype, which the message names). Thread-safe. */
SVF_API svf_status svf_tensor_to_f32(const svf_tensor *tensor, float *out, size_t capacity);

/* "F32", "BF16", ...; "?" for an unknown value. Static strings. Thread-safe. */
SVF_API const char *svf_tensor_type_name(svf_tensor_type dtype);

#ifdef __cplusplus
}
#endif
#endif
