/* SPDX-License-Identifier: Apache-2.0 */
#include <svf/types.h>
#include <svf/version.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *svf_version(void)
{
  return TEXT(SVF_VERSION_MAJOR) "." TEXT(SVF_VERSION_MINOR) "." TEXT(SVF_VERSION_PATCH);
}

size_t svf_dtype_size(svf_dtype type)
{
  switch (type) {
    case SVF_DTYPE_F32: return 4;
    case SVF_DTYPE_BF16: return 2;
  }
  return 0;
}

const char *svf_dtype_name(svf_dtype type)
{
  switch (type) {
    case SVF_DTYPE_F32: return "f32";
    case SVF_DTYPE_BF16: return "bf16";
  }
  return "?";
}

const char *svf_format_name(svf_format format)
{
  static const char *const names[SVF_FORMAT_COUNT] = {"f32",      "bf16", "bf16-split", "s8",
                                                      "s8-split", "w8",   "w4",         "w84"};
  return (int)format >= 0 && format < SVF_FORMAT_COUNT ? names[format] : "?";
}
