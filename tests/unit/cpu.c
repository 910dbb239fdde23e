/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/core/cpu.h"

#include "kernels/format.h"
#include "src/core/dispatch.h"
#include "src/core/isa.h"
#include "tests/unit/suite.h"

enum { OSXSAVE_AVX_FMA = 1 << 27 | 1 << 28 | 1 << 12 };

static uint64_t x86(uint32_t leaf1, uint32_t leaf7, uint64_t xcr0)
{
  const svf_x86_registers r = {.leaf1_ecx = leaf1, .leaf7_ebx = leaf7, .xcr0 = xcr0};
  return svf_cpu_from_x86(&r);
}

START_TEST(x86_needs_cpu_and_system)
{
  const uint32_t avx2 = 1u << 5, avx512 = avx2 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  const uint64_t ymm = SVF_CPU_AVX2 | SVF_CPU_FMA;
  const uint64_t zmm =
      ymm | SVF_CPU_AVX512F | SVF_CPU_AVX512BW | SVF_CPU_AVX512DQ | SVF_CPU_AVX512VL;
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA, avx512, 0xe7), zmm);
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA, avx512, 0x7), ymm);  /* the system saves no ZMM */
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA, avx512, 0x67), ymm); /* only half of it */
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA, avx512, 0x3), 0);    /* not even YMM */
  ck_assert_uint_eq(x86(1 << 28 | 1 << 12, avx512, 0xe7), 0); /* no OSXSAVE */
  ck_assert_uint_eq(x86(1 << 27 | 1 << 12, avx512, 0xe7), 0); /* no AVX */
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA, avx2, 0xe7), ymm);
  ck_assert_uint_eq(x86(OSXSAVE_AVX_FMA & ~(1 << 12), avx2, 0x7), SVF_CPU_AVX2);
  ck_assert_uint_eq(x86(0, 0, 0), 0);
}
END_TEST

/* Whether they are fast is no matter of features. */
START_TEST(dot_products_are_there_on_any_cpu)
{
  const uint32_t avx512 = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  svf_x86_registers r = {
      .leaf1_ecx = OSXSAVE_AVX_FMA, .leaf7_ebx = avx512, .leaf7_1_eax = 1u << 5, .xcr0 = 0xe7};
  ck_assert_uint_ne(svf_cpu_from_x86(&r) & SVF_CPU_AVX512BF16, 0);
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & SVF_CPU_INTEL, 0);
  const uint64_t of_amd = svf_cpu_from_x86(&r);
  r.intel = true;
  ck_assert_uint_eq(svf_cpu_from_x86(&r), of_amd | SVF_CPU_INTEL);
  r.intel = false;
  r.xcr0 = 0x7;
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & SVF_CPU_AVX512BF16, 0);
}
END_TEST

START_TEST(vnni_needs_its_registers)
{
  const uint32_t avx512 = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  const uint64_t both = SVF_CPU_AVXVNNI | SVF_CPU_AVX512VNNI;
  svf_x86_registers r = {.leaf1_ecx = OSXSAVE_AVX_FMA,
                         .leaf7_ebx = avx512,
                         .leaf7_ecx = 1u << 11,
                         .leaf7_1_eax = 1u << 4,
                         .xcr0 = 0xe7};
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & both, both);
  r.xcr0 = 0x7;
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & both, SVF_CPU_AVXVNNI);
  r.xcr0 = 0x3;
  ck_assert_uint_eq(svf_cpu_from_x86(&r), 0);
}
END_TEST

START_TEST(amx_needs_state_and_a_palette)
{
  const uint32_t avx512 = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  svf_x86_registers r = {.leaf1_ecx = OSXSAVE_AVX_FMA,
                         .leaf7_ebx = avx512,
                         .leaf7_edx = 1u << 22 | 1u << 24,
                         .leaf1d_eax = 1,
                         .xcr0 = 0x600e7};
  const uint64_t amx = SVF_CPU_AMX_TILE | SVF_CPU_AMX_BF16;
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & amx, amx);
  r.leaf7_edx |= 1u << 25;
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & (amx | SVF_CPU_AMX_INT8), amx | SVF_CPU_AMX_INT8);
  r.leaf7_edx = 1u << 24;
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & amx, SVF_CPU_AMX_TILE);
  r.leaf7_edx = 1u << 22; /* bf16 without tiles */
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & amx, 0);
  r.leaf7_edx = 1u << 22 | 1u << 24;
  r.leaf1d_eax = 0; /* no palette */
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & amx, 0);
  r.leaf1d_eax = 1;
  r.xcr0 = 0x200e7; /* configuration without data */
  ck_assert_uint_eq(svf_cpu_from_x86(&r) & amx, 0);
}
END_TEST

