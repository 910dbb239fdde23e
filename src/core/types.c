/* SPDX-License-Identifier: Apache-2.0 */
#include <svf/types.h>
#include <svf/version.h>

#include "kernels/format.h"
#include "src/core/names.h"
#include "src/core/status.h"
#include "src/core/structs.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *svf_version(void)
{
  return TEXT(SVF_VERSION_MAJOR) "." TEXT(SVF_VERSION_MINOR) "." TEXT(SVF_VERSION_PATCH);
}

/* --- Element types ---------------------------------------------------------------------------- */

/* Indexed by the type's value. */
static const struct {
  const char *name;
  size_t size;
} dtypes[] = {[SVF_DTYPE_F32] = {"f32", 4}, [SVF_DTYPE_BF16] = {"bf16", 2}};

enum { DTYPES = sizeof dtypes / sizeof *dtypes };

size_t svf_dtype_size(svf_dtype type) { return (unsigned)type < DTYPES ? dtypes[type].size : 0; }

static const char *dtype_name_at(size_t i) { return i < DTYPES ? dtypes[i].name : NULL; }

const char *svf_dtype_name(svf_dtype type)
{
  return (unsigned)type < DTYPES ? dtypes[type].name : "?";
}

svf_status svf_dtype_parse(const char *name, svf_dtype *type)
{
  size_t i = 0;
  if (!type) return svf_fail(SVF_ERR_NULL, "type is NULL");
  const svf_status status = svf_name_find("name", name, "element type", dtype_name_at, &i);
  if (status == SVF_OK) *type = (svf_dtype)i;
  return status;
}

/* --- Formats ---------------------------------------------------------------------------------- */

const char *svf_format_name(svf_format format)
{
  const svf_format_row *row = svf_format_of(format);
  return row ? row->traits.name : "?";
}

static const char *format_name_at(size_t i)
{
  return i < svf_format_count() ? svf_format_name(svf_format_at(i)) : NULL;
}

svf_status svf_format_parse(const char *name, svf_format *format)
{
  size_t i = 0;
  if (!format) return svf_fail(SVF_ERR_NULL, "format is NULL");
  const svf_status status = svf_name_find("name", name, "format", format_name_at, &i);
  if (status == SVF_OK) *format = svf_format_at(i);
  return status;
}

svf_status svf_format_get_traits(svf_format format, svf_format_traits *traits)
{
  if (!traits) return svf_fail(SVF_ERR_NULL, "traits is NULL");
  const svf_format_row *row = svf_format_of(format);
  if (!row) {
    return svf_fail(SVF_ERR_ARGUMENT, "format is %d, which is no format of this library",
                    (int)format);
  }
  return svf_struct_write("traits", &row->traits, sizeof row->traits, traits,
                          SVF_SIZE_TO(svf_format_traits, group_count));
}
