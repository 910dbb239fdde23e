/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/check.h"

#include <stdint.h>

#include "src/core/size.h"
#include "src/core/status.h"

svf_status svf_check_type(const char *name, svf_dtype type)
{
  if (svf_dtype_size(type) > 0) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "%s_type is %d, which is no element type", name, (int)type);
}

svf_status svf_check_aligned(const char *name, const void *data, svf_dtype type)
{
  if ((uintptr_t)data % svf_dtype_size(type) == 0) return SVF_OK;
  return svf_fail(SVF_ERR_ALIGNMENT, "%s is at %p, not aligned to its %s elements", name, data,
                  svf_dtype_name(type));
}

svf_status svf_check_matrix(const char *name, const void *data, svf_dtype type, size_t apart,
                            size_t rows, size_t width)
{
  size_t extent;
  svf_status status = svf_check_type(name, type);
  if (status != SVF_OK) return status;
  if (!data) return svf_fail(SVF_ERR_NULL, "%s is NULL with rows = %zu", name, rows);
  status = svf_check_aligned(name, data, type);
  if (status != SVF_OK) return status;
  if (svf_size_mul(rows - 1, apart, &extent) && svf_size_add(extent, width, &extent) &&
      svf_size_mul(extent, svf_dtype_size(type), &extent) && extent <= PTRDIFF_MAX) {
    return SVF_OK;
  }
  return svf_fail(SVF_ERR_OVERFLOW, "%s: %zu rows, %zu elements apart, exceed the address space",
                  name, rows, apart);
}