START_TEST(aarch64_has_neon_by_hwcap)
{
  ck_assert_uint_eq(svf_cpu_from_hwcap(1 << 1, 0), SVF_CPU_NEON);
  ck_assert_uint_eq(svf_cpu_from_hwcap(1 << 1, 1 << 14), SVF_CPU_NEON | SVF_CPU_NEON_BF16);
  ck_assert_uint_eq(svf_cpu_from_hwcap(1 << 1, 1 << 13), SVF_CPU_NEON | SVF_CPU_NEON_I8MM);
  ck_assert_uint_eq(svf_cpu_from_hwcap(1 << 1 | 1 << 20, 0), SVF_CPU_NEON | SVF_CPU_NEON_DOTPROD);
  ck_assert_uint_eq(svf_cpu_from_hwcap(1 << 0 | 1 << 20, 1 << 14), 0);
}
END_TEST

START_TEST(names_round_trip)
{
  const size_t count = svf_isa_count();
  ck_assert_uint_ge(count, 7);
  for (size_t i = 0; i < count; ++i) {
    svf_isa isa = (svf_isa)77;
    ck_works(svf_isa_parse(svf_isa_name(svf_isa_at(i)), &isa));
    ck_assert_int_eq(isa, svf_isa_at(i));
    ck_assert_int_ne(isa, SVF_ISA_AUTO);
    for (size_t j = 0; j < i; ++j) ck_assert_int_ne(svf_isa_at(j), isa);
  }
  ck_assert_int_eq(svf_isa_at(count), SVF_ISA_AUTO);
  ck_assert_int_eq(svf_isa_at(SIZE_MAX), SVF_ISA_AUTO);
  ck_assert_str_eq(svf_isa_name(SVF_ISA_AUTO), "auto");
  ck_assert_str_eq(svf_isa_name((svf_isa)-1), "?");
  ck_assert_str_eq(svf_isa_name((svf_isa)77), "?");
}
END_TEST

START_TEST(parse_misuse)
{
  svf_isa isa;
  ck_fails(svf_isa_parse(NULL, &isa), SVF_ERR_NULL, "name");
  ck_fails(svf_isa_parse("avx2", NULL), SVF_ERR_NULL, "isa");
  ck_fails(svf_isa_parse("sse9", &isa), SVF_ERR_ARGUMENT, "sse9");
  ck_fails(svf_isa_parse("", &isa), SVF_ERR_ARGUMENT, "avx2");
  ck_fails(svf_isa_parse("AVX2", &isa), SVF_ERR_ARGUMENT, "AVX2");
  char names[256] = ": auto"; /* all of them, from the table */
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    const size_t at = strlen(names);
    snprintf(names + at, sizeof names - at, ", %s", svf_isa_name(svf_isa_at(i)));
  }
  ck_fails(svf_isa_parse("sse9", &isa), SVF_ERR_ARGUMENT, names);
}
END_TEST

/* --- Preference ------------------------------------------------------------------------------- */

START_TEST(below_is_within_an_architecture)
{
  static const svf_isa x86[] = {SVF_ISA_REF, SVF_ISA_AVX2, SVF_ISA_AVX512, SVF_ISA_AVX512BF16,
                                SVF_ISA_AMX};
  static const svf_isa arm[] = {SVF_ISA_REF, SVF_ISA_NEON, SVF_ISA_NEONBF16};
  for (size_t i = 0; i < 5; ++i) {
    for (size_t j = 0; j < 5; ++j) ck_assert_int_eq(svf_isa_within(x86[i], x86[j]), i <= j);
    for (size_t j = 1; j < 3; ++j) {
      ck_assert_int_eq(svf_isa_within(x86[i], arm[j]), i == 0);
      ck_assert(i == 0 || !svf_isa_within(arm[j], x86[i]));
    }
  }
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) ck_assert_int_eq(svf_isa_within(arm[i], arm[j]), i <= j);
  }
  ck_assert(!svf_isa_within((svf_isa)77, SVF_ISA_AMX));
  ck_assert(!svf_isa_within(SVF_ISA_REF, (svf_isa)77));
}
END_TEST

