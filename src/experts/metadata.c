/* SPDX-License-Identifier: Apache-2.0 */
#include "src/experts/metadata.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/text.h"

static const char format_version[] = "1";

static svf_status bad_value(const char *key, const char *value, const char *expected)
{
  return svf_fail(SVF_ERR_FILE, "%s is '%s', not %s", key, svf_text_show(value).text, expected);
}

static svf_status required(const svf_safetensors *file, const char *key, const char **value)
{
  *value = svf_safetensors_metadata(file, key);
  if (*value) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "the metadata lack %s: is this an expert's file?", key);
}

static svf_status read_version(const svf_safetensors *file)
{
  const char *value;
  const svf_status status = required(file, "svf.format", &value);
  if (status != SVF_OK || strcmp(value, format_version) == 0) return status;
  return svf_fail(SVF_ERR_VERSION, "svf.format is '%s', this library reads '%s'",
                  svf_text_show(value).text, format_version);
}

static svf_status read_factors(const svf_safetensors *file, uint64_t *factors)
{
  enum { DIGITS = 16 };
  static const char digits[] = "0123456789abcdef";
  const char *key = "svf.factors", *value;
  const svf_status status = required(file, key, &value);
  if (status != SVF_OK) return status;
  *factors = 0;
  if (strlen(value) == DIGITS && strspn(value, digits) == DIGITS) {
    for (size_t i = 0; i < DIGITS; ++i) {
      *factors = *factors << 4 | (uint64_t)(strchr(digits, value[i]) - digits);
    }
  }
  return *factors ? SVF_OK : bad_value(key, value, "16 digits 0-9a-f that are not all 0");
}

static svf_status read_parametrisation(const svf_safetensors *file, svf_parametrisation *kind)
{
  const char *key = "svf.parametrisation", *value;
  const svf_status status = required(file, key, &value);
  if (status != SVF_OK) return status;
  if (svf_parametrisation_parse(value, kind) == SVF_OK) return SVF_OK;
  return bad_value(key, value, "'direct' or 'sigmoid'");
}

static svf_status read_scale(const svf_safetensors *file, float *scale)
{
  const char *key = "svf.scale", *value;
  double number = 0;
  svf_status status = required(file, key, &value);
  if (status != SVF_OK) return status;
  status = svf_json_read_number(value, &number);
  *scale = (float)number;
  return svf_fail_at(status, "%s", key);
}

static svf_status read_normalise(const svf_safetensors *file, bool *normalise)
{
  const char *key = "svf.normalise", *value;
  const svf_status status = required(file, key, &value);
  if (status != SVF_OK) return status;
  *normalise = strcmp(value, "1") == 0;
  return *normalise || strcmp(value, "0") == 0 ? SVF_OK : bad_value(key, value, "'0' or '1'");
}

svf_status svf_expert_metadata_read(const svf_safetensors *file, svf_expert_info *info)
{
  svf_status status = read_version(file);
  if (status == SVF_OK) status = read_factors(file, &info->factors);
  if (status == SVF_OK) status = read_parametrisation(file, &info->parametrisation);
  if (status == SVF_OK) status = read_scale(file, &info->scale);
  if (status == SVF_OK) status = read_normalise(file, &info->normalise);
  info->task = svf_safetensors_metadata(file, "svf.task");
  info->trained = svf_safetensors_metadata(file, "svf.trained");
  return status;
}

svf_status svf_expert_metadata_print(const svf_expert_info *info, svf_expert_metadata *out)
{
  const svf_safetensors_pair pairs[SVF_EXPERT_PAIRS] = {
      {"svf.format", format_version},
      {"svf.factors", out->factors},
      {"svf.parametrisation", svf_parametrisation_name(info->parametrisation)},
      {"svf.scale", out->scale},
      {"svf.normalise", info->normalise ? "1" : "0"},
      {"svf.task", info->task},
      {"svf.trained", info->trained}};
  out->count = 0;
  for (size_t i = 0; i < SVF_EXPERT_PAIRS; ++i) {
    if (pairs[i].value) out->pairs[out->count++] = pairs[i];
  }
  snprintf(out->factors, sizeof out->factors, "%016" PRIx64, info->factors);
  /* 9 digits are enough to read every fp32 back exactly */
  return svf_json_print_number((double)info->scale, 9, out->scale);
}
