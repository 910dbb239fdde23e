/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types of safetensors files, and the exact widening of floating-point types to fp32. It
 * works on bits, so that denormals and NaN payloads survive in any mode of the FPU. */
#include "src/io/tensor.h"

#include <string.h>

#include "kernels/f16.h"
#include "src/core/size.h"
#include "src/core/status.h"
#include "src/core/structs.h"

static const struct {
  const char *name;
  size_t bits;
} dtypes[] = {
    [SVF_TENSOR_BOOL] = {"BOOL", 8},
    [SVF_TENSOR_U8] = {"U8", 8},
    [SVF_TENSOR_I8] = {"I8", 8},
    [SVF_TENSOR_F8_E4M3] = {"F8_E4M3", 8},
    [SVF_TENSOR_F8_E5M2] = {"F8_E5M2", 8},
    [SVF_TENSOR_U16] = {"U16", 16},
    [SVF_TENSOR_I16] = {"I16", 16},
    [SVF_TENSOR_F16] = {"F16", 16},
    [SVF_TENSOR_BF16] = {"BF16", 16},
    [SVF_TENSOR_U32] = {"U32", 32},
    [SVF_TENSOR_I32] = {"I32", 32},
    [SVF_TENSOR_F32] = {"F32", 32},
    [SVF_TENSOR_U64] = {"U64", 64},
    [SVF_TENSOR_I64] = {"I64", 64},
    [SVF_TENSOR_F64] = {"F64", 64},
    [SVF_TENSOR_F4] = {"F4", 4},
    [SVF_TENSOR_F6_E2M3] = {"F6_E2M3", 6},
    [SVF_TENSOR_F6_E3M2] = {"F6_E3M2", 6},
    [SVF_TENSOR_F8_E8M0] = {"F8_E8M0", 8},
    [SVF_TENSOR_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8},
    [SVF_TENSOR_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8},
    [SVF_TENSOR_C64] = {"C64", 64},
};

enum { DTYPES = sizeof dtypes / sizeof *dtypes };

bool svf_tensor_type_parse(const char *name, svf_tensor_type *dtype)
{
  for (int i = 0; i < DTYPES; ++i) {
    if (strcmp(name, dtypes[i].name) == 0) {
      *dtype = (svf_tensor_type)i;
      return true;
    }
  }
  return false;
}

bool svf_tensor_type_known(svf_tensor_type dtype) { return (unsigned)dtype < DTYPES; }

bool svf_tensor_shape_size(svf_tensor_type dtype, int ndim, const size_t *shape, size_t *elements,
                           size_t *bytes)
{
  size_t product = 1;
  size_t whole;
  bool empty = false;
  for (int i = 0; i < ndim; ++i) {
    if (shape[i] == 0) {
      empty = true;
    } else if (!svf_size_mul(product, shape[i], &product)) {
      return false;
    }
  }
  const size_t bits = dtypes[dtype].bits;
  if (!svf_size_mul(product, bits % 8 == 0 ? bits / 8 : bits, &whole)) return false;
  if (bits % 8 != 0) {
    if (whole % 8 != 0 && !empty) return false;
    whole /= 8;
  }
  *elements = empty ? 0 : product;
  *bytes = empty ? 0 : whole;
  return true;
}

const char *svf_tensor_type_name(svf_tensor_type dtype)
{
  return svf_tensor_type_known(dtype) ? dtypes[dtype].name : "?";
}

static uint32_t load16(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8; }

static uint32_t load32(const unsigned char *p) { return load16(p) | load16(p + 2) << 16; }

static void store(float *out, uint32_t bits) { memcpy(out, &bits, sizeof bits); }

static svf_status widen(const svf_tensor *tensor, float *out)
{
  const unsigned char *p = tensor->data;
  switch (tensor->dtype) {
    case SVF_TENSOR_F32:
      for (size_t i = 0; i < tensor->elements; ++i) store(&out[i], load32(p + 4 * i));
      return SVF_OK;
    case SVF_TENSOR_BF16:
      for (size_t i = 0; i < tensor->elements; ++i) store(&out[i], load16(p + 2 * i) << 16);
      return SVF_OK;
    case SVF_TENSOR_F16:
      for (size_t i = 0; i < tensor->elements; ++i) store(&out[i], svf_f16_bits(load16(p + 2 * i)));
      return SVF_OK;
    default:
      return svf_fail(SVF_ERR_UNSUPPORTED, "tensor '%.80s': dtype %s does not convert to fp32",
                      tensor->name, svf_tensor_type_name(tensor->dtype));
  }
}

svf_status svf_tensor_to_f32(const svf_tensor *tensor, float *out, size_t capacity)
{
  svf_tensor t;
  if (!tensor || !out) return svf_fail(SVF_ERR_NULL, "%s is NULL", tensor ? "out" : "tensor");
  const svf_status status =
      svf_struct_read("tensor", tensor, SVF_SIZE_TO(svf_tensor, bytes), &t, sizeof t);
  if (status != SVF_OK) return status;
  if (capacity < t.elements) {
    return svf_fail(SVF_ERR_SPACE, "tensor '%.80s': capacity is %zu, elements is %zu", t.name,
                    capacity, t.elements);
  }
  return widen(&t, out);
}

/* --- Numbers are finite unless all bits of the exponent are ones ------------------------------ */

static bool all_finite_32(const unsigned char *p, size_t count, uint32_t exponent)
{
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) bad |= (load32(p + 4 * i) & exponent) == exponent;
  return bad == 0;
}

static bool all_finite_16(const unsigned char *p, size_t count, uint32_t exponent)
{
  uint32_t bad = 0;
  for (size_t i = 0; i < count; ++i) bad |= (load16(p + 2 * i) & exponent) == exponent;
  return bad == 0;
}

bool svf_tensor_data_is_finite(svf_tensor_type dtype, const void *data, size_t bytes)
{
  switch (dtype) {
    case SVF_TENSOR_F32: return all_finite_32(data, bytes / 4, 0x7f800000u);
    case SVF_TENSOR_BF16: return all_finite_16(data, bytes / 2, 0x7f80u);
    case SVF_TENSOR_F16: return all_finite_16(data, bytes / 2, 0x7c00u);
    default: return true;
  }
}

svf_status svf_tensor_not_finite(const svf_tensor *tensor)
{
  return svf_fail(SVF_ERR_NUMERIC, "tensor '%.80s' has NaN or Inf among its weights", tensor->name);
}

/* One NaN in a weight would reach every text, without a hint of where it came from. */
svf_status svf_tensor_check_finite(const svf_tensor *tensor)
{
  return svf_tensor_data_is_finite(tensor->dtype, tensor->data, tensor->bytes)
             ? SVF_OK
             : svf_tensor_not_finite(tensor);
}
