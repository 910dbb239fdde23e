/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/structs.h"

#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

static size_t size_of(const void *p)
{
  size_t size;
  memcpy(&size, p, sizeof size);
  return size;
}

/* A size that was never set is likely to be huge, and as many bytes must not be touched. */
static svf_status check_size(const char *name, const char *member, size_t size, size_t first)
{
  enum { STRUCT_MOST = 1 << 16 };
  if (size > STRUCT_MOST) {
    return svf_fail(SVF_ERR_VERSION, "%s%s is %zu, which no version of this struct has", name,
                    member, size);
  }
  if (size >= first) return SVF_OK;
  return svf_fail(SVF_ERR_VERSION, "%s%s is %zu, less than the %zu bytes of the first version",
                  name, member, size, first);
}

static bool all_zero(const unsigned char *p, size_t bytes)
{
  size_t i = 0;
  while (i < bytes && p[i] == 0) ++i;
  return i == bytes;
}

svf_status svf_struct_read(const char *name, const void *from, size_t first, void *to, size_t ours)
{
  const size_t size = size_of(from);
  const svf_status status = check_size(name, "->size", size, first);
  if (status != SVF_OK) return status;
  if (size > ours && !all_zero((const unsigned char *)from + ours, size - ours)) {
    return svf_fail(SVF_ERR_VERSION,
                    "%s->size is %zu, this library knows %zu bytes and those beyond are not zero",
                    name, size, ours);
  }
  memset(to, 0, ours);
  memcpy(to, from, svf_size_min(size, ours));
  memcpy(to, &ours, sizeof ours);
  return SVF_OK;
}

svf_status svf_struct_read_options(const char *name, const void *from, size_t first, void *to,
                                   size_t ours)
{
  if (from) return svf_struct_read(name, from, first, to, ours);
  memset(to, 0, ours);
  memcpy(to, &ours, sizeof ours);
  return SVF_OK;
}

svf_status svf_struct_write(const char *name, const void *from, size_t ours, void *to, size_t first)
{
  const size_t size = size_of(to);
  const svf_status status = check_size(name, "->size", size, first);
  if (status != SVF_OK) return status;
  memset(to, 0, size);
  memcpy(to, from, svf_size_min(size, ours));
  memcpy(to, &size, sizeof size);
  return SVF_OK;
}

svf_status svf_struct_step(const char *name, const void *array, size_t count, size_t first,
                           size_t *step)
{
  size_t bytes;
  *step = 0;
  if (count == 0) return SVF_OK;
  const size_t size = size_of(array);
  const svf_status status = check_size(name, "[0].size", size, first);
  if (status != SVF_OK) return status;
  if (!svf_size_mul(size, count, &bytes)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%s: %zu elements of %zu bytes exceed SIZE_MAX", name, count,
                    size);
  }
  for (size_t i = 1; i < count; ++i) {
    const size_t other = size_of((const char *)array + i * size);
    if (other == size) continue;
    return svf_fail(SVF_ERR_VERSION, "%s[%zu].size is %zu, %s[0].size is %zu: all must be equal",
                    name, i, other, name, size);
  }
  *step = size;
  return SVF_OK;
}
