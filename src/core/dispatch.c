/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of a registry row by CPU features. The only state is two atomics: the features, which
 * are read once, and what svf_isa_select asked for. */
#include "src/core/dispatch.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/format.h"
#include "src/core/amx.h"
#include "src/core/isa.h"
#include "src/core/status.h"

static const struct {
  uint64_t bit;
  const char *name;
} feature_names[] = {
    {SVF_CPU_AVX2, "avx2"},
    {SVF_CPU_FMA, "fma"},
    {SVF_CPU_F16C, "f16c"},
    {SVF_CPU_AVX512F, "avx512f"},
    {SVF_CPU_AVX512BW, "avx512bw"},
    {SVF_CPU_AVX512DQ, "avx512dq"},
    {SVF_CPU_AVX512VL, "avx512vl"},
    {SVF_CPU_AMX_TILE, "amx-tile"},
    {SVF_CPU_AMX_BF16, "amx-bf16"},
    {SVF_CPU_AMX_INT8, "amx-int8"},
    {SVF_CPU_AVX512VNNI, "avx512_vnni"},
    {SVF_CPU_AVXVNNI, "avx_vnni"},
    {SVF_CPU_AVX512BF16, "avx512_bf16"},
    {SVF_CPU_NEON, "neon"},
    {SVF_CPU_NEON_DOTPROD, "neon-dotprod"},
    {SVF_CPU_NEON_I8MM, "neon-i8mm"},
    {SVF_CPU_NEON_BF16, "neon-bf16"},
};

static _Atomic int selected_isa = SVF_ISA_AUTO;

/* On a virtual machine CPUID traps to the hypervisor, so the answer is kept. Threads that race here
 * store the same value. */
static uint64_t features(void)
{
  static _Atomic uint64_t known;
  static const uint64_t asked = UINT64_C(1) << 63;
  uint64_t f = atomic_load_explicit(&known, memory_order_relaxed);
  if (!f) {
    f = svf_cpu_features() | asked;
    atomic_store_explicit(&known, f, memory_order_relaxed);
  }
  return f & ~asked;
}

/* Judged by what the CPU has, which never changes. What the operating system permits may become
 * known only later. */
static bool can_run(uint64_t has, uint64_t needs) { return (needs & ~has) == 0; }

/* The operating system is asked for tiles when they are first needed, not before. */
static bool is_permitted(const svf_kernel *kernel)
{
  return !(kernel->needs & SVF_CPU_AMX_TILE) || svf_amx_permitted();
}

/* True if the kernels below this one are faster on this CPU. */
static bool is_slow(uint64_t has, const svf_kernel *kernel) { return (kernel->slow_on & has) != 0; }

/* The best instruction set for a CPU, with or without tiles. */
static svf_isa best_of(uint64_t has, bool tiles)
{
  for (size_t i = svf_kernel_count(); i-- > 0;) {
    const svf_kernel *kernel = svf_kernel_at(i);
    if (!can_run(has, kernel->needs) || is_slow(has, kernel)) continue;
    if (tiles || !(kernel->needs & SVF_CPU_AMX_TILE)) return kernel->isa;
  }
  return SVF_ISA_REF;
}

svf_isa svf_choose_isa(uint64_t has) { return best_of(has, !svf_amx_refused()); }

const svf_kernel *svf_choose_kernel(uint64_t has, svf_isa isa, svf_format weights, size_t group,
                                    size_t rows)
{
  const svf_kernel *best_one = NULL;
  for (size_t i = svf_kernel_count(); i-- > 0;) {
    const svf_kernel *k = svf_kernel_at(i);
    if (k->format != weights || !can_run(has, k->needs)) continue;
    if (k->isa != isa && (is_slow(has, k) || !svf_isa_within(k->isa, isa))) continue;
    if (!is_permitted(k)) continue;
    if (rows >= k->least_rows[group != SVF_GROUP_LEAST]) return k;
    if (!best_one) best_one = k;
  }
  return best_one;
}

bool svf_isa_supported(svf_isa isa)
{
  const uint64_t has = features();
  if (isa == SVF_ISA_AUTO) return true;
  for (size_t i = svf_kernel_count(); i-- > 0;) { /* the last are the best, and asked for most */
    const svf_kernel *kernel = svf_kernel_at(i);
    if (kernel->isa == isa && can_run(has, kernel->needs)) return true;
  }
  return false;
}

/* Says why `isa` cannot run: this build has no kernel of it, or the CPU lacks a feature. */
static svf_status unsupported(svf_isa isa)
{
  for (size_t i = 0; i < svf_kernel_count(); ++i) {
    const svf_kernel *kernel = svf_kernel_at(i);
    if (kernel->isa != isa) continue;
    for (size_t f = 0; f < sizeof feature_names / sizeof *feature_names; ++f) {
      if (kernel->needs & ~features() & feature_names[f].bit) {
        return svf_fail(SVF_ERR_UNSUPPORTED,
                        "isa is %s, but this CPU or operating system lacks %s; the best here is %s",
                        svf_isa_name(isa), feature_names[f].name,
                        svf_isa_name(svf_choose_isa(features())));
      }
    }
  }
  if (!svf_isa_known(isa)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "isa is %d, which is not an instruction set", (int)isa);
  }
  return svf_fail(SVF_ERR_UNSUPPORTED, "isa is %s, for which this build has no kernel",
                  svf_isa_name(isa));
}

svf_status svf_isa_select(svf_isa isa)
{
  if (!svf_isa_supported(isa)) return unsupported(isa);
  svf_amx_ask_again();
  atomic_store(&selected_isa, (int)isa);
  return SVF_OK;
}