#if defined(__x86_64__)
static svf_isa chosen(uint64_t has, svf_isa isa, svf_format weights)
{
  return svf_choose_kernel(has, isa, weights, 0, SIZE_MAX)->isa;
}

/* Cooper Lake and Zen 4 have the same instructions; VDPBF16PS is fast on one of them only. */
START_TEST(slow_kernels_are_asked_for_by_name)
{
  const uint64_t amd = SVF_CPU_AVX2 | SVF_CPU_FMA | SVF_CPU_AVX512F | SVF_CPU_AVX512BW |
                       SVF_CPU_AVX512DQ | SVF_CPU_AVX512VL | SVF_CPU_AVX512VNNI |
                       SVF_CPU_AVX512BF16;
  const uint64_t intel = amd | SVF_CPU_INTEL;
  ck_assert_int_eq(svf_choose_isa(amd), SVF_ISA_AVX512BF16);
  ck_assert_int_eq(svf_choose_isa(intel), SVF_ISA_AVX512);
  ck_assert_int_eq(chosen(amd, SVF_ISA_AVX512BF16, SVF_FORMAT_BF16), SVF_ISA_AVX512BF16);
  ck_assert_int_eq(chosen(intel, SVF_ISA_AVX512BF16, SVF_FORMAT_BF16), SVF_ISA_AVX512BF16);
  ck_assert_int_eq(chosen(amd, SVF_ISA_AMX, SVF_FORMAT_BF16), SVF_ISA_AVX512BF16);
  ck_assert_int_eq(chosen(intel, SVF_ISA_AMX, SVF_FORMAT_BF16), SVF_ISA_AVX512);
  ck_assert_int_eq(chosen(intel, SVF_ISA_AVX512BF16, SVF_FORMAT_F32), SVF_ISA_AVX512);
  ck_assert_int_eq(chosen(intel, SVF_ISA_AVX512BF16, SVF_FORMAT_W4), SVF_ISA_AVX512);
  ck_assert_int_eq(chosen(intel, SVF_ISA_AVX2, SVF_FORMAT_BF16), SVF_ISA_AVX2);
}
END_TEST

START_TEST(the_best_that_runs_is_chosen)
{
  const uint64_t avx2 = SVF_CPU_AVX2 | SVF_CPU_FMA;
  ck_assert_int_eq(svf_choose_isa(0), SVF_ISA_REF);
  ck_assert_int_eq(svf_choose_isa(SVF_CPU_INTEL | avx2), SVF_ISA_AVX2);
  ck_assert_int_eq(svf_choose_isa(SVF_CPU_NEON), SVF_ISA_REF);
  ck_assert_int_eq(chosen(avx2, SVF_ISA_AVX512, SVF_FORMAT_W8), SVF_ISA_AVX2);
  ck_assert_int_eq(chosen(avx2, SVF_ISA_REF, SVF_FORMAT_W8), SVF_ISA_REF);
  ck_assert_str_eq(svf_choose_kernel(avx2, SVF_ISA_AVX2, SVF_FORMAT_W8, 32, 1)->name,
                   "svf_w8_4x16_avx2");
  ck_assert_str_eq(
      svf_choose_kernel(avx2 | SVF_CPU_AVXVNNI, SVF_ISA_AVX2, SVF_FORMAT_W8, 32, 1)->name,
      "svf_w8_4x16_avxvnni");
}
END_TEST
#endif

/* An ISA that this build or CPU cannot run. */
static svf_isa missing(void)
{
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    if (!svf_isa_supported(svf_isa_at(i))) return svf_isa_at(i);
  }
  return (svf_isa)77;
}

