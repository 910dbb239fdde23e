/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/contender.h"

#include "bench/list.h"

static const contender *const contenders[] = {
    &contender_svf,        &contender_svf_one,
#ifdef HAVE_ONEDNN
    &contender_onednn,
#endif
#ifdef HAVE_OPENBLAS
    &contender_openblas,   &contender_merge,
#endif
#if defined(HAVE_ONEDNN) && defined(HAVE_OPENBLAS)
    &contender_merge_bf16,
#endif
#ifdef HAVE_OPENBLAS
    &contender_dense,      &contender_models,
#endif
};

const char *contender_f32(svf_format format)
{
  (void)format;
  return svf_format_name(SVF_FORMAT_F32);
}

size_t contender_count(void) { return sizeof contenders / sizeof *contenders; }

const contender *contender_at(size_t i) { return contenders[i]; }

void contender_peers(char *text, size_t bytes)
{
  *text = 0;
  for (size_t i = 2; i < contender_count(); ++i) list_add(text, bytes, contenders[i]->name);
}

svf_format_traits format_traits(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  svf_format_get_traits(format, &t);
  return t;
}

svf_quant setup_quant(svf_format format, size_t group, size_t r)
{
  const svf_format_traits t = format_traits(format);
  return (svf_quant){.group = t.group_count > 1 ? group : 0,
                     .head = t.bands ? r / 8 / 256 * 256 : 0};
}

size_t setup_copies(const setup *s, size_t bytes)
{
  return 1 + (size_t)(s->cold_bytes / (double)bytes);
}