svf_status svf_isa_select_env(void)
{
  const char *name = getenv("SVF_ISA");
  if (!name || !*name) return SVF_OK;
  svf_isa isa = SVF_ISA_AUTO;
  const svf_status status = svf_isa_parse_from("SVF_ISA", name, &isa);
  return status == SVF_OK ? svf_isa_select(isa) : status;
}

svf_isa svf_isa_selected(void)
{
  const svf_isa isa = (svf_isa)atomic_load(&selected_isa);
  return isa == SVF_ISA_AUTO ? svf_choose_isa(features()) : isa;
}

svf_isa svf_isa_settle(svf_isa isa)
{
  if (isa == SVF_ISA_AUTO) isa = svf_isa_selected();
  if (isa != SVF_ISA_AMX || svf_amx_permitted()) return isa;
  return best_of(features(), false);
}

svf_isa svf_isa_serving(svf_isa isa, svf_format format)
{
  const svf_format_row *row = svf_format_of(format);
  if (!row || !svf_isa_supported(isa)) return SVF_ISA_AUTO;
  if (isa == SVF_ISA_AUTO) isa = svf_isa_selected();
  const svf_kernel *kernel = svf_choose_kernel(features(), isa, row->traits.weights, 0, SIZE_MAX);
  return kernel ? kernel->isa : SVF_ISA_AUTO;
}

svf_status svf_dispatch(svf_isa isa, svf_format weights, size_t group, size_t rows,
                        const svf_kernel **kernel)
{
  if (isa == SVF_ISA_AUTO) isa = svf_isa_selected();
  if (!svf_isa_supported(isa)) return unsupported(isa);
  *kernel = svf_choose_kernel(features(), isa, weights, group, rows);
  if (*kernel) return SVF_OK;
  return svf_fail(SVF_ERR_UNSUPPORTED, "isa is %s, for which this build has no kernel of format %s",
                  svf_isa_name(isa), svf_format_name(weights));
}

/* Measured as the share of memory bandwidth that one row of bf16 reaches: on Granite Rapids 94 %
 * with 8 lines, 78 % with 96 and more; on Zen 5 84 % with 96 lines, 77 % with 24. */
size_t svf_fetch_distance(void)
{
  enum { NEAR = 8, FAR = 96 };
  return features() & SVF_CPU_INTEL ? NEAR : FAR;
}

/* True if a kernel of this ISA may serve while the selected one is asked for. */
static bool serves(svf_isa isa, uint64_t needs)
{
  return svf_isa_within(isa, svf_isa_selected()) && can_run(features(), needs);
}

const svf_half_kernel *svf_dispatch_half(void)
{
  size_t i = svf_half_count() - 1;
  while (i > 0 && !serves(svf_half_at(i)->isa, svf_half_at(i)->needs)) --i;
  return svf_half_at(i);
}

const svf_ops_kernel *svf_dispatch_ops(void)
{
  size_t i = svf_ops_count() - 1;
  while (i > 0 && !serves(svf_ops_at(i)->isa, svf_ops_at(i)->needs)) --i;
  return svf_ops_at(i);
}

const svf_quant_kernel *svf_dispatch_quant(void)
{
  size_t i = svf_quant_count() - 1;
  while (i > 0 && !serves(svf_quant_at(i)->isa, svf_quant_at(i)->needs)) --i;
  return svf_quant_at(i);
}

/* snprintf after the first *length characters; *length also counts what does not fit. */
__attribute__((format(printf, 4, 5))) static void append_text(char *buffer, size_t bytes,
                                                              size_t *length, const char *format,
                                                              ...)
{
  va_list list;
  va_start(list, format);
  const size_t at = *length < bytes ? *length : bytes;
  const int n = vsnprintf(at < bytes ? buffer + at : NULL, bytes - at, format, list);
  if (n > 0) *length += (size_t)n;
  va_end(list);
}

size_t svf_cpu_describe(char *buffer, size_t bytes)
{
  size_t length = 0;
  append_text(buffer, bytes, &length, "features:");
  for (size_t f = 0; f < sizeof feature_names / sizeof *feature_names; ++f) {
    if (features() & feature_names[f].bit) {
      append_text(buffer, bytes, &length, " %s", feature_names[f].name);
    }
  }
  append_text(buffer, bytes, &length, "\n");
  for (size_t i = svf_kernel_count(); i-- > 0;) {
    const svf_kernel *kernel = svf_kernel_at(i);
    const bool runs = can_run(features(), kernel->needs);
    append_text(buffer, bytes, &length, "%s: %s", kernel->name,
                runs ? "can run" : "cannot run, lacks");
    for (size_t f = 0; f < sizeof feature_names / sizeof *feature_names; ++f) {
      if (kernel->needs & ~features() & feature_names[f].bit) {
        append_text(buffer, bytes, &length, " %s", feature_names[f].name);
      }
    }
    if (runs && is_slow(features(), kernel)) {
      append_text(buffer, bytes, &length, ", but what is below %s is faster here",
                  svf_isa_name(kernel->isa));
    }
    append_text(buffer, bytes, &length, "\n");
  }
  if (svf_amx_refused()) {
    append_text(buffer, bytes, &length,
                "amx: the operating system refused the state of its tiles\n");
  }
  append_text(buffer, bytes, &length, "selected: %s (%s)\n", svf_isa_name(svf_isa_selected()),
              atomic_load(&selected_isa) == SVF_ISA_AUTO ? "the best that can run" : "asked for");
  return length;
}