START_TEST(select_restricts_and_goes_back)
{
  const svf_isa best = svf_isa_selected();
  ck_assert_int_ne(best, SVF_ISA_AUTO);
  ck_works(svf_isa_select(SVF_ISA_REF));
  ck_assert_int_eq(svf_isa_selected(), SVF_ISA_REF);
  ck_fails(svf_isa_select(missing()), SVF_ERR_UNSUPPORTED, "isa is");
  ck_assert_int_eq(svf_isa_selected(), SVF_ISA_REF);
  ck_works(svf_isa_select(SVF_ISA_AUTO));
  ck_assert_int_eq(svf_isa_selected(), best);
}
END_TEST

START_TEST(environment)
{
  const svf_isa best = svf_isa_selected();
  unsetenv("SVF_ISA");
  ck_works(svf_isa_select_env());
  setenv("SVF_ISA", "", 1);
  ck_works(svf_isa_select_env());
  ck_assert_int_eq(svf_isa_selected(), best);
  setenv("SVF_ISA", "ref", 1);
  ck_works(svf_isa_select_env());
  ck_assert_int_eq(svf_isa_selected(), SVF_ISA_REF);
  setenv("SVF_ISA", "mmx", 1);
  ck_fails(svf_isa_select_env(), SVF_ERR_ARGUMENT, "SVF_ISA is 'mmx'");
  setenv("SVF_ISA", "auto", 1);
  ck_works(svf_isa_select_env());
  ck_assert_int_eq(svf_isa_selected(), best);
  unsetenv("SVF_ISA");
}
END_TEST

START_TEST(describe_fits_any_buffer)
{
  char whole[4096], part[4096];
  const size_t length = svf_cpu_describe(NULL, 0);
  ck_assert_uint_lt(length, sizeof whole);
  ck_assert_uint_eq(svf_cpu_describe(whole, sizeof whole), length);
  ck_assert_uint_eq(strlen(whole), length);
  ck_assert_ptr_nonnull(strstr(whole, svf_isa_name(svf_isa_selected())));
  for (size_t bytes = 1; bytes <= length + 1; ++bytes) {
    memset(part, 0x55, sizeof part);
    ck_assert_uint_eq(svf_cpu_describe(part, bytes), length);
    ck_assert_uint_eq(strlen(part), bytes - 1);
    ck_assert_mem_eq(part, whole, bytes - 1);
    ck_assert_int_eq(part[bytes], 0x55);
  }
}
END_TEST

START_TEST(registry_is_sound)
{
  ck_assert_ptr_null(svf_kernel_at(svf_kernel_count()));
  for (size_t i = 0; i < svf_kernel_count(); ++i) {
    const svf_kernel *k = svf_kernel_at(i);
    ck_assert_int_ge(k->rows, 1);
    ck_assert_int_le(k->rows, SVF_ROWS_MAX);
    ck_assert_ptr_nonnull(k->pack_rows);
    ck_assert_int_eq(k->rows % k->row_unit, 0);
    ck_assert_int_eq(k->pack_sums != NULL, svf_format_of(k->format)->traits.integer);
    ck_assert_int_le(k->blocking.rows * SVF_SPAN, k->blocking.sums);
    for (int rows = 1; rows <= k->rows / k->row_unit; ++rows) {
      ck_assert_int_le(k->tile[rows].panels, SVF_PANELS_MAX);
      ck_assert_ptr_nonnull(k->tile[rows].fn[1]);
      ck_assert_ptr_nonnull(k->tile[rows].fn[k->tile[rows].panels]);
    }
  }
  ck_assert_int_eq(svf_kernel_at(0)->needs, 0); /* something runs everywhere */
}
END_TEST

SUITE("cpu", x86_needs_cpu_and_system, dot_products_are_there_on_any_cpu, vnni_needs_its_registers,
      amx_needs_state_and_a_palette, aarch64_has_neon_by_hwcap, names_round_trip, parse_misuse,
      below_is_within_an_architecture,
#if defined(__x86_64__)
      slow_kernels_are_asked_for_by_name, the_best_that_runs_is_chosen,
#endif
      select_restricts_and_goes_back, environment, describe_fits_any_buffer, registry_is_sound)
